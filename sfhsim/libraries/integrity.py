"""Whether a library's files hold what their checksum says.

Content is read and hashed once; after that the inodes, sizes and times of the files are enough, kept in the user's
cache folder.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from sfhsim.errors import LibraryError
from sfhsim.libraries.places import cache_home

_MOST = 100  # libraries that are remembered


def checked_checksum(name_or_path: str | Path) -> str:
    """The checksum of a library's content, as `load_library` would load it.

    Raises
    ------
    LibraryError
        When its content is another than its checksum says: it was edited or damaged.
    MissingDataError
        When it is not there.
    """
    from sfhsim.libraries.catalogue import library_folder

    folder, embedded = library_folder(name_or_path)
    files = sorted(path for path in folder.iterdir() if path.suffix in (".npy", ".npz", ".json"))
    stamp = [[path.name, *_stat(path)] for path in files]
    remembered = _remembered()
    entry = remembered.get(str(folder.resolve()), {})
    if entry.get("files") == stamp and isinstance(entry.get("checksum"), str):
        return entry["checksum"]
    stated, found = _embedded(folder) if embedded else _native(folder)
    if stated != found:
        raise LibraryError(
            f"the content of {folder} is not that of its checksum (sha256 {found[:12]} instead of {stated[:12]}): it "
            "was edited or damaged; install or import the library again"
        )
    _remember(remembered | {str(folder.resolve()): {"files": stamp, "checksum": stated}})
    return stated


def _stat(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _native(folder: Path) -> tuple[str, str]:
    from sfhsim.libraries.native import load_native

    library = load_native(folder)
    return library.checksum, library.content_checksum()


def _embedded(folder: Path) -> tuple[str, str]:
    from sfhsim.libraries.embedded import read_description, stored_checksum

    description = read_description(folder)
    return description["checksum"], stored_checksum(folder, description)


def _remembered() -> dict:
    try:
        content = json.loads(_place().read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and all(isinstance(v, dict) for v in content.values()) else {}


def _remember(entries: dict) -> None:
    """Written whole; two processes at once lose an entry at most, which is then checked again."""
    kept = dict(list(entries.items())[-_MOST:])
    path = _place()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(kept))
        temporary.replace(path)


def _place() -> Path:
    return cache_home() / "checked-libraries.json"
