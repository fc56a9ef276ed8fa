"""Spectra of stars and lines for velocities and dispersions, each with its derivatives: what the fit is made of.

    S(v, V) = [(1 - t) S_k + t S_{k+1}](lambda / (1 + v/c)),    t = (V - V_k) / (V_{k+1} - V_k)

V is the square of the dispersion, k the template below it. A line is a Gaussian integrated over pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from sfhsim.constants import C_KMS
from sfhsim.pixels import pixel_edges

_TAPS = range(-2, 4)  # pixels of the interpolation about the one below
_BEFORE, _PAD = 2, 6  # pixels added before, and in all, for it
_REACH_SIGMA = 5.0


class Stars:
    """Stars of n galaxies at all dispersions of the templates.

    Parameters
    ----------
    wave_aa : (n_pixel,)
    dispersion_kms : (n_dispersion,)
    old, young : (n, n_dispersion, n_pixel) float32
    """

    def __init__(self, wave_aa: np.ndarray, dispersion_kms: np.ndarray, old: np.ndarray, young: np.ndarray):
        self.wave_aa, self.variance, self.old, self.young = wave_aa, dispersion_kms**2, old, young

    def at(self, velocity_kms: np.ndarray, variance: np.ndarray, seen: np.ndarray):
        """Spectra (n, n_pixel), and their derivatives by velocity, by variance, and by the share of young stars seen.

        All parameters (n,).
        """
        last = max(self.variance.size - 2, 0)
        below = np.clip(np.searchsorted(self.variance, variance, side="right") - 1, 0, last)
        above = np.minimum(below + 1, self.variance.size - 1)
        width = np.maximum(self.variance[above] - self.variance[below], 1e-9)
        share = np.clip((variance - self.variance[below]) / width, 0.0, 1.0)[:, None]
        row, seen = np.arange(len(below)), seen[:, None].astype(np.float32)
        share, width = share.astype(np.float32), width[:, None].astype(np.float32)
        young = (1.0 - share) * self.young[row, below] + share * self.young[row, above]
        lower, upper = (self.old[row, k] + seen * self.young[row, k] for k in (below, above))
        stars, by_variance = (1.0 - share) * lower + share * upper, (upper - lower) / width
        stars, by_variance, young = self._moved(velocity_kms, stars, by_variance, young)
        by_velocity = np.gradient(stars, axis=1) * self._velocity_scale
        return stars, by_velocity, by_variance, young

    @cached_property
    def _velocity_scale(self) -> np.ndarray:
        """(n_pixel,) pixels that a spectrum moves, to the red negative, for a km/s."""
        return (-self.wave_aa / C_KMS / np.gradient(self.wave_aa)).astype(np.float32)

    def _moved(self, velocity_kms: np.ndarray, *spectra: np.ndarray) -> list[np.ndarray]:
        """Spectra (n, n_pixel) at these velocities, by the polynomial through six pixels; held beyond the ends."""
        n_pixel = self.wave_aa.size
        asked_aa = self.wave_aa / (1.0 + velocity_kms[:, None] / C_KMS)
        place = np.interp(asked_aa, self.wave_aa, np.arange(n_pixel))
        first = place.astype(np.int32)
        t = (place - first).astype(np.float32)
        first += np.arange(len(place), dtype=np.int32)[:, None] * (n_pixel + _PAD) + _BEFORE
        padded = [np.pad(spectrum, ((0, 0), (_BEFORE, _PAD - _BEFORE)), mode="edge").ravel() for spectrum in spectra]
        moved = [np.zeros_like(spectrum) for spectrum in spectra]
        for tap, weight in zip(_TAPS, _weights(t), strict=True):
            for out, spectrum in zip(moved, padded, strict=True):
                out += weight * spectrum.take(first + tap)
        return moved


def _weights(t: np.ndarray) -> list[np.ndarray]:
    """Of each of the six pixels, for places t from 0 to 1 between the third and the fourth (Lagrange)."""
    a, b, c, d, e, f = (t - tap for tap in _TAPS)
    ab, bc, de, ef = a * b, b * c, d * e, e * f
    return [
        bc * de * f / -120,
        a * c * de * f / 24,
        ab * de * f / -12,
        ab * c * ef / 12,
        ab * c * d * f / -24,
        a * bc * de / 120,
    ]


@dataclass(frozen=True, eq=False)
class Lines:
    """Emission lines on a grid.

    Attributes
    ----------
    wave_aa : (n_pixel,)
    lsf_sigma_aa : (n_pixel,)
    line_wave_aa : (n_line,)
    highest_kms : the largest dispersion, and velocity, that they may have.
    """

    wave_aa: np.ndarray
    lsf_sigma_aa: np.ndarray
    line_wave_aa: np.ndarray
    highest_kms: float

    def __len__(self) -> int:
        return self.line_wave_aa.size

    @cached_property
    def _edges_aa(self) -> np.ndarray:
        return pixel_edges(self.wave_aa)

    @cached_property
    def _lsf_aa(self) -> np.ndarray:
        return np.interp(self.line_wave_aa, self.wave_aa, self.lsf_sigma_aa)

    @cached_property
    def windows(self) -> list[slice]:
        """Pixels that each line may reach."""
        reach_aa = (_REACH_SIGMA + 1.0) * np.hypot(self.highest_kms / C_KMS * self.line_wave_aa, self._lsf_aa)
        low, high = (np.searchsorted(self.wave_aa, self.line_wave_aa + s * reach_aa) for s in (-1, 1))
        return [slice(int(a), int(b)) for a, b in zip(low, high, strict=True)]

    def near(self, kms: float) -> np.ndarray:
        """(n_pixel,) bool: pixels this near to a line."""
        near = np.zeros(self.wave_aa.size, dtype=bool)
        for line_aa in self.line_wave_aa:
            near |= np.abs(self.wave_aa / line_aa - 1.0) < kms / C_KMS
        return near

    def write(self, velocity_kms, dispersion_kms, amplitude, profiles, by_velocity, by_log_width) -> None:
        """Write profiles of unit flux, and derivatives of the lines' sum by velocity and by the log of the dispersion.

        Parameters
        ----------
        velocity_kms, dispersion_kms : (n,) of the lines.
        amplitude : (n, n_line) for the derivatives.
        profiles : (n, n_line, n_pixel) written; 0 outside of the ``windows``, where it is left.
        by_velocity, by_log_width : (n, n_pixel) written.
        """
        by_velocity[...] = by_log_width[...] = 0.0
        for k, (line_aa, lsf_aa, window) in enumerate(zip(self.line_wave_aa, self._lsf_aa, self.windows, strict=True)):
            edges = self._edges_aa[window.start : window.stop + 1]
            kinematic = (dispersion_kms * line_aa / C_KMS)[:, None]
            sigma = np.maximum(np.hypot(kinematic, lsf_aa), 1e-3)
            x = (edges - line_aa * (1.0 + velocity_kms[:, None] / C_KMS)) / sigma
            density, width = np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi) / sigma, np.diff(edges)
            profiles[:, k, window] = np.diff(ndtr(x), axis=1) / width
            scale = amplitude[:, k, None] / width
            by_velocity[:, window] -= scale * np.diff(density, axis=1) * line_aa / C_KMS
            by_log_width[:, window] -= scale * np.diff(x * density, axis=1) * kinematic**2 / sigma
