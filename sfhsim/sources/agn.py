"""An active nucleus behind the galaxy's screen: a power-law continuum, and narrow lines of their own width and ratios.

    L(lambda) = F (lambda / 5500 A)^slope,     F = fraction / (1 - fraction) x starlight at 5500 A without dust
    L(Hbeta)  = hbeta_width_aa x starlight at 5500 A without dust

between 912 A and 5 um, ``fraction`` being that of the light of stars and nucleus at 5500 A. Hbeta is given against the
starlight, not the nucleus' own continuum, so that one whose continuum is hidden (``fraction`` 0) still has its lines.

Ratios that differ from one nucleus to the next are parameters; the defaults are a Seyfert's, `LINER` holds ranges of
the other class. Both lie within the classes of Kewley et al. (2006, MNRAS 372, 961), whose diagrams have the axes
[O III] 5007/Hbeta against [N II] 6583/Halpha, [S II] 6716+6731/Halpha and [O I] 6300/Halpha; the tests hold all corners
of these ranges against its boundaries. Fixed: Halpha/Hbeta = 3.1, which they take for nuclei (collisions add to case B:
Osterbrock & Ferland 2006); pairs from one upper level, [O III] 5007/4959 = 2.98, [N II] 6583/6548 = 3.05 (Storey &
Zeippen 2000, MNRAS 312, 813) and [O I] 6300/6363 = 3.1; [S II] 6716/6731 = 1.1, that of some hundred electrons per cm3.

The power law is interpolated in its slope by Chebyshev's polynomials, to 1e-6 of the light at any wavelength.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.elementary import cos, exp, exp10, log, sin
from sfhsim.histories.parameters import Parameter
from sfhsim.sources.base import EmissionSource, Surroundings, register_source

PIVOT_AA = 5500.0
RANGE_AA = (912.0, 5.0e4)
SLOPE = (-3.0, 1.0)
N_NODE = 18
HALPHA_PER_HBETA = 3.1

#: Ranges of log10 of the ratios, to be written into a recipe as uniform distributions.
SEYFERT = {
    "log10_oiii_hbeta": (0.7, 1.1),
    "log10_nii_halpha": (-0.25, 0.2),
    "log10_sii_halpha": (-0.5, -0.15),
    "log10_oi_halpha": (-1.2, -0.75),
}
LINER = {
    "log10_oiii_hbeta": (0.1, 0.5),
    "log10_nii_halpha": (-0.05, 0.3),
    "log10_sii_halpha": (0.0, 0.2),
    "log10_oi_halpha": (-0.6, -0.3),
}

#: name of each line: rest wavelength in air (Angstrom), the ratio that it follows, and its share of that
LINES = {
    "Hbeta": (4861.33, "", 1.0),
    "[O III] 4959": (4958.91, "log10_oiii_hbeta", 1 / 2.98),
    "[O III] 5007": (5006.84, "log10_oiii_hbeta", 1.0),
    "[O I] 6300": (6300.30, "log10_oi_halpha", HALPHA_PER_HBETA),
    "[O I] 6363": (6363.78, "log10_oi_halpha", HALPHA_PER_HBETA / 3.1),
    "[N II] 6548": (6548.05, "log10_nii_halpha", HALPHA_PER_HBETA / 3.05),
    "Halpha": (6562.80, "", HALPHA_PER_HBETA),
    "[N II] 6583": (6583.46, "log10_nii_halpha", HALPHA_PER_HBETA),
    "[S II] 6716": (6716.44, "log10_sii_halpha", HALPHA_PER_HBETA * 1.1 / 2.1),
    "[S II] 6731": (6730.82, "log10_sii_halpha", HALPHA_PER_HBETA / 2.1),
}


class ActiveNucleus(EmissionSource):
    """The source ``agn``; see the module."""

    name: ClassVar[str] = "agn"
    dust: ClassVar[str] = "screen"
    parameters: tuple[Parameter, ...] = (
        Parameter("fraction", "", "of the continuum of stars and nucleus at 5500 A, without dust", 0.1, 0.0, 0.99),
        Parameter("slope", "", "power of wavelength", -1.5, *SLOPE),
        Parameter("hbeta_width_aa", "Angstrom", "narrow Hbeta over the starlight at 5500 A", 3.0, 0.0, 100.0),
        Parameter("velocity_dispersion_kms", "km/s", "of the narrow lines", 200.0, 1.0, 1.0e3),
        Parameter("log10_oiii_hbeta", "dex", "[O III] 5007 / Hbeta", 0.9, -2.0, 1.5),
        Parameter("log10_nii_halpha", "dex", "[N II] 6583 / Halpha", 0.0, -2.0, 1.5),
        Parameter("log10_sii_halpha", "dex", "[S II] 6716+6731 / Halpha", -0.3, -2.0, 1.5),
        Parameter("log10_oi_halpha", "dex", "[O I] 6300 / Halpha", -0.9, -3.0, 1.5),
    )
    line_wave_aa: ClassVar[np.ndarray] = np.array([wave for wave, _, _ in LINES.values()])
    line_width: ClassVar[str] = "velocity_dispersion_kms"

    def templates(self, wave_aa: np.ndarray) -> np.ndarray:
        """Power laws (N_NODE, n_wave) of the slopes between which `amplitudes` interpolates."""
        return _power_laws(wave_aa, _slopes())

    def amplitudes(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, N_NODE): cardinal polynomials of the slopes, times the light at 5500 A."""
        angle = np.pi * (np.arange(N_NODE) + 0.5) / N_NODE
        gap = params["slope"][:, None] - _slopes()
        exact = gap == 0.0
        term = sin(angle) * (-1.0) ** np.arange(N_NODE) / np.where(exact, 1.0, gap)
        share = np.where(exact.any(axis=1)[:, None], exact, term / term.sum(axis=1, keepdims=True))
        return self._at_pivot(params, surroundings)[:, None] * share

    def line_luminosities(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, 10) Lsun per Msun formed, in the order of `LINES`."""
        hbeta = params["hbeta_width_aa"] * surroundings.starlight_5500_lsun_aa
        ratios = {name: exp10(params[name]) for _, name, _ in LINES.values() if name}
        return np.stack([hbeta * share * ratios.get(name, 1.0) for _, name, share in LINES.values()], axis=1)

    def spectrum(self, wave_aa: np.ndarray, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, n_wave), the power laws themselves."""
        return self._at_pivot(params, surroundings)[:, None] * _power_laws(wave_aa, params["slope"])

    @staticmethod
    def _at_pivot(params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        fraction = params["fraction"]
        return fraction / (1.0 - fraction) * surroundings.starlight_5500_lsun_aa


def _slopes() -> np.ndarray:
    """(N_NODE,) Chebyshev's points."""
    angle = np.pi * (np.arange(N_NODE) + 0.5) / N_NODE
    return 0.5 * (SLOPE[0] + SLOPE[1]) + 0.5 * (SLOPE[1] - SLOPE[0]) * cos(angle)


def _power_laws(wave_aa: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """(k, n_wave), 1 at 5500 A."""
    lit = (wave_aa >= RANGE_AA[0]) & (wave_aa <= RANGE_AA[1])
    return np.where(lit, exp(slope[:, None] * log(wave_aa / PIVOT_AA)), 0.0)


register_source(ActiveNucleus())
