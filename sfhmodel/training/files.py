"""Files of a run are whole or absent (`sfhsim.files`), and a disk that refuses says what is kept."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from sfhmodel.errors import SfhmodelError, TrainingError
from sfhsim.files import named_errors, whole_file, write_whole

_RESUME = "the last checkpoint is kept, run the same command again once there is room and permission"


def run_errors(path: Path):
    """OSErrors of the block as TrainingError: a disk that is full, access that is denied, a folder that has gone."""
    return named_errors(path, TrainingError, SfhmodelError, _RESUME)


@contextlib.contextmanager
def whole_run_file(path: Path) -> Iterator[Path]:
    """A hidden path beside ``path``, of the same ending, that takes its name when the block ends well.

    Raises
    ------
    TrainingError
        As `run_errors`.
    """
    with run_errors(path), whole_file(path) as temporary:
        yield temporary


def write_text(path: Path, text: str) -> None:
    """Write a text file in a folder that is there, whole or not at all; TrainingError as `run_errors`."""
    write_whole(path, text.encode(), TrainingError, _RESUME)


def write_json(path: Path, content: dict) -> None:
    """Write JSON, keys in the order given; as `write_text`."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
