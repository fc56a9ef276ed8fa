"""What observing does to spectra, as pure functions of numbers drawn at random elsewhere (`keras.ops`).

Spectra are (n, n_pixel). ``good`` is 1 or True for pixels in use; what others hold is never used. Nothing is squared in
physical units, where it would leave the range of float32.
"""

from __future__ import annotations

import math

import numpy as np
from keras import ops

N_KERNEL = 4  # widths of kernels between the narrowest and the widest
_FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
_TINY, _HUGE = 1e-30, 3e38
_LEAST_ERROR = 1e-10  # over the flux


def pixels_in_use(flux, mask):
    """(n, n_pixel) bool: not masked, and finite."""
    return ops.logical_and(mask > 0.5, ops.isfinite(flux))


def shifted(flux, good, shift_pixels, most_pixels: int):
    """Spectra at the positions i + shift_pixels, linear between pixels that are good, constant beyond the ends.

    With D_j = s_{j+1} - s_j, and 0 where one of the two isn't good,

        s(i + d) = s_i + sum_k clip(d - k + 1, 0, 1) D_{i+k-1} - sum_k clip(-d - k + 1, 0, 1) D_{i-k} ,  k = 1 ... K

    which needs no gathering of single pixels: on a CPU that would be the slower way.

    Parameters
    ----------
    flux, good, shift_pixels : (n, n_pixel) each.
    most_pixels : K, the largest shift there is; more is cut.
    """
    n_pixel = flux.shape[-1]
    both = ops.logical_and(good[:, 1:], good[:, :-1])
    steps = ops.where(both, flux[:, 1:] - flux[:, :-1], ops.zeros_like(flux[:, 1:]))
    steps = ops.pad(steps, [[0, 0], [most_pixels, most_pixels]])
    out = flux
    for k in range(1, most_pixels + 1):
        ahead, behind = most_pixels + k - 1, most_pixels - k
        out = out + ops.clip(shift_pixels - (k - 1), 0.0, 1.0) * steps[:, ahead : ahead + n_pixel]
        out = out - ops.clip(-shift_pixels - (k - 1), 0.0, 1.0) * steps[:, behind : behind + n_pixel]
    return out


def with_noise(flux, flux_error, good, inverse_snr, normal):
    """Spectra brought down to a S/N, t = mean |flux| over mean error, where their own t0 is higher.

    The added noise is e_i sqrt((t0 / t)^2 - 1), so that the error becomes e_i t0 / t. Where the error is unknown it is
    <|s|> sqrt(1 / t^2 - 1 / t0^2) in all pixels, with 1 / t0 = 0 if no error of the spectrum is known; then these are
    the errors afterwards, otherwise unknown ones stay unknown.

    Parameters
    ----------
    flux, flux_error, good : (n, n_pixel); errors not finite or not positive are unknown.
    inverse_snr : (n, 1), 0 for no change.
    normal : (n, n_pixel) standard normal numbers.

    Returns
    -------
    flux, flux_error
    """
    zeros = ops.zeros_like(flux)
    known = ops.logical_and(good, ops.logical_and(flux_error > 0.0, flux_error < _HUGE))
    error, n_known = ops.where(known, flux_error, zeros), _count(known)
    level = mean_level(flux, good)
    own = _sum(error) / ops.maximum(n_known, 1.0) / level
    extra = ops.sqrt(ops.maximum(inverse_snr * inverse_snr - own * own, 0.0))
    growth = extra / ops.maximum(own, _LEAST_ERROR)
    unknown = 1.0 - ops.cast(known, "float32")
    noise = (growth * error + (level * extra) * unknown) * normal
    larger = flux_error * ops.where(n_known > 0.0, ops.sqrt(1.0 + growth * growth), 1.0)
    return flux + noise, ops.where(ops.logical_and(extra > 0.0, n_known == 0.0), level * extra, larger)


def smoothing_kernels(low_pixels: float, high_pixels: float) -> np.ndarray:
    """(n_tap, 1, 4) Gaussians of FWHM from low to high, in equal ratios, whose squares sum to 1."""
    sigma = np.geomspace(low_pixels, high_pixels, N_KERNEL) / _FWHM_PER_SIGMA
    reach = max(1, math.ceil(3.5 * sigma[-1]))
    kernels = np.exp(-0.5 * (np.arange(-reach, reach + 1)[:, None] / sigma) ** 2)
    return (kernels / np.sqrt(np.sum(kernels**2, axis=0)))[:, None, :].astype(np.float32)


def smoothed(normal, kernels, which):
    """Standard normal numbers, correlated along the spectrum, (n, n_pixel).

    Parameters
    ----------
    normal : (n, n_pixel + n_tap - 1) independent ones.
    kernels : (n_tap, 1, n_kernel) of `smoothing_kernels`.
    which : (n, 1) index of the kernel of each spectrum, whole numbers.
    """
    every = ops.conv(ops.expand_dims(normal, -1), kernels, strides=1, padding="valid", data_format="channels_last")
    chosen = ops.cast(ops.arange(kernels.shape[-1], dtype="float32") == which, "float32")
    return ops.sum(every * ops.expand_dims(chosen, 1), axis=-1)


