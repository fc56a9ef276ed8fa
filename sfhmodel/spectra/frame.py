"""The frame and the resolution of the training spectra, as their recipe says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError

C_KMS = 299792.458
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True)
class TrainingFrame:
    """What spectra must be brought to.

    Attributes
    ----------
    redshift_range : smallest and largest redshift of the training spectra; equal when all have the same.
    sigma_kms : velocity dispersion of the stars, or None when it varies or the recipe does not say.
    lowest_sigma_kms : the lowest of the training spectra, or None when the recipe does not say.
    lsf : name and options of the line-spread function, as in the recipe; None when unknown.
    """

    redshift_range: tuple[float, float] = (0.0, 0.0)
    sigma_kms: float | None = None
    lsf: dict[str, Any] | None = None
    lowest_sigma_kms: float | None = None

    @classmethod
    def of(cls, description: ModelDescription) -> TrainingFrame:
        """Of a model's description; at rest when its recipe says nothing."""
        known = description.conditions
        dispersion = known.velocity_dispersion_range_kms
        return cls(
            redshift_range=known.redshift_range,
            sigma_kms=dispersion[0] if dispersion and dispersion[0] == dispersion[1] else None,
            lsf=known.lsf,
            lowest_sigma_kms=dispersion[0] if dispersion and np.isfinite(dispersion[0]) else None,
        )

    @property
    def is_fixed(self) -> bool:
        """Whether all training spectra are at one redshift, so that observed ones are shifted to it."""
        return self.redshift_range[0] == self.redshift_range[1]

    def target_redshift(self, redshift: float) -> float:
        """The redshift at which a galaxy of ``redshift`` is shown to the model: its own where training varied it."""
        return self.redshift_range[0] if self.is_fixed else redshift

    def contains(self, redshift: float) -> bool:
        """Whether training spectra at the redshift shown to the model exist."""
        return self.is_fixed or self.redshift_range[0] <= redshift <= self.redshift_range[1]

    def lsf_fwhm_aa(self, wave_aa: np.ndarray) -> np.ndarray:
        """FWHM (m,) of the training spectra's line-spread function.

        Raises
        ------
        InputError
            The line-spread function is not known here.
        """
        from sfhsim.errors import SfhsimError
        from sfhsim.instrument import make_lsf

        if self.lsf is None:
            raise InputError("the training recipe names no line-spread function: the resolution cannot be matched")
        own = self.lsf.get("options") or {}  # of line-spread functions of one's own
        options = {k: v for k, v in self.lsf.items() if k not in ("name", "options") and v is not None} | own
        try:
            return make_lsf(self.lsf["name"], **options).fwhm_aa(wave_aa)
        except SfhsimError as error:
            raise InputError(
                f"the resolution cannot be matched: the training recipe's LSF is not available here ({error}); "
                "leave velocity_dispersion_kms, resolution_fwhm_aa and resolving_power away"
            ) from error
