"""What the user may choose about the preparation of spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.errors import InputError


@dataclass(frozen=True)
class PreparationSettings:
    """How observed spectra are brought to the model's grid.

    Attributes
    ----------
    mask_sky : leave out the windows of `sfhmodel.spectra.sky`. None: do so unless the redshift is exactly 0, where a
        spectrum is taken to be at rest already and the places of its sky lines are not known.
    min_good_fraction : of its input that must be good for a pixel of the grid to be used.
    min_coverage : fraction of the grid below which a spectrum is refused.
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
    min_coverage: float = 0.5
    velocity_dispersion_kms: float | None = None
    resolution_fwhm_aa: float | None = None
    resolving_power: float | None = None

    def __post_init__(self):
        for name in ("min_good_fraction", "min_coverage"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(f"{name} must be above 0 and at most 1, got {getattr(self, name)}")
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
