"""How to read a file whose layout does not say everything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sfhmodel.errors import InputError

ERROR_KINDS = ("error", "variance", "inverse_variance")


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about a file; whatever is None is taken from the file.

    Attributes
    ----------
    layout : name of a reader, see `sfhmodel.spectra.layouts`.
    medium : 'air' or 'vacuum'.
    wave_unit : a unit that astropy knows (nm, um, Angstrom, Hz), or 'log10' or 'ln' of Angstrom.
    flux_unit : of the fluxes, e.g. 'erg/s/cm2/A', 'Jy', 'MJy/sr'; what is the same for all pixels does not matter.
    wave_column, flux_column, error_column, mask_column : names of columns of a table, or numbers from 1 on.
    error_is : 'error', 'variance' or 'inverse_variance'.
    mask_means : what a non-zero value of a mask means, 'use' or 'ignore'; by its name where None (masks and flags mark
        what is bad, ``good`` what is good; in npz and HDF5 files of our layout a mask marks what is good).
    redshift : of the galaxies: a number, the name of a column, or a table of redshifts.
    spaxel : (x, y) of the spectrum to take from a cube, from 0 on; None: the sum of all.

    Raises
    ------
    InputError
        A value that is not among the choices.
    """

    layout: str | None = None
    medium: str | None = None
    wave_unit: str | None = None
    flux_unit: str | None = None
    wave_column: str | None = None
    flux_column: str | None = None
    error_column: str | None = None
    mask_column: str | None = None
    error_is: str | None = None
    mask_means: str | None = None
    redshift: float | str | Path | None = None
    spaxel: tuple[int, int] | None = None

    def __post_init__(self):
        choices = {
            "medium": (None, "air", "vacuum"),
            "error_is": (None, *ERROR_KINDS),
            "mask_means": (None, "use", "ignore"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(value for value in allowed if value)
                raise InputError(f"{name} must be one of {known}, got {getattr(self, name)!r}")
        if isinstance(self.redshift, str):
            try:
                object.__setattr__(self, "redshift", float(self.redshift))
            except ValueError:
                return
        if isinstance(self.redshift, (int, float)) and not -1.0 < self.redshift < 1e3:
            raise InputError(f"redshift must be finite and above -1, got {self.redshift}")
