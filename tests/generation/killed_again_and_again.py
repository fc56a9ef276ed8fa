"""A program of the tests: makes a data set in forked processes that it kills at moments drawn at random.

Arguments: recipe, seed of the simulator, samples, bytes of a shard, folder, number of kills, seed of the moments.
Prints, as JSON, how often a kill came before the end, and how often with some but not all shards there, for a test to
see that it tested something.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from sfhsim import Simulator, generate_dataset

SIMULATOR = Simulator.from_recipe(sys.argv[1], seed=int(sys.argv[2]))
N_SAMPLES, SHARD_BYTES, FOLDER = int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])


def start() -> int:
    """Fork a process that makes the data set, or goes on with it; its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            generate_dataset(SIMULATOR, N_SAMPLES, FOLDER, shard_bytes=SHARD_BYTES)
            status = 0
        finally:
            os._exit(status)
    return child


def contents() -> dict:
    return {str(p.relative_to(FOLDER)): p.read_bytes() for p in FOLDER.rglob("*") if p.is_file()}


def check(visible: dict, expected: dict) -> None:
    """What a killed process leaves under a final name is whole."""
    for name, content in visible.items():
        hidden = Path(name).name.startswith(".")
        assert hidden or content == expected[name], f"{name} is not whole"


def n_shards() -> int:
    return len(list(FOLDER.glob("*.tfrecord")))


def wait_for_moment(child: int) -> None:
    """Wait until a random number of shards is there, and then for a few milliseconds more or less."""
    number, seconds = moments.randrange(total), moments.uniform(0.0, 0.004)
    while n_shards() < number and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.0005)
    time.sleep(seconds if number else 20 * seconds)  # nothing is there yet: it may still be starting


assert os.waitpid(start(), 0)[1] == 0
expected, total = contents(), n_shards()
moments = random.Random(int(sys.argv[7]))
in_time = halfway = 0
for _ in range(int(sys.argv[6])):
    if (FOLDER / "manifest.json").exists():
        shutil.rmtree(FOLDER)
    child = start()
    wait_for_moment(child)
    os.kill(child, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    check(contents() if FOLDER.exists() else {}, expected)
    in_time += killed
    halfway += killed and 0 < n_shards() < total
assert os.waitpid(start(), 0)[1] == 0
assert contents() == expected, "the finished data set differs"
print(json.dumps({"in_time": in_time, "halfway": halfway}))
