"""Foreground stars: black bodies at rest with a few absorption lines, each in the middle of a spaxel.

Strengths of lines follow the temperature: the Balmer series and the Paschen series are strongest near 9500 K, metals
(Mg b, Fe, Na D, Ca) in cool stars. They are no spectral library: they are there to be recognised and masked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.constants import AB_ZERO_POINT, C_AA_S, C_KMS, FWHM_PER_SIGMA
from sfhsim.cubes.model import SkyField, Stars
from sfhsim.instrument.filters import Filter
from sfhsim.instrument.lsf import LineSpreadFunction

_AT_AA = 5500.0
_HC_OVER_K_AA = 1.438776877e8  # Angstrom K
_VELOCITY_KMS = 40.0
# wavelength in air, equivalent width in A where it is strongest, whether of hydrogen
_LINES = (
    (4861.33, 9.0, True),
    (6562.80, 8.0, True),
    (8750.47, 4.0, True),
    (8862.78, 4.0, True),
    (9014.91, 4.0, True),
    (5167.32, 1.6, False),
    (5172.68, 2.0, False),
    (5183.60, 2.2, False),
    (5270.0, 1.6, False),
    (5328.0, 1.4, False),
    (5889.95, 2.2, False),
    (5895.92, 1.8, False),
    (6162.18, 0.7, False),
    (6496.9, 0.8, False),
    (8498.02, 1.5, False),
    (8542.09, 3.2, False),
    (8662.14, 2.6, False),
)
_WIDTH_AA = {True: 8.0, False: 1.2}  # sigma of the intrinsic profile


@dataclass(frozen=True)
class StarField:
    """Stars of a cube: spaxels ``y`` and ``x`` (n,) of the field, temperatures, AB magnitudes at 5500 A, velocities."""

    y: np.ndarray
    x: np.ndarray
    temperature_k: np.ndarray
    ab_mag: np.ndarray
    velocity_kms: np.ndarray

    def spectra(self, wave_aa: np.ndarray, lsf: LineSpreadFunction) -> np.ndarray:
        """(n, m) erg/s/cm2/A at observed wavelengths (m,), at the resolution of the spectrograph."""
        spectra = self._continua(wave_aa)
        shift = 1.0 + self.velocity_kms[:, None] / C_KMS
        for line_aa, width_aa, is_hydrogen in _LINES:
            sigma = np.hypot(lsf.fwhm_aa(np.array(line_aa)) / FWHM_PER_SIGMA, _WIDTH_AA[is_hydrogen])
            profile = np.exp(-0.5 * ((wave_aa - line_aa * shift) / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
            depth = width_aa * _strength(self.temperature_k, is_hydrogen)[:, None] * profile
            spectra *= np.maximum(1.0 - depth, 0.05)
        return spectra

    def band_fluxes(self, band: Filter) -> np.ndarray:
        """(n,) mean flux densities in a band, erg/s/cm2/A; of continua alone."""
        wave_aa = np.linspace(band.wave_aa[0], band.wave_aa[-1], 2000)
        return band.mean_flux(wave_aa, self._continua(wave_aa))

    def _continua(self, wave_aa: np.ndarray) -> np.ndarray:
        at_reference = 10 ** (-0.4 * (self.ab_mag - AB_ZERO_POINT)) * C_AA_S / _AT_AA**2
        temperature = self.temperature_k[:, None]
        relative = _planck(wave_aa, temperature) / _planck(np.array([_AT_AA]), temperature)
        return at_reference[:, None] * relative


def _planck(wave_aa: np.ndarray, temperature_k: np.ndarray) -> np.ndarray:
    return (wave_aa / _AT_AA) ** -5.0 / np.expm1(_HC_OVER_K_AA / (wave_aa * temperature_k))


def _strength(temperature_k: np.ndarray, is_hydrogen: bool) -> np.ndarray:
    """0 to 1."""
    if is_hydrogen:
        return np.exp(-0.5 * ((temperature_k - 9500.0) / 2500.0) ** 2)
    return 1.0 / (1.0 + np.exp((temperature_k - 5500.0) / 700.0))


def draw_stars(stars: Stars, field: SkyField, seed: int) -> StarField:
    """Stars scattered evenly over the field, in magnitude, and in temperature, of this seed."""
    rng = np.random.Generator(np.random.Philox(key=[seed, 0x57A25]))
    uniform = rng.random((5, stars.number))
    return StarField(
        y=(uniform[0] * field.n_y).astype(int),
        x=(uniform[1] * field.n_x).astype(int),
        temperature_k=stars.coolest_k + uniform[2] * (stars.hottest_k - stars.coolest_k),
        ab_mag=stars.brightest_ab_mag + uniform[3] * (stars.faintest_ab_mag - stars.brightest_ab_mag),
        velocity_kms=_VELOCITY_KMS * (2.0 * uniform[4] - 1.0),
    )
