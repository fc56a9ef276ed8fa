"""Recombination continuum of ionised H and He, relative to Hbeta: free-bound, free-free and two-photon.

    j(lambda) / j(Hbeta) = [g_H + y+ g_He+ + y++ g_He++ + g_2q] / e(Hbeta),     y = n(He ion) / n(H+)

g(lambda, Te): free-bound (Ercolano & Storey 2006, MNRAS 372, 1875) + free-free (Gaunt factors of Storey &
Hummer 1991, CoPhC 66, 129); e(Hbeta; Te, ne): case B (Storey & Hummer 1995, MNRAS 272, 41). All tabulated
from PyNeb 1.1.32 (Luridiana, Morisset & Shaw 2015, A&A 573, A42; Morisset et al. 2020) by
``sfhsim.data.builders.continuum``. The two-photon continuum of the hydrogen 2s level is computed here, as
PyNeb does it:

    g_2q = h c lambda_a / lambda^3  (A(y) / A_2q)  a_2s(Te) / (1 + ne / ne_crit),   y = lambda_a / lambda

with A(y) of Nussbaumer & Schmutz (1984, A&A 138, 495), A_2q = 8.226 /s, and a_2s and the collisional rate
fitted to Osterbrock & Ferland (2006).

The wavelengths are PyNeb's: the series edges stand at their vacuum wavelengths (3647 A, 8206 A), 1-2 A
redward of air; in nature the merging high lines blur the edges by more than that. From 36 um to 100 um
free-bound is not tabulated and the sum follows the free-free emission. Shortward of 911.75 A the continuum
is zero.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from sfhsim.constants import H_ERG_S
from sfhsim.elementary import exp10, log10, power
from sfhsim.errors import RecipeError
from sfhsim.interpolation import bracket

LYMAN_ALPHA_AA = 1215.7
TWO_PHOTON_RATE_PER_S = 8.226
_HC_ERG_AA = H_ERG_S * 2.99792458e18


def two_photon_emissivity(
    wave_aa: np.ndarray, electron_temperature_k: np.ndarray, electron_density_cm3: np.ndarray
) -> np.ndarray:
    """Two-photon emission per n(e) n(H+), erg cm3 / s / Angstrom; zero shortward of Lyman alpha.

    ``wave_aa`` (n_wave,); temperature and density (n,) -> (n, n_wave).
    """
    y = np.minimum(LYMAN_ALPHA_AA / np.asarray(wave_aa, dtype=np.float64), 1.0)
    x = y * (1.0 - y)
    fourth = power(4.0 * x, 0.8)
    rate_per_s = 202.0 * (x * (1.0 - fourth) + 0.88 * power(x, 1.53) * fourth)
    t4 = np.atleast_1d(electron_temperature_k)[:, None] / 1e4
    recombination_cm3_s = 0.838e-13 * power(t4, -0.728)
    critical_density_cm3 = TWO_PHOTON_RATE_PER_S / (5.31e-4 * power(t4, -0.17))
    survival = 1.0 / (1.0 + np.atleast_1d(electron_density_cm3)[:, None] / critical_density_cm3)
    spectrum = _HC_ERG_AA * LYMAN_ALPHA_AA / (wave_aa * wave_aa * wave_aa) * rate_per_s / TWO_PHOTON_RATE_PER_S
    return spectrum * recombination_cm3_s * survival


@dataclass(frozen=True, eq=False)
class RecombinationContinuum:
    """The tabulated emission coefficients; ``load_continuum()`` makes it.

    Attributes
    ----------
    wave_aa : (n_wave,) strictly increasing nodes; the continuum is a straight line between two, and an edge
        is a pair of nodes a few hundredths of an Angstrom apart.
    log10_temperature : (n_t,)
    log10_density : (n_ne,)
    log10_emissivity : (3, n_t, n_wave) of H+, He+, He++: free-bound + free-free, log10 of erg cm3 / s /
        Angstrom.
    log10_hbeta : (n_t, n_ne) log10 of erg cm3 / s.
    """

    wave_aa: np.ndarray
    log10_temperature: np.ndarray
    log10_density: np.ndarray
    log10_emissivity: np.ndarray
    log10_hbeta: np.ndarray

    def per_hbeta(
        self,
        electron_temperature_k: float | np.ndarray = 1e4,
        electron_density_cm3: float | np.ndarray = 100.0,
        he1_to_h: float | np.ndarray = 0.1,
        he2_to_h: float | np.ndarray = 0.0,
    ) -> np.ndarray:
        """Continuum for L(Hbeta) = 1: multiply by L(Hbeta) to get its luminosity density.

        Parameters
        ----------
        electron_temperature_k : scalar or (n,), 3981-25119 K
        electron_density_cm3 : scalar or (n,), up to 1e5; below 100 the emissivity of Hbeta is that at 100.
        he1_to_h, he2_to_h : scalar or (n,), n(He+)/n(H+) and n(He++)/n(H+).

        Returns
        -------
        (n_wave,) for scalars, else (n, n_wave): 1/Angstrom at ``wave_aa``; interpolated in log Te and log ne.

        Raises
        ------
        RecipeError
            If a temperature, density or abundance is outside the table.
        """
        parameters = np.broadcast_arrays(electron_temperature_k, electron_density_cm3, he1_to_h, he2_to_h)
        is_scalar = parameters[0].ndim == 0
        temperature_k, density_cm3, he1, he2 = (np.atleast_1d(p).astype(np.float64) for p in parameters)
        self._check(temperature_k, density_cm3, he1, he2)
        t, ft = bracket(self.log10_temperature, log10(temperature_k))
        d, fd = bracket(self.log10_density, log10(np.maximum(density_cm3, 100.0)))
        table = self.log10_emissivity
        ions = exp10((1.0 - ft)[:, None] * table[:, t] + ft[:, None] * table[:, t + 1])
        low = (1.0 - fd) * self.log10_hbeta[t, d] + fd * self.log10_hbeta[t, d + 1]
        high = (1.0 - fd) * self.log10_hbeta[t + 1, d] + fd * self.log10_hbeta[t + 1, d + 1]
        hbeta = exp10((1.0 - ft) * low + ft * high)
        total = ions[0] + he1[:, None] * ions[1] + he2[:, None] * ions[2]
        total += two_photon_emissivity(self.wave_aa, temperature_k, density_cm3)
        result = total / hbeta[:, None]
        return result[0] if is_scalar else result

    def _check(self, temperature_k, density_cm3, he1, he2) -> None:
        low_k, high_k = 10.0 ** self.log10_temperature[[0, -1]] * [1 - 1e-9, 1 + 1e-9]
        if not ((temperature_k >= low_k) & (temperature_k <= high_k)).all():
            raise RecipeError(
                f"nebular continuum: electron temperature must lie in {low_k:.0f}-{high_k:.0f} K, "
                f"got {temperature_k.min():g}-{temperature_k.max():g}"
            )
        if not ((density_cm3 > 0) & (density_cm3 <= 1e5)).all():
            raise RecipeError("nebular continuum: electron density must lie in (0, 1e5] per cm3")
        if not ((he1 >= 0) & (he2 >= 0) & (he1 + he2 <= 1)).all():
            raise RecipeError("nebular continuum: He+/H+ and He++/H+ must be >= 0 and sum to at most 1")


@functools.cache
def load_continuum() -> RecombinationContinuum:
    """The table that ships with the package."""
    from importlib import resources

    with (
        resources.files("sfhsim").joinpath("data/nebular/continuum.npz").open("rb") as file,
        np.load(file) as stored,
    ):
        arrays = {name: stored[name].astype(np.float64) for name in stored.files}
    for array in arrays.values():
        array.setflags(write=False)
    return RecombinationContinuum(**arrays)
