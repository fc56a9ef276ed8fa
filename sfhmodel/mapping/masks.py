"""Which spaxels the user leaves out: stars, bad regions, neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.source import open_source


def image_of_file(path: Path, shape: tuple[int, int], what: str, names: tuple[str, ...] = ()) -> np.ndarray:
    """(n_y, n_x) of an image in a FITS file: the extension of one of these names, else the first.

    Raises
    ------
    InputError
        No FITS file, no image, or one of another shape than the cube's.
    """
    with open_source(path) as source:
        flat = [h for h in source.hdus or () if getattr(h, "is_image", False) and h.header.get("NAXIS", 0) == 2]
        named = [h for h in flat if h.name.upper() in names]
        if not flat:
            raise InputError(f"{path} holds no image: {what} must be a FITS image on the cube's spaxels")
        data = np.asarray((named or flat)[0].data, dtype=np.float64)
    if data.shape != shape:
        raise InputError(
            f"{path}: {what} has {data.shape[1]} x {data.shape[0]} pixels, the cube {shape[1]} x {shape[0]} spaxels"
        )
    return data


def masked_spaxels(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """(n_y, n_x) bool, True where a mask is not zero or not a number: an image, or nGIST's table of flags."""
    with open_source(path) as source:
        for hdu in source.hdus or ():
            if "MASK" in {name.upper() for name in getattr(getattr(hdu, "columns", None), "names", ())}:
                flags = np.asarray(hdu.data["MASK"])
                if flags.size != shape[0] * shape[1]:
                    raise InputError(f"{path}: the mask has {flags.size} rows, the cube {shape[0] * shape[1]} spaxels")
                return flags.reshape(shape) != 0
    values = image_of_file(path, shape, "the mask", ("MASK", "STARMASK"))
    return ~np.isfinite(values) | (values != 0.0)
