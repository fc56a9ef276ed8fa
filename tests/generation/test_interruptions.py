"""Killed at any instant, the same command goes on: the finished files equal those of an uninterrupted run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_dataset import SHARD_BYTES, contents

from sfhsim.errors import DatasetError

PATIENCE_S = 60.0
N_LONG = 2000  # some hundred shards: enough to be caught in the middle


@pytest.fixture(scope="module")
def uninterrupted(make, tmp_path_factory) -> dict[str, bytes]:
    """The files of the long data set, made in one go."""
    folder = tmp_path_factory.mktemp("uninterrupted_long")
    make(folder, n_samples=N_LONG)
    return contents(folder)


def test_killed_at_random_moments(recipe, command_environment, tmp_path):
    program = Path(__file__).with_name("killed_again_and_again.py")
    arguments = [recipe, 7, 600, 6000, tmp_path / "d", 20, 1]
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)], capture_output=True, text=True, env=command_environment
    )
    assert done.returncode == 0, done.stderr
    kills = json.loads(done.stdout)
    assert kills["in_time"] >= 12
    assert kills["halfway"] >= 6


@pytest.fixture
def command(recipe, command_environment, tmp_path):
    """Function that starts the command with two workers in tmp_path/d, as the head of a process group."""
    options = f"-n {N_LONG} --seed 7 --shard-size {SHARD_BYTES} --workers 2 --out {tmp_path / 'd'}"
    line = [sys.executable, "-c", "from sfhsim.cli import main; main()", "generate", str(recipe), *options.split()]
    started = []

    def start():
        process = subprocess.Popen(
            line,
            env=command_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            # a shell starts its background jobs with SIGINT ignored, and so would this test run there
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.005)


def _wait_for_a_shard(process, folder):
    _wait_until(lambda: _shards(folder) or process.poll() is not None, "a first shard")
    assert process.poll() is None, process.communicate()[1]


def _shards(folder):
    return list(folder.glob("*.tfrecord"))


def _workers(process) -> list[int]:
    """Ids of the worker processes (not of Python's resource tracker)."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


def _running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see child processes")


@needs_proc
def test_the_parent_is_killed_and_its_workers_end(command, uninterrupted, tmp_path):
    process = command()
    _wait_for_a_shard(process, tmp_path / "d")
    workers = _workers(process)
    assert len(workers) == 2
    process.kill()
    _wait_until(lambda: not any(map(_running, workers)), "the end of the workers")
    for shard in _shards(tmp_path / "d"):
        assert shard.read_bytes() == uninterrupted[shard.name]
    again = command()
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert contents(tmp_path / "d") == uninterrupted


@needs_proc
def test_a_worker_is_killed_and_the_command_says_so(command, uninterrupted, tmp_path):
    process = command()
    _wait_for_a_shard(process, tmp_path / "d")
    os.kill(_workers(process)[0], signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert re.search(r"was killed by signal 9 \(SIGKILL\) (while making|before it made anything)", errors)
    assert "use fewer workers. Whole shards are kept, the same command goes on" in errors
    kept = contents(tmp_path / "d")
    assert all(uninterrupted[name] == content for name, content in kept.items())
    again = command()
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert contents(tmp_path / "d") == uninterrupted


def test_ctrl_c_leaves_whole_shards_and_nothing_else(command, uninterrupted, tmp_path):
    process = command()
    _wait_for_a_shard(process, tmp_path / "d")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "interrupted; what was complete is kept\n"
    kept = contents(tmp_path / "d")
    assert all(uninterrupted[name] == content for name, content in kept.items())


def test_a_worker_error_names_the_shard():
    from sfhsim.generation.processes import _revived, _Worker

    class Process:
        pid = 12

    worker = object.__new__(_Worker)
    worker.process = Process
    error = _revived(worker, "ZeroDivisionError", "division by zero", "Traceback ...", "train-0.tfrecord")
    assert isinstance(error, DatasetError)
    assert "worker process 12 failed while making train-0.tfrecord: ZeroDivisionError: division by zero" in str(error)


def test_a_script_without_guard_is_told(recipe, command_environment, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom sfhsim import generate_dataset\ngenerate_dataset(sys.argv[1], 9, sys.argv[2], workers=1)\n"
    )
    done = subprocess.run(
        [sys.executable, script, recipe, tmp_path / "d"], capture_output=True, text=True, env=command_environment
    )
    assert done.returncode == 1
    assert """needs the guard `if __name__ == "__main__":`""" in done.stderr
    assert not _shards(tmp_path / "d")
