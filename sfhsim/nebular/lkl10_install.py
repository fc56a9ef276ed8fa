"""Finding, reading and installing the line tables of Levesque, Kewley & Larson (2010).

The tables are not ours to ship: they come with ProSpect (Robotham et al. 2020, MNRAS 495, 905; LGPL-3) as
two R data files, ``LKL10_NormHalpha.rda`` and ``LKL10_NormAll.rda``. Installing checks the SHA-256 of both,
whether they were fetched from ProSpect's public repository or found in a folder of the user's, and keeps
them as one small npz. Three forms are read: a folder with the .rda file, the .rda file itself, and the npz
(ours, or any with the same names).
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
import warnings
from pathlib import Path

import numpy as np

from sfhsim.errors import ChecksumError, LibraryError, MissingDataError
from sfhsim.files import named_errors, whole_file
from sfhsim.nebular.lkl10 import LKL10Lines

PROSPECT_COMMIT = "bf132e674a62c30bb860e19a6a4584bc3d9ccdd0"
SOURCE_URL = f"https://raw.githubusercontent.com/asgr/ProSpect/{PROSPECT_COMMIT}/data"
SHA256 = {
    "LKL10_NormHalpha.rda": "04392f49f37d3aa1122954b816ae8d3202afa41a51c08969a11396a35f07b0ce",
    "LKL10_NormAll.rda": "2dc6b2bfc29e865d29ba04451aa43622aaabfdb91fb558fff785a95ee4f8d1da",
}
INSTALL_COMMAND = "sfhsim nebular install lkl10"
_HALPHA_FILE = "LKL10_NormHalpha.rda"
_LARGEST_BYTES = 50_000_000  # read of a reply; a longer one has another SHA-256


def installed_path() -> Path:
    """Where the installed table is kept."""
    from sfhsim.libraries.places import data_home

    return Path(data_home()) / "nebular" / "lkl10.npz"


def load_lkl10(path: str | Path | None = None, line_flux: str = "energy") -> LKL10Lines:
    """Read the line tables.

    Parameters
    ----------
    path : a folder with ``LKL10_NormHalpha.rda``, that file, or an npz with its numbers. Without it: the
        environment variable SFHSIM_LKL10, then the installed copy.
    line_flux : "energy" (L, default) or "prospect" (the distributed L / lambda), see
        ``sfhsim.nebular.lkl10``.

    Raises
    ------
    MissingDataError
        If there is no table; the message holds the command that installs it.
    LibraryError
        If the file cannot be read as one.
    """
    origin = path if path is not None else os.environ.get("SFHSIM_LKL10") or installed_path()
    file = Path(origin)
    if file.is_dir():
        file = file / _HALPHA_FILE
    if not file.is_file():
        raise MissingDataError(
            f"the LKL10 line table is not at {file}. Install it with `{INSTALL_COMMAND}` (fetches it from "
            f"ProSpect's public repository) or `{INSTALL_COMMAND} --from PATH` (a folder with its .rda files)"
        )
    try:
        arrays = _read_rda(file) if file.suffix.lower() == ".rda" else _read_npz(file)
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError) as error:
        raise LibraryError(f"{file} cannot be read as the LKL10 line table: {error}") from error
    metallicity, ionization_q, wave_aa, names, per_halpha = arrays
    return LKL10Lines.from_distributed(metallicity, ionization_q, wave_aa, names, per_halpha, line_flux)


def install_lkl10(source: str | Path | None = None, destination: Path | None = None, url: str = SOURCE_URL) -> Path:
    """Install the tables from a folder, or from ProSpect's public repository; returns the file written.

    Parameters
    ----------
    source : folder with the two .rda files (or the path of one of them); None fetches them.
    destination : the npz to write; the data folder of sfhsim unless given.
    url : address of the folder that holds the two files.

    Raises
    ------
    ChecksumError
        If a file is not the expected one.
    MissingDataError
        If a file is not there, the network does not answer, or the table cannot be written.
    """
    destination = Path(destination) if destination is not None else installed_path()
    contents = {name: _fetch(f"{url}/{name}") if source is None else _local(source, name) for name in SHA256}
    for name, content in contents.items():
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256[name]:
            raise ChecksumError(
                f"{name} from {source or url}: SHA-256 is {found}, expected {SHA256[name]}. The file is "
                f"damaged or of another version of ProSpect; nothing was installed"
            )
    advice = "free some space or set SFHSIM_HOME elsewhere"
    with named_errors(destination, MissingDataError, advice=advice), whole_file(destination) as temporary:
        temporary.write_bytes(contents[_HALPHA_FILE])
        metallicity, ionization_q, wave_aa, names, per_halpha = _read_rda(temporary)
        with temporary.open("wb") as file:
            np.savez_compressed(
                file,
                metallicity=metallicity,
                ionization_q=ionization_q,
                wavelength=wave_aa,
                line_names=names,
                norm_halpha=per_halpha,
            )
    return destination


def _fetch(address: str, timeout_s: float = 60.0) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=timeout_s) as reply:
            return reply.read(_LARGEST_BYTES)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise MissingDataError(
            f"cannot fetch {address}: {error}. Get ProSpect's data folder another way and run "
            f"`{INSTALL_COMMAND} --from PATH`"
        ) from error


def _local(source: str | Path, name: str) -> bytes:
    folder = Path(source)
    file = (folder if folder.is_dir() else folder.parent) / name
    if not file.is_file():
        raise MissingDataError(f"{file} not found: --from takes the folder with {' and '.join(SHA256)}")
    try:
        return file.read_bytes()
    except OSError as error:
        raise MissingDataError(f"cannot read {file}: {error.strerror or error}") from error


def _read_npz(file: Path):
    with np.load(file) as stored:
        wave_aa = stored["wavelength"]
        if "line_names" in stored.files:
            names = stored["line_names"]
        else:
            names = _names(stored["element"], stored["state"], wave_aa)
        return stored["metallicity"], stored["ionization_q"], wave_aa, names, stored["norm_halpha"]


def _read_rda(file: Path):
    """Metallicities, q, wavelengths, names and (Z, q, line) ratios of R's ``LKL10_NormHalpha``."""
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdata warns of R classes that it turns into plain containers
        table = rdata.read_rda(file)["LKL10_NormHalpha"]
    frames = list(table["Mappings"].values())
    wave_aa = np.asarray(frames[0]["wave"], dtype=np.float64)
    ratios = np.array([frame.iloc[:, 3:].to_numpy(dtype=np.float64).T for frame in frames])
    names = _names(frames[0]["element"], frames[0]["state"], wave_aa)
    return np.asarray(table["Z"], float), np.asarray(table["q"], float), wave_aa, names, ratios


def _names(element, state, wave_aa) -> np.ndarray:
    return np.array([f"{e} {s} {w:.2f}A" for e, s, w in zip(element, state, wave_aa, strict=True)])
