"""Output grids: flux-conserving rebinning, and Gaussian broadening integrated over output pixels.

Native pixels are piecewise constant between the midpoints of their centres. Rebinning is the overlap integral

    out_k = 1/W_k  sum_j  f_j |native_j n output_k|,      W_k = E_{k+1} - E_k,

and broadening replaces the box of pixel j (width D_j) by the box convolved with a Gaussian of variance
max(sigma_j^2 - D_j^2/12, 0), whose cumulative distribution is known in closed form. The box's own variance is
D_j^2/12, so the total variance is sigma_j^2 as asked (for sigma_j > 0.29 D_j), without counting the pixel's
averaging twice; at sigma_j = 0 the result is the exact rebinning, continuously. Every pixel spreads by its
own sigma, so flux is conserved exactly whatever sigma does along the spectrum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

from sfhsim import elementary
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.pixels import pixel_edges

N_SIGMA = 6.0  # as in kernels/broadening.py


def rebin(wave_aa: np.ndarray, flux: np.ndarray, out_edges_aa: np.ndarray) -> np.ndarray:
    """Mean flux density in output pixels, conserving flux.

    Parameters
    ----------
    wave_aa : (m,) native pixel centres.
    flux : (n, m) or (m,) flux density.
    out_edges_aa : (n_out + 1,), or (n, n_out + 1) for a grid per spectrum.

    Returns
    -------
    (n, n_out) or (n_out,), of the dtype of ``flux`` (float32 or float64).

    Raises
    ------
    CoverageError
        Output pixels outside the native ones (the missing range is named), or edges that do not increase.
    """
    from sfhsim.kernels.resampling import rebin_batch

    native, spectra, edges = _checked(wave_aa, flux, out_edges_aa)
    _check_coverage(native, edges, "rebin")
    out = np.empty((spectra.shape[0], edges.shape[1] - 1), dtype=spectra.dtype)
    rebin_batch(native, spectra, edges, out)
    return out[0] if np.ndim(flux) == 1 else out


def rebin_operator(wave_aa: np.ndarray, out_edges_aa: np.ndarray) -> sparse.csr_array:
    """The matrix (n_out, m) of `rebin` for one output grid: ``rebin(w, f, e) == (operator @ f.T).T``."""
    from scipy import sparse  # 0.15 s to import

    native, _, edges = _checked(wave_aa, np.zeros(np.size(wave_aa)), out_edges_aa)
    _check_coverage(native, edges, "rebin")
    edges = edges[0]
    inside = native[(native > edges[0]) & (native < edges[-1])]
    pieces = np.union1d(inside, edges)
    middle = 0.5 * (pieces[1:] + pieces[:-1])
    row = np.searchsorted(edges, middle) - 1
    column = np.clip(np.searchsorted(native, middle) - 1, 0, native.size - 2)
    value = np.diff(pieces) / np.diff(edges)[row]
    return sparse.csr_array((value, (row, column)), shape=(edges.size - 1, native.size - 1))


def broaden_operator(
    wave_aa: np.ndarray, sigma_aa: np.ndarray, out_edges_aa: np.ndarray, preserve: str = "flux"
) -> sparse.csr_array:
    """The matrix (n_out, m) that broadens by a Gaussian and integrates over the pixels of one output grid.

    Parameters
    ----------
    wave_aa : (m,) native pixel centres.
    sigma_aa : (m,) or scalar, Gaussian sigma of each native pixel, in the same frame.
    out_edges_aa : (n_out + 1,)
    preserve : {"flux", "continuum"}
        "flux": every pixel's flux is conserved exactly; where sigma jumps along the spectrum a flat continuum
        then shows a ripple of up to ~0.24 delta(sigma)/sigma. "continuum": output pixels are divided by the
        response to a spectrum of ones, which removes the ripple; use it over joins of a template's
        resolution.

    Raises
    ------
    CoverageError
        The output grid, with 6 sigma on either side, reaches outside the native pixels.
    """
    from scipy import sparse  # 0.15 s to import

    native, _, edges, sigma = _checked_broadening(wave_aa, np.zeros(np.size(wave_aa)), sigma_aa, out_edges_aa)
    edges, sigma = edges[0], sigma[0]
    width, centre = np.diff(native), 0.5 * (native[1:] + native[:-1])
    spread = np.sqrt(np.maximum(sigma**2 - width**2 / 12.0, 0.0))
    reach = N_SIGMA * spread + 0.5 * width
    n_out = edges.size - 1
    first = np.clip(np.searchsorted(edges, centre - reach, side="right") - 1, 0, n_out)
    last = np.clip(np.searchsorted(edges, centre + reach, side="left"), 0, n_out)
    count = np.maximum(last - first, 0)
    column = np.repeat(np.arange(centre.size), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - first, count)
    pixel = (centre[column], width[column], spread[column])
    value = width[column] * (box_gauss_cdf(edges[row + 1], *pixel) - box_gauss_cdf(edges[row], *pixel))
    value /= np.diff(edges)[row]
    operator = sparse.csr_array((value, (row, column)), shape=(n_out, centre.size))
    if preserve == "continuum":
        response = operator.sum(axis=1)
        operator = sparse.csr_array(sparse.diags_array(1.0 / response) @ operator)
    elif preserve != "flux":
        raise RecipeError(f"preserve must be 'flux' or 'continuum', got {preserve!r}")
    return operator


def box_gauss_cdf(edge, centre, width, sigma) -> np.ndarray:
    """Cumulative distribution at ``edge`` of a box (centre, width) convolved with a Gaussian.

    [H(x + width/2) - H(x - width/2)] / width, H(x) = x Phi(x/sigma) + sigma phi(x/sigma); cut to 0 and 1
    beyond ``N_SIGMA`` so that what lies inside the cut holds all of the flux.
    """
    x = edge - centre
    smooth = sigma > 1e-6 * width
    scale = np.where(smooth, sigma, 1.0)

    def ramp(offset):
        u = offset / scale
        return scale * (u * elementary.normal_cdf(u) + elementary.exp(-0.5 * u * u) / np.sqrt(2.0 * np.pi))

    gauss = (ramp(x + 0.5 * width) - ramp(x - 0.5 * width)) / width
    box = np.clip(x / width + 0.5, 0.0, 1.0)
    reach = N_SIGMA * sigma + 0.5 * width
    value = np.where(smooth, gauss, box)
    return np.where(x <= -reach, 0.0, np.where(x >= reach, 1.0, value))


def broaden_and_rebin(
    wave_aa: np.ndarray,
    flux: np.ndarray,
    sigma_aa: np.ndarray,
    out_edges_aa: np.ndarray,
    preserve: str = "flux",
) -> np.ndarray:
    """`broaden_operator` applied to a batch in which every spectrum has its own sigma and output grid.

    Parameters
    ----------
    wave_aa : (m,) native pixel centres.
    flux : (n, m) flux density, float32 or float64.
    sigma_aa : (n, m) or (m,)
    out_edges_aa : (n, n_out + 1) or (n_out + 1,)
    preserve : {"flux", "continuum"}
        See `broaden_operator`.

    Returns
    -------
    (n, n_out) of the dtype of ``flux``; the same for any number of threads.

    Raises
    ------
    CoverageError
        As `broaden_operator`.
    """
    from sfhsim.kernels.broadening import broaden_batch

    if preserve not in ("flux", "continuum"):
        raise RecipeError(f"preserve must be 'flux' or 'continuum', got {preserve!r}")
    native, spectra, edges, sigma = _checked_broadening(wave_aa, flux, sigma_aa, out_edges_aa)
    out = np.empty((spectra.shape[0], edges.shape[1] - 1), dtype=spectra.dtype)
    broaden_batch(native, spectra, sigma, edges, preserve == "continuum", out)
    return out[0] if np.ndim(flux) == 1 else out


def _checked(wave_aa, flux, out_edges_aa):
    """Native edges (m + 1,), flux (n, m) and output edges (n or 1, n_out + 1), contiguous."""
    native = pixel_edges(wave_aa)
    flux = np.asarray(flux)
    dtype = np.float32 if flux.dtype == np.float32 else np.float64
    spectra = np.ascontiguousarray(np.atleast_2d(flux), dtype=dtype)
    edges = np.ascontiguousarray(np.atleast_2d(out_edges_aa), dtype=np.float64)
    if spectra.ndim != 2 or spectra.shape[1] != native.size - 1:
        raise CoverageError(f"flux has shape {flux.shape}, the wavelength grid {native.size - 1} pixels")
    if edges.ndim != 2 or edges.shape[0] not in (1, spectra.shape[0]) or edges.shape[1] < 2:
        raise CoverageError(f"output edges have shape {edges.shape}, need (n_out + 1,) or (n, n_out + 1)")
    if not (np.diff(edges, axis=1) > 0.0).all():
        raise CoverageError("output pixel edges must be finite and increase")
    return native, spectra, edges


def _checked_broadening(wave_aa, flux, sigma_aa, out_edges_aa):
    native, spectra, edges = _checked(wave_aa, flux, out_edges_aa)
    m = native.size - 1
    sigma = np.asarray(sigma_aa, dtype=np.float64)
    sigma = np.full((1, m), sigma) if sigma.ndim == 0 else np.ascontiguousarray(np.atleast_2d(sigma))
    if sigma.ndim != 2 or sigma.shape[0] not in (1, spectra.shape[0]) or sigma.shape[1] != m:
        raise CoverageError(f"sigma_aa has shape {np.shape(sigma_aa)}, need ({m},) or (n, {m})")
    if not (sigma >= 0.0).all() or not np.isfinite(sigma).all():
        raise CoverageError("sigma_aa must be finite and >= 0")
    # The light that broadening brings into the end pixels from outside must be there too. Only the widths
    # near each end matter: those of the native pixels at the output edges.
    low = np.clip(np.searchsorted(native, edges[:, 0]) - 1, 0, m - 1)
    high = np.clip(np.searchsorted(native, edges[:, -1]) - 1, 0, m - 1)
    galaxy = np.arange(max(sigma.shape[0], edges.shape[0])) if sigma.shape[0] > 1 else 0
    margin = N_SIGMA * np.stack([sigma[galaxy, low], sigma[galaxy, high]], axis=-1)
    _check_coverage(native, np.stack([edges[:, 0] - margin[..., 0], edges[:, -1] + margin[..., 1]], -1), "broaden")
    return native, spectra, edges, sigma


def _check_coverage(native, edges, action):
    low, high = edges[:, 0].min(), edges[:, -1].max()
    slack = 1e-9 * native[-1]
    missing = []
    if low < native[0] - slack:
        missing.append(f"{low:.2f}-{min(native[0], high):.2f} A")
    if high > native[-1] + slack:
        missing.append(f"{max(native[-1], low):.2f}-{high:.2f} A")
    if missing:
        raise CoverageError(
            f"cannot {action}: needs {low:.2f}-{high:.2f} A but the spectrum covers "
            f"{native[0]:.2f}-{native[-1]:.2f} A; missing {' and '.join(missing)}"
        )
