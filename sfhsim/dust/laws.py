"""Dust laws: optical depth relative to that at 5500 A, l the rest-frame wavelength.

power_law       k = (l/5500 A)^p
power_law_bump  k = (l/5500 A)^p + E (470 l)^2/((l^2 - 2175.8^2)^2 + (470 l)^2)
calzetti        k = k'(l)/k'(5500 A), with l in um and R_V = 4.05
                k' = 2.659 (-2.156 + 1.509/l - 0.198/l^2 + 0.011/l^3) + R_V   0.12-0.63 um
                k' = 2.659 (-1.857 + 1.040/l) + R_V                           0.63-2.2 um

Charlot & Fall 2000, ApJ 539, 718; the bump as in Noll et al. 2009, A&A 507, 1793; Calzetti et al. 2000,
ApJ 533, 682.

Beyond its measured range, the Calzetti law goes on by the same formulas down to 0.0912 um, where it stays
constant, and up to where it reaches zero, near 3.1 um.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sfhsim import elementary
from sfhsim.dust.base import PIVOT_AA, register_dust_law
from sfhsim.histories.parameters import Parameter

BUMP_CENTRE_AA = 2175.8
BUMP_WIDTH_AA = 470.0
CALZETTI_RV = 4.05
EXPONENT = Parameter("exponent", "", "power of wavelength; -0.7 in Charlot & Fall (2000)", -0.7, -5.0, 5.0)


@dataclass(frozen=True)
class PowerLaw:
    """The law ``power_law``."""

    name: ClassVar[str] = "power_law"
    parameters: ClassVar[tuple[Parameter, ...]] = (EXPONENT,)

    def curve(self, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """k (n, m) at ``wave_aa`` (m,)."""
        return _power(wave_aa, params["exponent"])


@dataclass(frozen=True)
class PowerLawBump:
    """The law ``power_law_bump``; with the bump, k(5500 A) is slightly above 1."""

    name: ClassVar[str] = "power_law_bump"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        EXPONENT,
        Parameter("bump_strength", "", "height of the 2175 A bump (Milky Way: about 3)", 0.0, 0.0, 100.0),
    )

    def curve(self, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """k (n, m) at ``wave_aa`` (m,)."""
        width = (BUMP_WIDTH_AA * wave_aa) ** 2
        drude = width / ((wave_aa**2 - BUMP_CENTRE_AA**2) ** 2 + width)
        strength = params["bump_strength"]
        return _power(wave_aa, params["exponent"]) + strength[:, None] * drude.astype(strength.dtype)


@dataclass(frozen=True)
class Calzetti:
    """The law ``calzetti``, without parameters."""

    name: ClassVar[str] = "calzetti"
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    breaks_aa: ClassVar[tuple[float, ...]] = (912.0, 6300.0)

    def curve(self, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """k (1, m) at ``wave_aa`` (m,)."""
        return (_calzetti(wave_aa) / _calzetti(np.array([PIVOT_AA])))[None, :]


def _power(wave_aa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """(l/5500)^p (n, m), in the precision of the exponent: a float32 exponential is several times faster."""
    log_ratio = elementary.log(wave_aa / PIVOT_AA)
    if exponent.dtype != np.float32:
        return elementary.exp(exponent[:, None] * log_ratio)
    from sfhsim.kernels.element_loops import single_powers

    out = np.empty((exponent.size, wave_aa.size), dtype=np.float32)
    single_powers(log_ratio.astype(np.float32), np.ascontiguousarray(exponent), out)
    return out


def _calzetti(wave_aa: np.ndarray) -> np.ndarray:
    inverse_um = 1.0e4 / np.maximum(wave_aa, 912.0)
    blue = -2.156 + inverse_um * (1.509 + inverse_um * (-0.198 + inverse_um * 0.011))
    red = -1.857 + 1.040 * inverse_um
    return np.maximum(2.659 * np.where(wave_aa < 6300.0, blue, red) + CALZETTI_RV, 0.0)


for _law in (PowerLaw(), PowerLawBump(), Calzetti()):
    register_dust_law(_law)
