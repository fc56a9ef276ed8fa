"""A program of the tests: overwrites a folder again and again in forked processes that end at every step in turn.

Arguments: an empty folder, and ``exchange`` or ``renames``. A step is an event of Python's audit hooks that changes
files, or the begin or end of `exchange`, of a rename or of fsync. After each end the name must hold the old or the new
content, whole: at once with ``exchange``, and after `recover` with ``renames``; and nothing hidden may be left. Prints
as JSON how many ends there were, after how many of them the name was missing or hidden folders were there, and how
often the old and the new content was found.
"""

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

from sfhsim import folders

PARENT, EXCHANGE = Path(sys.argv[1]), sys.argv[2] == "exchange"
PLACE = PARENT / "some.folder"
OLD, NEW = ({f"{k}.txt": f"{which} {k}" for k in range(3)} for which in ("old", "new"))
EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "fcntl.flock"}


def write(content: dict[str, str]) -> None:
    with folders.whole_folder(PLACE, overwrite=True) as folder:
        for name, text in content.items():
            (folder / name).write_text(text)


def content() -> dict[str, str]:
    return {path.name: path.read_text() for path in PLACE.iterdir()}


def end_at(step: int) -> None:
    """From now on, end this process with status 9 when it has come to this step."""
    left = [step]

    def count(*_) -> None:
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1

    def around(function):
        def counted(*arguments):
            count()
            result = function(*arguments)
            count()
            return result

        return counted

    sys.addaudithook(lambda event, _: count() if event in EVENTS else None)
    folders.exchange, os.fsync, os.rename = around(folders.exchange), around(os.fsync), around(os.rename)


def overwrite_and_end(step: int) -> bool:
    """Whether a process that overwrites the folder came to this step, and ended there."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            end_at(step)
            write(NEW)
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), f"the overwriting process failed with status {status} at step {step}"
    return status == 9


if not EXCHANGE:
    folders.exchange = lambda first, second: False
counts, step, ended = Counter(), 0, True
while ended:
    shutil.rmtree(PARENT)
    PARENT.mkdir()
    write(OLD)
    ended = overwrite_and_end(step)
    counts["missing"] += not PLACE.exists()
    counts["hidden"] += len(os.listdir(PARENT)) > PLACE.exists()
    if EXCHANGE:
        assert content() in (OLD, NEW), f"neither the old nor the new content after step {step}"
    folders.recover(PARENT)
    assert content() in (OLD, NEW), f"neither the old nor the new content after step {step} and recovery"
    assert os.listdir(PARENT) == [PLACE.name], f"left after step {step}: {os.listdir(PARENT)}"
    counts["old" if content() == OLD else "new"] += 1
    step += 1
print(json.dumps({"ends": step - 1, **counts}))
