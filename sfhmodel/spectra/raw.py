"""What a reader finds in a file, before anything is converted: numbers with what the file says about them.

The way of the data: container (`source`) -> layout (`readers`) -> axis (`axis`) -> these -> units, errors, masks,
redshifts, guards (`assembly`) -> `ObservedSpectrum` with notes on what was assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Values:
    """Numbers as a file holds them.

    Attributes
    ----------
    values : array, in the file's own unit.
    unit : as written in the file; '' where nothing is said. Of wavelengths also 'log10' and 'ln' (of Angstrom).
    where : the column or HDU, in words, for messages.
    kind : of errors 'error', 'variance' or 'inverse_variance'; of masks what non-zero means, 'use' or 'ignore'.
    """

    values: Any
    unit: str = ""
    where: str = ""
    kind: str = ""

    @property
    def name(self) -> str:
        """Of the column; of what is no column, all of ``where``."""
        return self.where.rpartition("column ")[2].strip("'")


@dataclass
class RawSpectra:
    """n spectra of one file that are written alike.

    Attributes
    ----------
    wave : (m,) or (n, m).
    flux, error, mask : (m,) or (n, m), or None.
    good : bool like the flux, False where the layout itself knows a pixel to be bad, or None.
    medium : 'air' or 'vacuum' where the file says it.
    default_medium : of files that do not.
    redshift : (n,) or a number, NaN where missing; None where the layout knows of none.
    redshift_where : where it stands, in words.
    redshift_said : whether the user named the column of ``redshift``.
    redshift_is_final : whether the user's word and the file were heard already, and sentinels are NaN.
    names : (n,) of the spectra, or None.
    fwhm_aa : (m,) or (n, m) of the instrument's line-spread function, in Angstrom, or None.
    magnitudes, magnitude_errors : (n,) dicts by band.
    """

    wave: Values
    flux: Values
    error: Values | None = None
    mask: Values | None = None
    good: Any = None
    medium: str | None = None
    default_medium: str = "air"
    redshift: Any = None
    redshift_where: str = ""
    redshift_said: bool = False
    redshift_is_final: bool = False
    names: list[str] | None = None
    fwhm_aa: Any = None
    magnitudes: list[dict] = field(default_factory=list)
    magnitude_errors: list[dict] = field(default_factory=list)

    def rows(self, rows: slice) -> RawSpectra:
        """Some of the spectra, of two-dimensional fluxes."""

        def some(values):
            if isinstance(values, Values):
                return replace(values, values=values.values[rows]) if np.ndim(values.values) == 2 else values
            return values[rows] if np.ndim(values) == 2 else values

        parts = {name: some(getattr(self, name)) for name in ("wave", "flux", "error", "mask", "good", "fwhm_aa")}
        lists = {name: getattr(self, name)[rows] for name in ("names", "magnitudes", "magnitude_errors")}
        return replace(self, **parts, **lists, redshift=self.redshift[rows])
