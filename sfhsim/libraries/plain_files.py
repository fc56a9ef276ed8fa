"""Writing a library in one of the two plain forms, which `sfhsim.libraries.readers` reads again."""

from __future__ import annotations

from pathlib import Path

from sfhsim.errors import LibraryError
from sfhsim.libraries.ssp_library import SSPLibrary


def write_plain(library: SSPLibrary, path: str | Path) -> Path:
    """Write a library in the plain HDF5 (.h5, .hdf5) or FITS (.fits) form; both are read back unchanged.

    Raises
    ------
    LibraryError
        When the suffix is neither.
    """
    path = Path(path)
    if path.suffix.lower() in (".h5", ".hdf5"):
        from sfhsim.libraries.readers.plain_hdf5 import write
    elif path.suffix.lower() == ".fits":
        from sfhsim.libraries.readers.plain_fits import write
    else:
        raise LibraryError(f"{path}: write a plain library as .h5, .hdf5 or .fits")
    write(library, path)
    return path
