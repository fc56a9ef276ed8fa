"""How to read a file whose layout does not say everything."""

from __future__ import annotations

from dataclasses import dataclass

from sfhmodel.errors import InputError

ERROR_KINDS = ("error", "variance", "inverse_variance")


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about a file; whatever is None is taken from the file.

    Attributes
    ----------
    layout : name of a reader, see `sfhmodel.spectra.layouts`.
    medium : 'air' or 'vacuum'.
    wave_unit : a unit that astropy knows (nm, um, Angstrom), or 'log10' or 'ln' of Angstrom.
    wave_column, flux_column, error_column, mask_column : names of columns of a table, or numbers from 1 on.
    error_is : 'error', 'variance' or 'inverse_variance'.
    mask_means : what a non-zero value of a mask column means, 'use' or 'ignore'.
    redshift : of the galaxy.
    spaxel : (x, y) of the spectrum to take from a cube, from 0 on; None: the sum of all.

    Raises
    ------
    InputError
        A value that is not among the choices.
    """

    layout: str | None = None
    medium: str | None = None
    wave_unit: str | None = None
    wave_column: str | None = None
    flux_column: str | None = None
    error_column: str | None = None
    mask_column: str | None = None
    error_is: str | None = None
    mask_means: str = "use"
    redshift: float | None = None
    spaxel: tuple[int, int] | None = None

    def __post_init__(self):
        choices = {
            "medium": (None, "air", "vacuum"),
            "error_is": (None, *ERROR_KINDS),
            "mask_means": ("use", "ignore"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(value for value in allowed if value)
                raise InputError(f"{name} must be one of {known}, got {getattr(self, name)!r}")
