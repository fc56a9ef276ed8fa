"""The folder of a report: whole or absent, and never written over something else."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfhmodel.errors import ConfigError, SfhmodelError

FORMAT = "sfhmodel evaluation report 1"
METRICS, PAGE, FIGURES = "metrics.json", "report.html", "figures"


@contextmanager
def report_folder(out: str | Path) -> Iterator[Path]:
    """A temporary folder beside ``out`` that takes its name when the block ends, or vanishes when the block raises.

    Raises
    ------
    ConfigError
        When ``out`` is something else than a report, or cannot be written.
    """
    out = Path(os.path.abspath(out))
    check_replaceable(out)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise _cannot_write(out, error) from error
    try:
        yield temporary
        check_replaceable(out)
        _rename_over(temporary, out)
    except SfhmodelError:  # some are errors of the system, too
        raise
    except OSError as error:
        raise _cannot_write(out, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_replaceable(out: Path) -> None:
    """That ``out`` is absent, an empty folder, or a report with nothing else in it; ConfigError if not."""
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if out.is_dir() and _is_report(out):
            return
    except OSError as error:
        raise _cannot_write(out, error) from error
    raise ConfigError(f"{out} exists and is not (only) an evaluation report: choose another --out, or remove it first")


def _is_report(folder: Path) -> bool:
    try:
        known = json.loads((folder / METRICS).read_text(encoding="utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False
    only_ours = {entry.name for entry in folder.iterdir()} <= {METRICS, PAGE, FIGURES}
    return known and only_ours and all(p.suffix == ".png" for p in (folder / FIGURES).glob("*"))


def _rename_over(temporary: Path, out: Path) -> None:
    """A folder cannot be replaced in one step: the old one steps aside, and comes back should the new one not move."""
    if not out.exists():
        os.rename(temporary, out)
        return
    old = temporary.with_suffix(".old")
    os.rename(out, old)
    try:
        os.rename(temporary, out)
    except OSError:
        os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _cannot_write(out: Path, error: OSError) -> ConfigError:
    return ConfigError(f"cannot write the report {out}: {error.strerror or error}; choose another --out or make room")
