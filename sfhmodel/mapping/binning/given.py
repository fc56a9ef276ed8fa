"""Maps of bins and of S/N in files: an image, or the table of spaxels that GIST and nGIST write."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.source import open_source

_IMAGES = ("BIN_ID", "BINID", "BIN", "BINS")
_SNR_IMAGES = ("SNR", "SN", "S2N", "SIGNAL_TO_NOISE")


def bin_map_of_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """(n_y, n_x) labels, negative where there is no bin.

    Parameters
    ----------
    path : FITS: an image BIN_ID, BINID (of MaNGA's DAP, the first channel), or the only one; or nGIST's table.
    shape : (n_y, n_x) of the cube.

    Raises
    ------
    InputError
        No such image or table, or one that does not fit the cube.
    """
    with open_source(path) as source:
        if source.hdus is None:
            raise InputError(f"{path} is no FITS file: give a map of bins")
        image = _image(source.hdus, _IMAGES)
        labels = image if image is not None else _table(source.hdus, path, shape, "BIN_ID", -1.0)
    _check_shape(labels, shape, path, "bins")
    return np.where(np.isfinite(labels), labels, -1).astype(np.int64)


def snr_map_of_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """(n_y, n_x) S/N per pixel of spaxels, NaN where there is none.

    Parameters
    ----------
    path : FITS: an image SNR or the only one, or nGIST's table of spaxels.
    shape : (n_y, n_x) of the cube.

    Raises
    ------
    InputError
        No such image or table, or one that does not fit the cube.
    """
    with open_source(path) as source:
        if source.hdus is None:
            raise InputError(f"{path} is no FITS file: give a map of S/N")
        image = _image(source.hdus, _SNR_IMAGES)
        values = image if image is not None else _table(source.hdus, path, shape, "SNR", np.nan)
    _check_shape(values, shape, path, "S/N")
    if not (values > 0.0).any():
        raise InputError(f"{path}: the map of S/N is nowhere positive")
    return values


def _check_shape(values: np.ndarray, shape: tuple[int, int], path: Path, what: str) -> None:
    if values.shape != shape:
        found = f"{values.shape[1]} x {values.shape[0]}"
        raise InputError(f"{path}: the map of {what} has {found} spaxels, the cube {shape[1]} x {shape[0]}")


def _image(hdus, names: tuple[str, ...]) -> np.ndarray | None:
    flat = [hdu for hdu in hdus if getattr(hdu, "is_image", False) and hdu.header.get("NAXIS", 0) in (2, 3)]
    named = [hdu for hdu in flat if hdu.name.upper() in names]
    chosen = named[0] if named else flat[0] if len(flat) == 1 and flat[0].header["NAXIS"] == 2 else None
    if chosen is None:
        return None
    return np.asarray(chosen.data if chosen.header["NAXIS"] == 2 else chosen.data[0], dtype=np.float64)


def _table(hdus, path: Path, shape: tuple[int, int], wanted: str, fill: float) -> np.ndarray:
    """nGIST: a row per spaxel with X, Y [arcsec] and what is wanted; the lowest X and Y are column and row 0."""
    for hdu in hdus:
        names = {name.upper() for name in getattr(getattr(hdu, "columns", None), "names", ())}
        if not {"X", "Y", wanted} <= names:
            continue
        x, y, values = (np.asarray(hdu.data[name], dtype=np.float64) for name in ("X", "Y", wanted))
        step = float(hdu.header.get("PIXSIZE", 0.0)) or _step(x)
        column, row = (np.rint((v - v.min()) / step).astype(int) for v in (x, y))
        if column.max() >= shape[1] or row.max() >= shape[0]:
            raise InputError(
                f"{path}: its spaxels span {column.max() + 1} x {row.max() + 1}, the cube has {shape[1]} x {shape[0]}"
            )
        image = np.full(shape, fill)
        image[row, column] = values
        return image
    what = "bins" if wanted == "BIN_ID" else "S/N"
    raise InputError(f"{path} holds no map of {what}: an image {wanted}, or a table with X, Y and {wanted}, is needed")


def _step(x: np.ndarray) -> float:
    """The smallest distance between different places."""
    gaps = np.diff(np.unique(np.round(x, 6)))
    return float(gaps.min()) if gaps.size else 1.0
