"""One MILES or E-MILES spectrum, from FITS (linear axis in the header) or from ASCII.

The ASCII form of the young extension (Asa'd et al. 2017) has FITS-like header cards up to a line ``END``,
blank lines, then ``wavelength flux`` columns. Plain two-column files with ``#`` comments are read as well.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from sfhsim.errors import LibraryError


def is_fits(path: Path) -> bool:
    """Whether a file is binary FITS: ASCII files with FITS-like cards break the line in the first card."""
    with open(path, "rb") as file:
        start = file.read(80)
    return start.startswith(b"\x1f\x8b") or (start.startswith(b"SIMPLE  =") and b"\n" not in start)


def read_spectrum(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (n,) in Angstrom and flux (n,) in Lsun/Angstrom per Msun of one file."""
    return _read_fits(path) if is_fits(path) else _read_ascii(path)


def _read_fits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    from astropy.io import fits

    try:
        with fits.open(path, memmap=False) as hdus:
            header, flux = hdus[0].header, np.array(hdus[0].data, dtype=np.float32)
            start, step, reference = header["CRVAL1"], header["CDELT1"], header.get("CRPIX1", 1.0)
    except (OSError, KeyError, TypeError) as error:
        raise LibraryError(f"{path} is not a readable MILES spectrum ({error}): expected CRVAL1 and CDELT1") from error
    if flux.ndim != 1:
        raise LibraryError(f"{path}: expected one spectrum, found an array of shape {flux.shape}")
    return start + step * (np.arange(flux.size) + 1.0 - reference), flux


def _read_ascii(path: Path) -> tuple[np.ndarray, np.ndarray]:
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    end = next((i for i, line in enumerate(lines) if line.strip() == "END"), -1)
    body = [line for line in lines[end + 1 :] if line.strip()]
    try:
        columns = np.loadtxt(io.StringIO("\n".join(body)), ndmin=2) if body else np.empty((0, 2))
    except ValueError as error:
        raise LibraryError(f"{path}: expected two columns (wavelength, flux) after the header ({error})") from error
    if columns.shape[0] < 2 or columns.shape[1] != 2:
        raise LibraryError(
            f"{path}: expected two columns (wavelength, flux) after the header, found a table of {columns.shape}"
        )
    return columns[:, 0], columns[:, 1].astype(np.float32)
