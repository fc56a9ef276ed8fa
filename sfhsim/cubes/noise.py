"""Noise of a cube: photons of all light and of the sky, correlated between neighbours as resampling leaves it.

    variance(x, y, l) = (F + S) / N,   N = 1e-20 A t eta dl l / (h c)  photons per unit of flux

F is the light, S that of the sky in a spaxel, A the telescope's area, t the exposure, eta the efficiency, dl the pixel.
The noise is white noise smoothed by (a, 1, a) / sqrt(1 + 2 a^2) along x, y and wavelength: every pixel keeps its
variance, which STAT gives, and next neighbours are correlated by 2 a / (1 + 2 a^2). Sums over many pixels so have more
noise than STAT says, by `covariance_factor` squared in variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sfhsim.constants import AB_ZERO_POINT, C_AA_S, FWHM_PER_SIGMA, H_ERG_S
from sfhsim.cubes.fits_layout import FLUX_UNIT
from sfhsim.cubes.model import CubeNoise, SkyField
from sfhsim.instrument.lsf import LineSpreadFunction

BAD_PIXEL = 1 << 30  # Euro3D: no data
_STREAM_NOISE, _STREAM_BAD, _STREAM_BANDS = (np.uint32(k) for k in (1001, 1002, 1003))
# the brightest lines of the night sky: wavelength in air, equivalent width in A against its continuum
_SKY_LINES = (
    (5577.34, 150.0),
    (5889.95, 20.0),
    (5895.92, 12.0),
    (6300.30, 80.0),
    (6363.78, 27.0),
    (6863.96, 18.0),
    (6923.22, 12.0),
    (7276.41, 20.0),
    (7316.28, 25.0),
    (7340.89, 15.0),
    (7750.64, 35.0),
    (7794.11, 30.0),
    (7821.50, 25.0),
    (7913.71, 35.0),
    (7964.65, 30.0),
    (7993.33, 30.0),
    (8344.60, 35.0),
    (8399.17, 40.0),
    (8430.17, 40.0),
    (8827.10, 55.0),
    (8885.85, 60.0),
    (8919.64, 50.0),
    (8958.08, 40.0),
)


@dataclass(frozen=True)
class NoiseModel:
    """Sky (n_plane,) in `FLUX_UNIT` per spaxel, photons per unit of flux (n_plane,), and what the description says."""

    noise: CubeNoise
    sky: np.ndarray
    photons: np.ndarray
    exposure_s: float

    def variance(self, flux: np.ndarray, first: int) -> np.ndarray:
        """Of planes (n, n_y, n_x) from plane ``first`` on, in `FLUX_UNIT` squared."""
        planes = slice(first, first + len(flux))
        return (np.maximum(flux, 0.0) + self.sky[planes, None, None]) / self.photons[planes, None, None]

    def deviates(self, seed: int, first: int, shape: tuple[int, int, int]) -> np.ndarray:
        """Correlated deviates of unit variance for planes from ``first`` on; those of a plane are always the same."""
        n, n_y, n_x = shape
        white = _normals(seed, _STREAM_NOISE, first, n + 2, (n_y + 2, n_x + 2))
        smooth = white
        correlations = (self.noise.spectral_correlation, *(self.noise.spatial_correlation,) * 2)
        for axis, correlation in enumerate(correlations):
            smooth = _smoothed(smooth, correlation, axis)
        return smooth

    def bad_pixels(self, seed: int, first: int, shape: tuple[int, int, int]) -> np.ndarray:
        """Which pixels of planes from ``first`` on are lost."""
        if self.noise.bad_pixel_share == 0.0:
            return np.zeros(shape, dtype=bool)
        threshold = NormalDist().inv_cdf(1.0 - self.noise.bad_pixel_share)
        return _normals(seed, _STREAM_BAD, first, shape[0], shape[1:]) > threshold


def _normals(seed: int, stream: np.uint32, first: int, n: int, shape: tuple[int, int]) -> np.ndarray:
    """(n, n_y, n_x) white noise of planes from ``first`` on, float32."""
    from sfhsim.kernels.random import fill_normal

    out = np.empty((n, shape[0] * shape[1]), dtype=np.float32)
    fill_normal(np.uint64(seed), np.arange(first, first + n, dtype=np.uint64), stream, out)
    return out.reshape(n, *shape)


def neighbour_weight(correlation: float) -> float:
    """a of (a, 1, a), by which next neighbours are correlated by ``correlation``, 0.7 at most."""
    if correlation == 0.0:
        return 0.0
    return float((1.0 - np.sqrt(1.0 - 2.0 * correlation**2)) / (2.0 * correlation))


def _smoothed(values: np.ndarray, correlation: float, axis: int) -> np.ndarray:
    """Without the first and last along ``axis``."""
    a = np.float32(neighbour_weight(correlation))
    values = np.moveaxis(values, axis, 0)
    out = (values[1:-1] + a * (values[:-2] + values[2:])) / np.float32(np.sqrt(1.0 + 2.0 * a * a))
    return np.moveaxis(out, 0, axis)


def covariance_factor(correlation: float, n_axes: int) -> float:
    """Noise of a sum over many neighbours along ``n_axes`` axes, over that of independent ones."""
    a = neighbour_weight(correlation)
    return float(((1.0 + 2.0 * a) / np.sqrt(1.0 + 2.0 * a * a)) ** n_axes)


def noise_model(noise: CubeNoise, field: SkyField, lsf: LineSpreadFunction, at_re: np.ndarray) -> NoiseModel:
    """The noise of a field; ``at_re`` (n_plane,) is the mean spectrum at the effective radius, which may set it."""
    sky = _sky(noise, field, lsf)
    wave_aa = field.wave_aa
    per_second = FLUX_UNIT * noise.area_m2 * 1e4 * noise.efficiency * field.step_aa * wave_aa / (H_ERG_S * C_AA_S)
    exposure_s = noise.exposure_s
    if noise.snr_at_re is not None:
        in_a_second = np.median(at_re / np.sqrt((at_re + sky) / per_second))
        exposure_s = float((noise.snr_at_re / in_a_second) ** 2)
    return NoiseModel(noise, sky, per_second * exposure_s, exposure_s)


def _sky(noise: CubeNoise, field: SkyField, lsf: LineSpreadFunction) -> np.ndarray:
    """(n_plane,) in a spaxel."""
    wave_aa = field.wave_aa
    density = 10 ** (-0.4 * (noise.sky_ab_mag_arcsec2 - AB_ZERO_POINT)) * C_AA_S / wave_aa**2
    relative = np.ones(wave_aa.size)
    for line_aa, width_aa in _SKY_LINES if noise.sky_lines else ():
        sigma = np.hypot(lsf.fwhm_aa(np.array(line_aa)) / FWHM_PER_SIGMA, field.step_aa / np.sqrt(12.0))
        relative += width_aa * np.exp(-0.5 * ((wave_aa - line_aa) / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
    return density * relative * field.pixel_arcsec**2 / FLUX_UNIT


def band_deviates(seed: int, band: int, shape: tuple[int, int]) -> np.ndarray:
    """Independent standard normal deviates of the image of a band, by its number."""
    return _normals(seed, _STREAM_BANDS, band, 1, shape)[0]
