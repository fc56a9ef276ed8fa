"""Finding a stellar library by name: embedded, installed in the user's data directory, or at a path."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from sfhsim.errors import MissingDataError
from sfhsim.files import exists
from sfhsim.folders import recover
from sfhsim.libraries.places import libraries_home
from sfhsim.libraries.ssp_library import SSPLibrary

EMBEDDED_NAME = "bc03-miles"


@dataclass(frozen=True)
class LibraryRecord:
    """One line of ``sfhsim library list``; status is 'embedded', 'installed' or 'available'."""

    name: str
    status: str
    size_mb: float
    description: str
    path: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        return asdict(self)


def load_library(name_or_path: str | Path) -> SSPLibrary:
    """Open a library by name or path.

    Parameters
    ----------
    name_or_path : str or path
        'bc03-miles' (embedded), the name of an installed library, or the path of a native one.

    Raises
    ------
    MissingDataError
        When it is not there; the message holds the command that installs it, or the names that are there.
    LibraryError
        When its files are damaged.
    """
    folder, embedded = library_folder(name_or_path)
    if embedded:
        from sfhsim.libraries.embedded import load_embedded

        return load_embedded()
    from sfhsim.libraries.native import load_native

    return load_native(folder)


def library_folder(name_or_path: str | Path) -> tuple[Path, bool]:
    """Where a library's files are, and whether it is the embedded one; raises MissingDataError as `load_library`."""
    from sfhsim.libraries.embedded import EMBEDDED_FOLDER
    from sfhsim.libraries.known import KNOWN_LIBRARIES, installed_path

    if str(name_or_path) == EMBEDDED_NAME:
        return EMBEDDED_FOLDER, True
    name = str(name_or_path)
    if "/" not in name:
        installed = installed_path(name)
        if not exists(installed):
            recover(libraries_home())
        if exists(installed):
            return installed, False
        if name in KNOWN_LIBRARIES:
            raise MissingDataError(
                f"the stellar library '{name}' is not installed: run `sfhsim library install {name}` "
                f"({KNOWN_LIBRARIES[name].download} to download)"
            )
    path = Path(name_or_path).expanduser()
    if exists(path):
        return path, False
    there = ", ".join(record.name for record in list_libraries())
    raise MissingDataError(
        f"no stellar library '{name_or_path}': known are {there}; one's own is added with `sfhsim library import`"
    )


def list_libraries() -> list[LibraryRecord]:
    """Every library there is: embedded, installed, and installable."""
    from sfhsim.libraries.embedded import EMBEDDED_FOLDER
    from sfhsim.libraries.known import KNOWN_LIBRARIES
    from sfhsim.libraries.native import SUFFIX

    embedded = LibraryRecord(
        EMBEDDED_NAME,
        "embedded",
        _size_mb(EMBEDDED_FOLDER),
        "BC03-MILES 2016, compressed: 196 ages from 0.1 Myr x 7 Z, FUV to far infrared",
        str(EMBEDDED_FOLDER),
    )
    records = {EMBEDDED_NAME: embedded}
    for path in sorted(libraries_home().glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        known = KNOWN_LIBRARIES.get(name)
        description = known.description if known else _described(path)
        records[name] = LibraryRecord(name, "installed", _size_mb(path), description, str(path))
    for name, known in KNOWN_LIBRARIES.items():
        records.setdefault(name, LibraryRecord(name, "available", float(known.size_mb), known.description))
    return list(records.values())


def _size_mb(folder: Path) -> float:
    return round(sum(file.stat().st_size for file in folder.glob("*") if file.is_file()) / 1e6, 1)


def _described(path: Path) -> str:
    """What the library says of its source."""
    from sfhsim.errors import SfhsimError
    from sfhsim.libraries.native import load_native

    try:
        return load_native(path).source
    except SfhsimError as error:
        return f"unusable: {error}"
