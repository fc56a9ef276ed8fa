"""What the user may say of spectra: how a file is read, and how what it holds is brought to a model's grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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


@dataclass(frozen=True)
class PreparationSettings:
    """How observed spectra are brought to the model's grid.

    Attributes
    ----------
    mask_sky : leave out the windows of `sfhmodel.spectra.sky`. None: do so unless the redshift is exactly 0, where a
        spectrum is taken to be at rest already and the places of its sky lines are not known.
    min_good_fraction : of its input that must be good for a pixel of the grid to be used.
    min_coverage : fraction of the grid below which a spectrum is refused. None: what the model was trained for, half
        of the grid unless its training showed less.
    velocity_dispersion_kms : of the observed stars; where it is below that of the training spectra, the spectrum is
        broadened to match. None: taken to be that of the training spectra.
    resolution_fwhm_aa : FWHM of the observed line-spread function [Angstrom]; likewise. None: that of the file, if it
        says so, else that of the training spectra.
    resolving_power : wavelength over FWHM, in place of ``resolution_fwhm_aa``.

    Raises
    ------
    InputError
        Fractions outside 0-1, negative widths, a resolution given twice.
    """

    mask_sky: bool | None = None
    min_good_fraction: float = 0.5
    min_coverage: float | None = None
    velocity_dispersion_kms: float | None = None
    resolution_fwhm_aa: float | None = None
    resolving_power: float | None = None

    def __post_init__(self):
        for name in ("min_good_fraction", "min_coverage"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value <= 1.0:
                raise InputError(f"{name} must be above 0 and at most 1, got {value}")
        for name in ("velocity_dispersion_kms", "resolution_fwhm_aa"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < 1e5:
                raise InputError(f"{name} must be 0 or more, got {value}")
        if self.resolving_power is not None:
            if not 1.0 < self.resolving_power < 1e7:
                raise InputError(f"resolving_power must be above 1, got {self.resolving_power}")
            if self.resolution_fwhm_aa is not None:
                raise InputError("give resolution_fwhm_aa or resolving_power, not both")

    def observed_fwhm_aa(self, wave_aa: np.ndarray, of_file: np.ndarray | None) -> np.ndarray | None:
        """FWHM (m,) of the observed line-spread function at observed wavelengths: as the user says, or the file."""
        if self.resolution_fwhm_aa is not None:
            return np.full(wave_aa.shape, self.resolution_fwhm_aa)
        return of_file if self.resolving_power is None else wave_aa / self.resolving_power

    def masks_sky(self, redshift: float) -> bool:
        """Whether sky windows are left out of a spectrum of this redshift."""
        return redshift != 0.0 if self.mask_sky is None else self.mask_sky