def ripples(n_pixel: int, pixels, phase):
    """(n, n_pixel) sums of sinusoids of these periods in pixels and phases in turns, (n, n_wave) each; of rms 1."""
    x = ops.reshape(ops.arange(n_pixel, dtype="float32"), (1, n_pixel))
    n_wave = pixels.shape[-1]
    total = ops.zeros_like(pixels[:, :1])
    for k in range(n_wave):
        total = total + ops.sin(2.0 * math.pi * (x / pixels[:, k : k + 1] + phase[:, k : k + 1]))
    return total * math.sqrt(2.0 / n_wave)


def moved_rows(rows: np.ndarray, row, shift):
    """(n, n_pixel) rows (n_row, n_pixel) by number, moved to the red by whole pixels, mirrored at their ends.

    Parameters
    ----------
    row, shift : (n, 1) whole numbers.
    """
    n_row, n_pixel = rows.shape
    pixel = ops.reshape(ops.arange(n_pixel, dtype="float32"), (1, n_pixel))
    place = ops.mod(pixel - shift, 2.0 * n_pixel)
    place = ops.minimum(place, 2.0 * n_pixel - 1.0 - place)
    row = ops.clip(row, 0.0, n_row - 1.0)  # a random number of single precision may round up to its upper limit
    return ops.take(rows.ravel(), ops.cast(row, "int32") * n_pixel + ops.cast(place, "int32"))


def line_profiles(n_pixel: int, place, pixels, height):
    """(n, n_pixel) sums of Gaussians of (n, n_line) places from 0 to 1 along the spectrum, FWHMs in pixels, heights."""
    x = ops.reshape(ops.arange(n_pixel, dtype="float32"), (1, n_pixel))
    total = ops.zeros_like(place[:, :1])
    for k in range(place.shape[-1]):
        offset = (x - place[:, k : k + 1] * (n_pixel - 1.0)) * (_FWHM_PER_SIGMA / pixels[:, k : k + 1])
        total = total + height[:, k : k + 1] * ops.exp(-0.5 * offset * offset)
    return total


def mean_level(flux, good):
    """(n, 1) mean absolute flux of the pixels in use, above 0."""
    level = _sum(ops.abs(ops.where(good, flux, ops.zeros_like(flux)))) / ops.maximum(_count(good), 1.0)
    return ops.maximum(level, _TINY)


def in_runs(n_pixel: int, middle, length, count):
    """(n, n_pixel) bool: pixels in runs.

    Parameters
    ----------
    middle : (n, most) places of the runs: 0 has only the first pixel in it, 1 only the last.
    length : (n, most) pixels in each, whole numbers.
    count : (n, 1) how many of the runs there are.
    """
    pixel = ops.reshape(ops.arange(n_pixel, dtype="float32"), (1, n_pixel))
    start = ops.round(middle * (n_pixel + length - 2.0)) - (length - 1.0)
    hit = ops.zeros_like(pixel) > 0.0
    for k in range(middle.shape[-1]):
        first = ops.where(count > k, start[:, k : k + 1], ops.full_like(count, n_pixel))
        hit = ops.logical_or(hit, ops.logical_and(pixel >= first, pixel < first + length[:, k : k + 1]))
    return hit


def outside_window(n_pixel: int, place, length):
    """(n, n_pixel) bool: pixels outside of one window.

    Parameters
    ----------
    place : (n, 1) 0 for a window at the blue end, 1 for one at the red end.
    length : (n, 1) pixels in it, whole numbers.
    """
    pixel = ops.reshape(ops.arange(n_pixel, dtype="float32"), (1, n_pixel))
    start = ops.round(place * (n_pixel - length))
    return ops.logical_or(pixel < start, pixel >= start + length)


def polynomials(n_pixel: int, order: int, amplitude: float) -> np.ndarray:
    """(order, n_pixel) Chebyshev polynomials of order 1 ... order along the spectrum.

    Scaled so that their sum with standard normal coefficients has this rms. Order 0 is left out: a constant factor is
    the distance, and that never matters.
    """
    x = np.linspace(-1.0, 1.0, n_pixel)
    basis = np.polynomial.chebyshev.chebvander(x, order)[:, 1:].T
    rms = np.sqrt(np.mean(basis**2, axis=1, keepdims=True))
    return (basis * (amplitude / np.sqrt(order) / rms)).astype(np.float32)


def _sum(values):
    """(n, 1) over pixels."""
    return ops.sum(values, axis=-1, keepdims=True)


def _count(where):
    return _sum(ops.cast(where, "float32"))
