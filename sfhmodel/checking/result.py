"""What comes of a check: how well the spectra of predicted histories are those that were observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

FLOOR = 0.01  # of the flux: what no library of templates reproduces, in quadrature with the errors
LIMIT = 1.3  # of chi-square per degree of freedom with this floor; `sfhmodel.checking.comparison` says why


@dataclass(frozen=True, eq=False)
class CheckResult:
    """Of n spectra; ``result[rows]`` is that of some of them. NaN where nothing can be compared.

    Attributes
    ----------
    chi2 : (n,) chi-square per degree of freedom, with the errors of the spectrum; NaN where these are unknown.
    residual_rms : (n,) of spectrum minus model, over the mean flux of the spectrum.
    residual_rms_sigma : (n,) of the same in units of the errors; NaN where these are unknown.
    mismatch : (n,) chi-square per degree of freedom with a floor of 1% of the flux in the errors, over its limit. Where
        errors are unknown, the scatter from pixel to pixel stands for them.
    calibration_rms : (n,) rms of the natural logarithm of the polynomial by which the model was multiplied.
    velocity_kms : (n,) of the stars against the frame of the spectrum.
    velocity_dispersion_kms : (n,) of the stars, beyond the line-spread function of the training spectra.
    line_dispersion_kms : (n,) of the lines, likewise.
    model : (n, n_pixel) the spectra made again, stars and lines, in the units of the flux; None when not kept.
    stars : (n, n_pixel) the stars of it; None when not kept.
    """

    chi2: np.ndarray
    residual_rms: np.ndarray
    residual_rms_sigma: np.ndarray
    mismatch: np.ndarray
    calibration_rms: np.ndarray
    velocity_kms: np.ndarray
    velocity_dispersion_kms: np.ndarray
    line_dispersion_kms: np.ndarray
    model: np.ndarray | None = None
    stars: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.chi2)

    def __getitem__(self, rows) -> CheckResult:
        return CheckResult(**{name: values[rows] for name, values in self.arrays().items()})

    @staticmethod
    def joined(parts: Sequence[CheckResult]) -> CheckResult:
        """One after the other; what is not kept of one is not kept of all."""
        names = set.intersection(*(set(part.arrays()) for part in parts))
        return CheckResult(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})

    def arrays(self) -> dict[str, np.ndarray]:
        """Each that there is, by its name."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: values for name, values in arrays.items() if values is not None}

    def without_spectra(self) -> CheckResult:
        """The same without ``model`` and ``stars``."""
        return replace(self, model=None, stars=None)

    @property
    def unlike_reproduced(self) -> np.ndarray:
        """(n,) bool: the predicted history does not make the spectrum that it was predicted from."""
        return ~(self.mismatch <= 1.0)
