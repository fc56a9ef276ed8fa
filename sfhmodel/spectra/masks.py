"""Masks and planes of data quality: which pixels may be used, by one convention that is said."""

from __future__ import annotations

import numpy as np

from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import Values

_WORDS = {"use": "good", "ignore": "bad"}


def usable(mask: Values, options: ReadOptions, notes: list[str]) -> np.ndarray:
    """True where a pixel may be used, of the shape of the mask.

    A value other than zero means what the user says (``mask_means``), else what ``mask.kind`` does; NaN is bad.
    """
    values = np.ma.filled(np.ma.asarray(mask.values), 1 if mask.kind == "ignore" else 0)
    means = options.mask_means or mask.kind or "ignore"
    marked = np.nan_to_num(values, nan=0.0) != 0 if values.dtype.kind == "f" else values.astype(bool)
    good = marked if means == "use" else ~marked
    if values.dtype.kind == "f":
        good &= np.isfinite(values)
    value = "true" if values.dtype.kind == "b" else "non-zero"
    notes.append(f"{mask.where}: {value} = {_WORDS[means]}, {np.mean(~good):.1%} of the pixels left out (--mask-means)")
    return good
