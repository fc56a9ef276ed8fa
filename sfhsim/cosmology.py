"""Distances and ages in a flat universe of matter and a cosmological constant.

With x = ln(1 + z) and E = sqrt(Om (1 + z)^3 + 1 - Om):
lookback time = 1/H0 Int_0^x dx'/E,   D_L = (1 + z) c/H0 Int_0^x exp(x') dx'/E   (Hogg 1999, astro-ph/9905116)

Both integrands are smooth in x, so one Gauss-Legendre rule reaches 1e-12 up to z = 1000. By convention a
source at z = 0 stands at 10 pc: its apparent magnitudes are absolute ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from sfhsim import elementary
from sfhsim.constants import C_KMS, PC_CM, UNIVERSE_AGE_YR
from sfhsim.errors import RecipeError

YEAR_S = 365.25 * 86400.0
MPC_CM = 1.0e6 * PC_CM
N_NODE = 48
HIGHEST_REDSHIFT = 1000.0  # radiation is left out


@lru_cache(maxsize=1)
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x = elementary.cos(np.pi * (np.arange(N_NODE) + 0.75) / (N_NODE + 0.5))  # to 1e-4; Newton's steps do the rest
    for _ in range(6):
        below, value = np.ones(N_NODE), x
        for k in range(2, N_NODE + 1):
            below, value = value, ((2 * k - 1) * x * value - (k - 1) * below) / k
        slope = N_NODE * (below - x * value) / (1.0 - x * x)
        x = x - value / slope
    return 0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope)


@dataclass(frozen=True)
class FlatLCDM:
    """Flat LCDM cosmology.

    Attributes
    ----------
    h0_kms_mpc : float
        Hubble constant, km/s/Mpc.
    omega_m : float
        Matter density over the critical one, in (0, 1].

    Raises
    ------
    RecipeError
        For values no such universe has.
    """

    h0_kms_mpc: float = 67.8
    omega_m: float = 0.308

    def __post_init__(self) -> None:
        if not 1.0 <= self.h0_kms_mpc <= 1000.0:
            raise RecipeError(f"cosmology: h0_kms_mpc = {self.h0_kms_mpc:g}; expected km/s/Mpc, about 70")
        if not 0.0 < self.omega_m <= 1.0:
            raise RecipeError(f"cosmology: omega_m = {self.omega_m:g} is outside (0, 1]")

    def lookback_time_yr(self, z: ArrayLike) -> np.ndarray:
        """Time in yr since light left redshift ``z`` (any shape); raises RecipeError for z < 0 or > 1000."""
        z = check_redshift(z)
        hubble_time_yr = MPC_CM / 1.0e5 / self.h0_kms_mpc / YEAR_S
        return hubble_time_yr * self._integral(z, np.zeros_like)

    def age_yr(self, z: ArrayLike) -> np.ndarray:
        """Age of the universe in yr at ``z`` (any shape); raises RecipeError as above.

        Its closed form, 2/(3 H0 sqrt(1 - Om)) arsinh(sqrt((1 - Om) / Om) (1 + z)^-1.5), by NumPy: equal to
        `lookback_time_yr` to 1e-10, but not to the bit, and without Numba.
        """
        z = check_redshift(z)
        hubble_time_yr = MPC_CM / 1.0e5 / self.h0_kms_mpc / YEAR_S
        matter_only = (1.0 + z) ** -1.5 / np.sqrt(self.omega_m)
        y = np.sqrt(1.0 - self.omega_m) * matter_only
        slowed = np.divide(np.arcsinh(y), y, out=np.ones_like(y), where=y > 0.0)
        return hubble_time_yr * 2.0 / 3.0 * matter_only * slowed

    def luminosity_distance_cm(self, z: ArrayLike) -> np.ndarray:
        """Luminosity distance in cm at ``z`` (any shape), 10 pc at z = 0; raises RecipeError as above."""
        z = check_redshift(z)
        hubble_distance_cm = MPC_CM * C_KMS / self.h0_kms_mpc
        distance_cm = hubble_distance_cm * (1.0 + z) * self._integral(z, lambda x: x)
        return np.where(z == 0.0, 10.0 * PC_CM, distance_cm)

    def age_max_yr(self, z: ArrayLike) -> np.ndarray:
        """Oldest age in yr a star can have at ``z``: 13.8 Gyr minus the lookback time.

        Raises
        ------
        RecipeError
            For z < 0, or so early that nothing could have formed.
        """
        age_yr = UNIVERSE_AGE_YR - self.lookback_time_yr(z)
        if not (age_yr > 1.0e6).all():
            raise RecipeError(f"redshift {np.max(z):g}: less than 1 Myr after every history starts; lower it")
        return age_yr

    def _integral(self, z: np.ndarray, log_numerator) -> np.ndarray:
        nodes, weights = _rule()
        end = elementary.log1p(z)
        x = end[..., None] * nodes
        e_squared = self.omega_m * elementary.exp(3.0 * x) + (1.0 - self.omega_m)
        # a plain sum: a matrix product's roundoff would depend on the length of the batch
        return end * (elementary.exp(log_numerator(x)) / np.sqrt(e_squared) * weights).sum(axis=-1)


def check_redshift(z: ArrayLike) -> np.ndarray:
    """``z`` as float64; raises RecipeError naming the first that is negative, NaN or above 1000."""
    z = np.asarray(z, dtype=np.float64)
    good = (z >= 0.0) & (z <= HIGHEST_REDSHIFT)
    if not good.all():
        i = int(np.argmin(good))
        raise RecipeError(f"redshift {z.flat[i]:g} (element {i}) is outside [0, {HIGHEST_REDSHIFT:g}]")
    return z
