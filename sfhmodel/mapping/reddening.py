"""Foreground dust of every bin, of a number or a map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.mapping.binning import BinMap
from sfhmodel.mapping.masks import image_of_file
from sfhmodel.mapping.options import is_number
from sfhmodel.mapping.survey import Survey


def reddening_of_bins(ebv: str | float | None, bin_map: BinMap, seen: Survey) -> np.ndarray | None:
    """(n_bin,) E(B-V), means of a map by light; None without any.

    Raises
    ------
    InputError
        The map does not fit the cube, or has no values in some bins.
    """
    if ebv is None:
        return None
    if is_number(ebv):
        return np.full(bin_map.n_bin, float(ebv))
    image = image_of_file(Path(str(ebv)).expanduser(), seen.signal.shape, "the map of E(B-V)")
    values = bin_map.mean(image, seen.brightness)
    if not np.isfinite(values).all():
        raise InputError(f"{ebv}: the map of E(B-V) has no values in {np.sum(~np.isfinite(values))} bins")
    return values
