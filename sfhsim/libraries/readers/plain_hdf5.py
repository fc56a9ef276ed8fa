"""The plain HDF5 form: one dataset an array at the root, texts as root attributes.

`plain` has names and units.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.plain import (
    ACCEPTED_UNITS,
    OPTIONAL,
    REQUIRED,
    TEXTS,
    check_unit,
    to_arrays,
    to_library,
)
from sfhsim.libraries.ssp_library import SSPLibrary

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: one HDF5 file."""
    if len(paths) != 1 or not paths[0].is_file():
        return False
    with open(paths[0], "rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def read(paths: list[Path], *, name: str = "library") -> SSPLibrary:
    """Read one plain HDF5 file.

    Raises
    ------
    LibraryError
        When it is not HDF5, an array is missing, or its unit or content is wrong.
    """
    import h5py

    path = Path(paths[0])
    arrays: dict[str, np.ndarray] = {}
    try:
        with h5py.File(path, "r") as file:
            for array in (*REQUIRED, *OPTIONAL):
                if array in file:
                    check_unit(path, array, str(file[array].attrs.get("unit", "")))
                    arrays[array] = file[array][()]
            texts = {text: str(file.attrs[text]) for text in TEXTS if text in file.attrs}
    except OSError as error:
        raise LibraryError(f"{path} is not a readable HDF5 file ({error})") from error
    return to_library(path, name, arrays, texts)


def write(library: SSPLibrary, path: Path) -> None:
    """Write the plain HDF5 form, over what is there."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in to_arrays(library).items():
            file.create_dataset(name, data=array).attrs["unit"] = ACCEPTED_UNITS[name][0]
        for text in TEXTS:
            file.attrs[text] = getattr(library, text)
