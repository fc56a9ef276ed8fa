"""Histories, metallicities and dust as points without limits, of about unit size: what the flow's density is of.

    z = H ln(m + ...)    isometric log-ratios (Egozcue et al. 2003, Math. Geol. 35, 279), H Helmert's orthonormal rows

Shares of the mass below `FLOOR` say nothing and may be 0: they become random numbers between a tenth of it and it, by
a seed, so that the density exists; on the way back what is below it is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import helmert

SCALARS = ("log10_metallicity_mass", "log10_metallicity_light", "a_v_mag")  # summaries beside the history
FLOOR = 1e-4
_LOWEST = 0.1  # times the floor
_A_V_OFFSET_MAG = 0.05  # of the logarithm
_STD_FLOOR = 1e-3


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The way there and back.

    Attributes
    ----------
    mean, std : (n_age_bin - 1 + 3,) of the training data.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def fitted(cls, mass_fraction: np.ndarray, scalars: np.ndarray, seed: int = 0) -> Coordinates:
        """Those of training data, see `points`."""
        raw = _raw(mass_fraction, scalars, seed)
        return cls(raw.mean(axis=0), np.maximum(raw.std(axis=0), _STD_FLOOR))

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return self.mean.size

    def points(self, mass_fraction: np.ndarray, scalars: np.ndarray, seed: int = 0) -> np.ndarray:
        """(n, n_coordinate) of mass fractions (n, n_age_bin) and `SCALARS` (n, 3); ``seed`` for what is near 0."""
        return ((_raw(mass_fraction, scalars, seed) - self.mean) / self.std).astype(np.float32)

    def physical(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mass fractions (n, n_age_bin), and `SCALARS` (n, 3), of points (n, n_coordinate)."""
        raw = np.asarray(points, dtype=np.float64) * self.std + self.mean
        n_scalar = len(SCALARS)
        log_ratio = raw[:, :-n_scalar] @ helmert(raw.shape[1] - n_scalar + 1)
        fraction = np.exp(log_ratio - log_ratio.max(axis=1, keepdims=True))
        fraction /= fraction.sum(axis=1, keepdims=True)
        fraction = np.where(fraction < FLOOR, 0.0, fraction)
        scalars = raw[:, -n_scalar:].copy()
        scalars[:, -1] = np.maximum(np.exp(np.minimum(scalars[:, -1], 10.0)) - _A_V_OFFSET_MAG, 0.0)
        return fraction / fraction.sum(axis=1, keepdims=True), scalars


def _raw(mass_fraction: np.ndarray, scalars: np.ndarray, seed: int) -> np.ndarray:
    fraction = np.asarray(mass_fraction, dtype=np.float64)
    random = np.random.default_rng([seed, 17])
    low = FLOOR * _LOWEST ** random.uniform(size=fraction.shape)
    log_fraction = np.log(np.where(fraction < FLOOR, low, fraction))
    scalars = np.array(scalars, dtype=np.float64)
    scalars[:, -1] = np.log(np.maximum(scalars[:, -1], 0.0) + _A_V_OFFSET_MAG)
    return np.concatenate([log_fraction @ helmert(fraction.shape[1]).T, scalars], axis=1)
