"""One digest a sample, whatever BLAS kernel, instruction set, mathematical library and number of threads there are."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from sample_digests import TABLE, prepare

import sfhsim

PROGRAM = Path(__file__).with_name("sample_digests.py")
X86 = platform.machine() == "x86_64"
FLAGS = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").exists() else set()
# what a processor must have for OpenBLAS to run these kernels
KERNELS = {"Haswell": "avx2", "SkylakeX": "avx512f", "Zen": "avx2", "Sandybridge": "avx"}
HASWELL = "+64bit,+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse4.2,+ssse3"
COMPILERS = {
    "host": {},
    # the model alone would keep the instructions of the host
    "haswell without AVX-512": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": HASWELL},
}
# every kernel, every compiler, one thread and two; a cell takes most of a minute, and BLAS knows no compiler
MATRIX = [
    ("Haswell", "host", 1),
    ("SkylakeX", "host", 2),
    pytest.param("Zen", "haswell without AVX-512", 1, marks=pytest.mark.slow),  # of Haswell's code, mostly
    ("Sandybridge", "haswell without AVX-512", 2),
]
PLAIN_LIBRARIES = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
}

pytestmark = pytest.mark.skipif(not X86 or "avx2" not in FLAGS, reason="chooses among the code of x86-64 processors")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("identity")
    prepare(where)
    return where


@pytest.fixture(scope="session")
def compiled_for(tmp_path_factory):
    """Function to the environment of a compiler; each keeps what it compiles apart, for all test processes."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared

    def environment(name):
        kept = {} if name == "host" else {"NUMBA_CACHE_DIR": str(shared / "numba" / name.replace(" ", "-"))}
        return COMPILERS[name] | kept

    return environment


def _run(folder, environment, *arguments):
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join([str(Path(sfhsim.__file__).parents[1]), tests])
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS", "NUMBA_CPU", "NUMBA_NUM"))}
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, *arguments],
        env=inherited | {"PYTHONPATH": paths, "SFHSIM_CACHE": str(folder / "cache")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def expected(folder):
    """The digests in the environment as it is."""
    return _run(folder, {})


@pytest.mark.parametrize(("kernel", "compiler", "threads"), MATRIX, ids=str)
def test_kernels_compilers_and_threads(folder, expected, compiled_for, kernel, compiler, threads):
    if KERNELS[kernel] not in FLAGS:
        pytest.skip(f"this processor lacks {KERNELS[kernel]}, which the kernel {kernel} needs")
    environment = {
        "OPENBLAS_CORETYPE": kernel,
        "OPENBLAS_NUM_THREADS": str(threads),
        "NUMBA_NUM_THREADS": str(threads),
        **compiled_for(compiler),
    }
    assert _run(folder, environment) == expected


@pytest.mark.slow  # those of the built-in recipes, below, are run without them, too
def test_libraries_without_the_instructions_of_newer_processors(folder, expected):
    assert _run(folder, PLAIN_LIBRARIES) == expected


@pytest.mark.parametrize("compiler", ["host", "haswell without AVX-512"])
def test_samples_of_the_built_in_recipes_are_those_of_the_table(folder, compiled_for, compiler):
    table = json.loads(TABLE.read_text())
    assert table["sfhsim_version"] == sfhsim.__version__, "other bytes need a new version, and the table that version"
    environment = compiled_for(compiler) | ({} if compiler == "host" else PLAIN_LIBRARIES)
    assert _run(folder, environment, "builtin") == table["digests"]
