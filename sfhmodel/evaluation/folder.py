"""The folder of a report: whole or absent, and never written over something else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfhmodel.errors import ConfigError, SfhmodelError
from sfhsim.files import named_errors
from sfhsim.folders import whole_folder

FORMAT = "sfhmodel evaluation report 1"
METRICS, PAGE, FIGURES = "metrics.json", "report.html", "figures"


@contextmanager
def report_folder(out: str | Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` that takes its place when the block ends, or vanishes when the block raises.

    Raises
    ------
    ConfigError
        When ``out`` is something else than a report, or cannot be written.
    """
    out = Path(os.path.abspath(out))
    check_replaceable(out)
    with _named_errors(out), whole_folder(out, overwrite=True) as staging:
        yield staging
        check_replaceable(out)


def check_replaceable(out: Path) -> None:
    """That ``out`` is absent, an empty folder, or a report with nothing else in it; ConfigError if not."""
    with _named_errors(out):
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if out.is_dir() and _is_report(out):
            return
    raise ConfigError(f"{out} exists and is not (only) an evaluation report: choose another --out, or remove it first")


def _is_report(folder: Path) -> bool:
    try:
        known = json.loads((folder / METRICS).read_text(encoding="utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False
    only_ours = {entry.name for entry in folder.iterdir()} <= {METRICS, PAGE, FIGURES}
    return known and only_ours and all(p.suffix == ".png" for p in (folder / FIGURES).glob("*"))


def _named_errors(out: Path):
    return named_errors(out, ConfigError, SfhmodelError, "choose another --out or make room", doing="write the report")
