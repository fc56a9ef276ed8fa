"""Compiled recipes kept in the user's cache folder, under the fingerprints of their simulators.

The folder is bounded: what was not used for longest goes first. Files are whole or absent, so that many processes may
write at once; one that is damaged is ignored and made anew. Where nothing can be written, nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.files import partial_files
from sfhsim.libraries.places import cache_home
from sfhsim.synthesis.compiled_recipe import CompiledRecipe, read_compiled, write_compiled

SUFFIX = ".compiled"
MOST_BYTES = 500_000_000
_ABANDONED_S = 3600.0


def cached(fingerprint: str) -> CompiledRecipe | None:
    """The compiled recipe of this fingerprint, or None."""
    path = _path(fingerprint)
    try:
        compiled = read_compiled(path)
    except DatasetError:
        return None
    if compiled.document.get("fingerprint") != fingerprint:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return compiled


def keep(fingerprint: str, compiled: CompiledRecipe) -> None:
    """Keep a compiled recipe, if that is possible."""
    path = _path(fingerprint)
    with contextlib.suppress(OSError):  # DatasetError is one
        path.parent.mkdir(parents=True, exist_ok=True)
        write_compiled(compiled, path)
        _bound(path.parent)


def _path(fingerprint: str) -> Path:
    return cache_home() / "compiled" / f"{fingerprint}{SUFFIX}"


def _bound(folder: Path) -> None:
    """Delete what killed writers left, and the files that were not used for longest until the rest fit."""
    for path in partial_files(folder):
        if path.stat().st_mtime < time.time() - _ABANDONED_S:
            path.unlink(missing_ok=True)
    total = 0
    for path in sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True):
        total += path.stat().st_size
        if total > MOST_BYTES:
            path.unlink(missing_ok=True)
