"""What decides the maps of a run: if any of it changes, parts that were kept are of no use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sfhmodel.mapping.options import MapOptions
from sfhmodel.spectra import ReadOptions


def plan_of(
    cube: Path,
    model_sha256: str,
    options: MapOptions,
    reading: ReadOptions,
    hooks: Sequence[Any],
    checked_with: str,
) -> dict[str, Any]:
    """Plain values, for JSON; of files, sizes and times.

    Parameters
    ----------
    checked_with : name of the library of the check, or ''.
    """
    from sfhmodel import __version__

    named = [("cube", str(cube)), *options.files()]
    return {
        "version": __version__,
        "model_sha256": model_sha256,
        "options": options.to_dict(),
        "reading": {name: str(value) for name, value in vars(reading).items()},
        "files": {f"{what}: {path}": _stamp(Path(path).expanduser()) for what, path in named},
        "checked_with": checked_with,
        "hooks": [getattr(hook, "__qualname__", type(hook).__qualname__) for hook in hooks],
    }


def _stamp(path: Path) -> list[int]:
    """Size and time of a file: whether it was changed since."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
