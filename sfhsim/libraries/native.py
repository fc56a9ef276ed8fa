"""The native format: a directory ``<name>.ssplib`` of plain arrays that opens without reading them.

    library.json      format version, names, units, provenance, shapes, sha256 of the content
    flux.npy          (n_metallicity, n_age, n_wave) float32, Lsun/Angstrom per Msun formed; memory-mapped
    <array>.npy       the other arrays of `SSPLibrary`, float64

It is whole or absent (`sfhsim.folders`), so a reader sees all of it or nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.files import named_errors
from sfhsim.folders import whole_folder
from sfhsim.libraries.ssp_library import ARRAY_NAMES, TEXT_NAMES, SSPLibrary

FORMAT_VERSION = 1
SUFFIX = ".ssplib"
UNITS = {
    "metallicity": "mass fraction",
    "age_yr": "yr",
    "age_edges_yr": "yr",
    "wave_aa": "Angstrom (air)",
    "flux": "Lsun/Angstrom per Msun formed",
    "resolution_fwhm_aa": "Angstrom (FWHM)",
    "ionizing_photon_rate": "photons/s per Msun formed, below 911.75 Angstrom",
    "ionizing_luminosity_lsun": "Lsun per Msun formed, below 911.75 Angstrom",
    "valid_range_aa": "Angstrom",
}


def save_library(library: SSPLibrary, path: str | Path, overwrite: bool = False) -> Path:
    """Write a library in the native format.

    Parameters
    ----------
    library : SSPLibrary
    path : path
        The directory to make; ``.ssplib`` is appended when it is not there.
    overwrite : bool
        Replace what is there.

    Returns
    -------
    The directory written.

    Raises
    ------
    LibraryError
        When the path exists and ``overwrite`` is False, or cannot be written: nothing is left behind.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        path = path.with_name(path.name + SUFFIX)
    with named_errors(path, LibraryError):
        written = write_library(library, path, overwrite)
    if not written:
        raise LibraryError(f"{path} exists already: remove it, choose another name, or ask to overwrite it")
    return path


def write_library(library: SSPLibrary, path: Path, overwrite: bool) -> bool:
    """Write to this very path; False when what is there must stay, also when another process was first.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    if path.exists() and not overwrite:
        return False
    try:
        with whole_folder(path, overwrite) as staging:
            _write_arrays(library, staging)
    except FileExistsError:
        return False
    return True


def _write_arrays(library: SSPLibrary, folder: Path) -> None:
    for name in ARRAY_NAMES:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(library, name)))
    description = {
        "format": "sfhsim-ssp-library",
        "format_version": FORMAT_VERSION,
        **{name: getattr(library, name) for name in TEXT_NAMES},
        "checksum": library.content_checksum(),
        "arrays": {name: {"shape": list(getattr(library, name).shape), "unit": UNITS[name]} for name in ARRAY_NAMES},
    }
    (folder / "library.json").write_text(json.dumps(description, indent=1) + "\n")


def load_native(path: str | Path) -> SSPLibrary:
    """Open a native library; the cube stays on disk until it is used.

    Raises
    ------
    MissingDataError
        When there is no such directory.
    LibraryError
        When it is not a native library, is of a newer format, or a file of it is missing or truncated.
    """
    path = Path(path)
    try:
        description = json.loads((path / "library.json").read_text())
    except FileNotFoundError:
        raise MissingDataError(f"no stellar library at {path} (expected a folder with library.json)") from None
    except (ValueError, OSError) as error:
        raise LibraryError(f"{path / 'library.json'} is damaged ({error}); install or import it again") from error
    if description.get("format") != "sfhsim-ssp-library":
        raise LibraryError(f"{path} is not a native stellar library; use `sfhsim library import`")
    if description["format_version"] > FORMAT_VERSION:
        raise LibraryError(
            f"{path} has format version {description['format_version']}, this sfhsim reads up to "
            f"{FORMAT_VERSION}: update sfhsim"
        )
    arrays: dict[str, Any] = {
        name: _load_array(path, name, description["arrays"][name]["shape"]) for name in ARRAY_NAMES
    }
    texts = {name: description[name] for name in TEXT_NAMES}
    return SSPLibrary(**texts, **arrays, checksum=description["checksum"], validate=False)


def _load_array(path: Path, name: str, shape: list[int]) -> np.ndarray:
    file = path / f"{name}.npy"
    try:
        array = np.load(file, mmap_mode="r" if name == "flux" else None)
    except (OSError, ValueError, EOFError) as error:
        raise LibraryError(f"{file} is missing or damaged ({error}); install or import the library again") from error
    if list(array.shape) != list(shape):
        raise LibraryError(f"{file} has shape {array.shape}, library.json says {tuple(shape)}; install it again")
    return array
