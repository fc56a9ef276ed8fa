"""The point spread function as kernels, and its convolution plane by plane.

Moffat (1969): I ~ (1 + (r / alpha)^2)^-beta, FWHM = 2 alpha sqrt(2^(1/beta) - 1); or a Gaussian. Kernels are means over
pixels, cut at `REACH_FWHM` and 1 in sum: a convolution moves flux and makes none.
"""

from __future__ import annotations

import numpy as np

from sfhsim.constants import FWHM_PER_SIGMA
from sfhsim.cubes.model import PSF, SkyField

REACH_FWHM = 4.0
REFERENCE_WAVE_AA = 5500.0
_SUB = 5  # points per side of a pixel


def fwhm_arcsec(psf: PSF, wave_aa: np.ndarray | float) -> np.ndarray:
    """FWHM at observed wavelengths of any shape."""
    return psf.fwhm_arcsec * (np.asarray(wave_aa, dtype=np.float64) / REFERENCE_WAVE_AA) ** psf.wavelength_exponent


def reach_pixels(psf: PSF, field: SkyField, wave_aa: np.ndarray) -> int:
    """Half of the side of the kernels, in whole pixels beyond the middle; 0 without a PSF."""
    if psf.model == "none":
        return 0
    return int(np.ceil(REACH_FWHM * fwhm_arcsec(psf, wave_aa).max() / field.pixel_arcsec))


def kernels(psf: PSF, field: SkyField, wave_aa: np.ndarray, reach: int) -> np.ndarray:
    """(n, side, side) kernels at observed wavelengths (n,), side = 2 reach + 1."""
    offset = ((np.arange((reach + 1) * _SUB) + 0.5) / _SUB - 0.5) * field.pixel_arcsec
    squared = offset[:, None] ** 2 + offset[None, :] ** 2
    distance = np.abs(np.arange(-reach, reach + 1))
    outside = np.hypot(distance[:, None], distance) > reach
    out = np.empty((len(wave_aa), distance.size, distance.size))
    for kernel, fwhm in zip(out, fwhm_arcsec(psf, wave_aa), strict=True):
        # a quarter of it, with the middle row and column, for all
        quarter = _profile(psf, squared, fwhm).reshape(reach + 1, _SUB, reach + 1, _SUB).mean(axis=(1, 3))
        kernel[:] = quarter[distance[:, None], distance]
        kernel[outside] = 0.0
        kernel /= kernel.sum()
    return out


def _profile(psf: PSF, squared: np.ndarray, fwhm: float) -> np.ndarray:
    if psf.model == "gaussian":
        return np.exp(-0.5 * squared * (FWHM_PER_SIGMA / fwhm) ** 2)
    alpha = 0.5 * fwhm / np.sqrt(2.0 ** (1.0 / psf.beta) - 1.0)
    return (1.0 + squared / alpha**2) ** -psf.beta


def convolve(planes: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Planes (n, n_y + 2 reach, n_x + 2 reach) as seen through kernels (n or 1, side, side): (n, n_y, n_x)."""
    if kernel.shape[-1] == 1:
        return planes.astype(np.float64)
    import numba
    from scipy.fft import set_workers
    from scipy.signal import fftconvolve  # 0.3 s to import

    with set_workers(numba.get_num_threads()):
        return fftconvolve(planes.astype(np.float64), kernel, mode="valid", axes=(1, 2))


def add_points(planes: np.ndarray, kernel: np.ndarray, y: np.ndarray, x: np.ndarray, flux: np.ndarray) -> None:
    """Add point sources to planes, through kernels, in place.

    Parameters
    ----------
    planes : (n, n_y, n_x)
    kernel : (n, side, side)
    y, x : (k,) the pixels they are in.
    flux : (k, n)
    """
    reach = kernel.shape[-1] // 2
    for row, column, values in zip(y, x, flux, strict=True):
        (rows, of_rows), (columns, of_columns) = map(_overlap, (row, column), (reach, reach), planes.shape[1:])
        planes[:, rows, columns] += values[:, None, None] * kernel[:, of_rows, of_columns]


def _overlap(centre: int, reach: int, n: int) -> tuple[slice, slice]:
    """Along one axis of n pixels, those that a kernel reaches, and its own."""
    first, last = max(centre - reach, 0), min(centre + reach + 1, n)
    return slice(first, last), slice(first - centre + reach, last - centre + reach)
