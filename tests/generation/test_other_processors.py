"""A data set that is begun, gone on with and repaired with other processors' code is the one made in one go."""

import signal
import subprocess
import sys
import time

import pytest
from small_dataset import N_SAMPLES, SHARD_BYTES, contents

PATIENCE_S = 120.0
PROGRAM = "from sfhsim.cli import main; main()"
# chosen by OpenBLAS, NumPy and the C library when a process starts
PROCESSORS = [
    {"OPENBLAS_CORETYPE": "Sandybridge", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"},
    {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "1"},
    {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
]


@pytest.fixture
def run(recipe, command_environment, tmp_path):
    """Function that starts a command of sfhsim on one of the processors."""
    kept = {k: v for k, v in command_environment.items() if not k.startswith(("OPENBLAS", "NUMBA_NUM"))}

    def run(processor, *arguments):
        environment = kept | PROCESSORS[processor]
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *map(str, arguments)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return run


def _end(process):
    said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said[0]


def test_begun_resumed_and_repaired(run, recipe, uninterrupted, tmp_path):
    folder = tmp_path / "d"
    options = ("-n", N_SAMPLES, "--out", folder, "--seed", 7, "--shard-size", f"{SHARD_BYTES}")
    first = run(0, "generate", recipe, *options, "--workers", 2)
    deadline = time.monotonic() + PATIENCE_S
    while not list(folder.glob("*.tfrecord")) and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    _end(run(1, "generate", recipe, *options, "--workers", 1))
    assert contents(folder) == uninterrupted
    for shard in sorted(folder.glob("*.tfrecord"))[::3]:
        shard.unlink()
    (folder / "compiled.recipe").unlink()
    assert "repaired" in _end(run(2, "verify", folder, "--repair"))
    assert contents(folder) == uninterrupted
