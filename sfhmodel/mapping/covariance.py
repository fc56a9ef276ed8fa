"""By how much the noise of summed spaxels exceeds that of independent ones.

    sigma(N) = min(1 + f log10 N, m) sqrt(sum_i sigma_i^2)

Cubes are resampled, so that neighbouring spaxels share noise. MaNGA: f = 1.62, m = 4.2 (Law et al. 2016, AJ 152, 83);
CALIFA: f = 1.06 (Husemann et al. 2013, A&A 549, A87). MUSE has less: in ESO's cube of Abell 478 (4900-6800 A) next
neighbours are correlated by 0.13, diagonal ones by 0.013 and others not at all, sums of 4, 9, 16 and 25 spaxels have
1.13-1.15, 1.15-1.20, 1.15-1.23 and 1.15-1.22 times the noise of independent ones, and the correlations add up to 1.25
(``python -m benchmarks.maps covariance``). Mock cubes of `sfhsim.cubes` say their own in the keyword COVSPAT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sfhmodel.mapping.cube import Cube

_GROWTH = 0.7  # f over m - 1 of neighbours' correlations up to 0.3


@dataclass(frozen=True)
class Covariance:
    """Of one cube.

    Attributes
    ----------
    factor : f
    most : m
    source : where they are from.
    """

    factor: float
    most: float
    source: str

    def __call__(self, n_spaxel: np.ndarray) -> np.ndarray:
        """(n,) factors of numbers of spaxels (n,)."""
        log_n = np.log10(np.maximum(np.asarray(n_spaxel, dtype=np.float64), 1.0))
        return np.minimum(1.0 + self.factor * log_n, self.most)

    def __str__(self) -> str:
        if self.factor == 0.0:
            return f"spaxels are taken as independent ({self.source})"
        most = f", at most {self.most:.3g}," if np.isfinite(self.most) else ""
        return f"errors of sums of N spaxels are 1 + {self.factor:.3g} log10 N{most} times larger ({self.source})"

    @classmethod
    def of(cls, cube: Cube, factor: float | None) -> Covariance:
        """That which the user gives, else the instrument's, by the headers of the cube."""
        if factor is not None:
            return cls(factor, np.inf, "as given")
        if cube.covariance_limit is not None:
            limit = max(cube.covariance_limit, 1.0)
            return cls(_GROWTH * (limit - 1.0), limit, "COVSPAT in the header")
        if cube.is_manga:
            return cls(1.62, 4.2, "MaNGA: Law et al. 2016")
        if cube.is_califa:
            return cls(1.06, np.inf, "CALIFA: Husemann et al. 2013")
        if cube.instrument.upper().startswith("MUSE"):
            return cls(0.2, 1.25, "MUSE: measured in a cube of ESO's")
        return cls(0.0, 1.0, f"no covariance is known of {cube.instrument or 'the instrument'}")
