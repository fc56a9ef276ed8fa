"""Diffuse ionised gas outside of birth clouds: lines with ratios of old stars' radiation, behind the screen alone.

    L(Halpha) = halpha_width_aa x starlight at 5500 A without dust

and no continuum. Old stars light such gas everywhere, so that galaxies without star formation have weak lines as LINERs
have: EW(Halpha) is below 3 A and hardly changes with radius (Belfiore et al. 2016, MNRAS 461, 3111; early types: Sarzi
et al. 2010, MNRAS 402, 2187). For stars older than 1 Gyr EW(Halpha) is 1 to 1.4 times ``halpha_width_aa`` (bc03-miles),
which then is 0.3 to 2. In spirals it is lit by what leaks out of H II regions, too; its [N II], [S II] and [O I] over
Halpha lie above theirs, the more so the fainter it is (Zhang et al. 2017, MNRAS 466, 3217; Belfiore et al. 2022, A&A
659, A26).

`DIFFUSE` and `OLD_STARS` hold ranges of the ratios to draw from, chosen wide. The first reaches from H II regions of
solar metallicity towards LINERs, across the curve of Kauffmann et al. (2003, MNRAS 346, 1055) in the diagram of [O III]
5007/Hbeta and [N II] 6583/Halpha; the second lies above that curve, and below the Seyferts in the diagrams of [S II]
and [O I] (Kewley et al. 2006, MNRAS 372, 961). Fixed: Halpha/Hbeta = 2.86, case B of 10^4 K (Osterbrock & Ferland
2006), and the ratios of pairs, as for `sfhsim.sources.agn`; [S II] 6716/6731 = 1.4, that of thin gas. Lines are as
broad as those of the galaxy's gas, and move with it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.elementary import exp10
from sfhsim.histories.parameters import Parameter
from sfhsim.sources.base import EmissionSource, Surroundings, register_source

HALPHA_PER_HBETA = 2.86

#: Ranges of log10 of the ratios, to be written into a recipe as uniform distributions.
DIFFUSE = {
    "log10_nii_halpha": (-0.5, 0.1),
    "log10_sii_halpha": (-0.5, 0.1),
    "log10_oiii_hbeta": (-0.5, 0.3),
    "log10_oi_halpha": (-1.5, -0.7),
}
OLD_STARS = {
    "log10_nii_halpha": (-0.1, 0.3),
    "log10_sii_halpha": (-0.15, 0.2),
    "log10_oiii_hbeta": (0.0, 0.45),
    "log10_oi_halpha": (-0.7, -0.35),
}

#: name of each line: rest wavelength in air (Angstrom), the ratio that it follows, and Halphas for a ratio of 1
LINES = {
    "Hbeta": (4861.33, "", 1 / HALPHA_PER_HBETA),
    "[O III] 4959": (4958.91, "log10_oiii_hbeta", 1 / HALPHA_PER_HBETA / 2.98),
    "[O III] 5007": (5006.84, "log10_oiii_hbeta", 1 / HALPHA_PER_HBETA),
    "[O I] 6300": (6300.30, "log10_oi_halpha", 1.0),
    "[O I] 6363": (6363.78, "log10_oi_halpha", 1 / 3.1),
    "[N II] 6548": (6548.05, "log10_nii_halpha", 1 / 3.05),
    "Halpha": (6562.80, "", 1.0),
    "[N II] 6583": (6583.46, "log10_nii_halpha", 1.0),
    "[S II] 6716": (6716.44, "log10_sii_halpha", 1.4 / 2.4),
    "[S II] 6731": (6730.82, "log10_sii_halpha", 1.0 / 2.4),
}


class DiffuseIonizedGas(EmissionSource):
    """The source ``diffuse_ionized_gas``; see the module."""

    name: ClassVar[str] = "diffuse_ionized_gas"
    dust: ClassVar[str] = "screen"
    parameters: tuple[Parameter, ...] = (
        Parameter("halpha_width_aa", "Angstrom", "Halpha over the starlight at 5500 A", 1.0, 0.0, 100.0),
        Parameter("log10_nii_halpha", "dex", "[N II] 6583 / Halpha", 0.0, -2.0, 1.0),
        Parameter("log10_sii_halpha", "dex", "[S II] 6716+6731 / Halpha", 0.0, -2.0, 1.0),
        Parameter("log10_oiii_hbeta", "dex", "[O III] 5007 / Hbeta", 0.2, -2.0, 1.5),
        Parameter("log10_oi_halpha", "dex", "[O I] 6300 / Halpha", -0.6, -3.0, 1.0),
    )
    line_wave_aa: ClassVar[np.ndarray] = np.array([wave for wave, _, _ in LINES.values()])

    def templates(self, wave_aa: np.ndarray) -> np.ndarray:
        """(0, n_wave): no continuum."""
        return np.zeros((0, wave_aa.size))

    def amplitudes(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, 0)"""
        return np.zeros((len(surroundings.starlight_5500_lsun_aa), 0))

    def line_luminosities(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, 10) Lsun per Msun formed, in the order of `LINES`."""
        halpha = params["halpha_width_aa"] * surroundings.starlight_5500_lsun_aa
        ratios = {name: exp10(params[name]) for _, name, _ in LINES.values() if name}
        return np.stack([halpha * share * ratios.get(name, 1.0) for _, name, share in LINES.values()], axis=1)


register_source(DiffuseIonizedGas())
