"""Residuals of checked spectra, freed of their noise and of emission lines that were fitted badly.

    r = spectrum / model - 1

Lines that the model does not follow (more than 5 sigma off) are left out, and bridged, as masked pixels are, by
straight lines. Then r is split into scales of 1, 2, 4 ... pixels (the a trous wavelets of Starck & Murtagh 1994, A&A
288, 342), and of each scale w only the share is kept that the errors do not explain, w max(0, 1 - <noise^2> / <w^2>): a
network would else learn noise that the errors of its spectra know nothing of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.checking.comparison import scatter
from sfhmodel.checking.result import FLOOR, CheckResult
from sfhmodel.layers.residual_rows import LARGEST
from sfhsim.constants import C_KMS

_BADLY = 5.0  # sigma
_LINE_KMS = 700.0
_N_SCALE = 7
_KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0


@dataclass(frozen=True, eq=False)
class Residuals:
    """Of n spectra: ``residual`` (n, n_pixel), 0 where there is nothing to compare, and ``good`` (n, n_pixel)."""

    residual: np.ndarray
    good: np.ndarray


def residuals(check: CheckResult, wave_aa, line_wave_aa, flux, flux_error, mask) -> Residuals:
    """Residuals of checked spectra.

    Parameters
    ----------
    check : of n spectra, with its models.
    wave_aa, line_wave_aa : (n_pixel,) and (n_line,) of the templates.
    flux, flux_error, mask : (n, n_pixel) as they were checked; errors NaN where unknown.
    """
    model = np.asarray(check.model, dtype=np.float64)
    positive = np.isfinite(model) & (model > 0.0)
    good = positive & (np.asarray(mask) > 0) & np.isfinite(flux)
    model = np.where(positive, model, 1.0)
    raw = np.where(good, flux / model - 1.0, 0.0)
    error = np.asarray(flux_error, dtype=np.float64) / model
    known = np.isfinite(error) & (error > 0.0)
    noise = np.where(known, error, scatter(raw, good)[:, None])
    off = good & (np.abs(raw) > _BADLY * np.hypot(noise, FLOOR))
    for line_aa in line_wave_aa:
        near = np.abs(wave_aa / line_aa - 1.0) < _LINE_KMS / C_KMS
        good[np.ix_(off[:, near].any(axis=1), near)] = False
    rows = [_freed(_bridged(r, g), n, g) if g.any() else r for r, n, g in zip(raw, noise, good, strict=True)]
    return Residuals(np.clip(rows, -LARGEST, LARGEST).astype(np.float32), good)


def _bridged(row: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Straight lines where there is nothing; held beyond the ends."""
    pixel = np.arange(row.size)
    return np.interp(pixel, pixel[good], row[good])


def _freed(row: np.ndarray, noise: np.ndarray, good: np.ndarray) -> np.ndarray:
    """The row without the share of each scale that noise (n_pixel,) explains."""
    variance, total, smooth = float(np.mean(noise[good] ** 2)), np.zeros_like(row), row
    for scale in range(_N_SCALE):
        smoother = _smoothed(smooth, 2**scale)
        wavelet, smooth = smooth - smoother, smoother
        power = float(np.mean(wavelet[good] ** 2))
        total += wavelet * max(0.0, 1.0 - variance * _noise_share(scale) / max(power, 1e-30))
    return total + smooth


def _smoothed(row: np.ndarray, step: int) -> np.ndarray:
    """With the kernel whose taps are ``step`` pixels apart, mirrored at the ends."""
    reach = 2 * step
    wide = np.pad(row, reach, mode="reflect" if row.size > reach else "edge")
    return sum(k * wide[j * step : j * step + row.size] for j, k in enumerate(_KERNEL))


def _noise_share(scale: int) -> float:
    """Variance of a scale of white noise of variance 1: the square of what it makes of a single pixel."""
    size = 8 * 2 ** (scale + 1) + 1
    smooth = np.zeros(size)
    smooth[size // 2] = 1.0
    for k in range(scale):
        smooth = _smoothed(smooth, 2**k)
    return float(np.sum((smooth - _smoothed(smooth, 2**scale)) ** 2))
