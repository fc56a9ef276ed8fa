"""Emission lines integrated over pixels: the validating face of ``sfhsim.kernels.lines``.

Mean flux density of a line of luminosity L in the pixel between edges a and b: L [Phi((b - lambda_0)/s) -
Phi((a - lambda_0)/s)] / (b - a), with Phi the normal distribution function. Summed over the pixels (times
their widths) it is L, whether s is a hundredth of a pixel or fifty.
"""

from __future__ import annotations

import numpy as np

from sfhsim.elementary import normal_cdf

_REACH_SIGMA = 8.5  # as in sfhsim.kernels.lines: the pixels beyond hold 2e-17 of the light


def add_lines(
    flux: np.ndarray,
    pixel_edges_aa: np.ndarray,
    line_wave_aa: np.ndarray,
    line_sigma_aa: np.ndarray,
    line_luminosity: np.ndarray,
) -> np.ndarray:
    """Add Gaussian lines to spectra, in place.

    Parameters
    ----------
    flux : (n, n_pixels) float32 or float64, C-contiguous
        Mean flux density of each pixel, [luminosity unit]/Angstrom; changed.
    pixel_edges_aa : (n_pixels + 1,) or (n, n_pixels + 1) increasing, same frame and medium as ``line_wave_aa``.
    line_wave_aa : (n_lines,)
    line_sigma_aa : (n_lines,) or (n, n_lines)
        Gaussian dispersions, >= 0; 0 puts the whole line in one pixel.
    line_luminosity : (n, n_lines) finite.

    Returns
    -------
    ``flux`` itself.

    Raises
    ------
    ValueError
        If a shape does not fit, edges do not increase, or a width is negative or not finite.
    """
    from sfhsim.kernels import lines

    edges_aa, wave_aa, sigma_aa = _check_lines(pixel_edges_aa, line_wave_aa, line_sigma_aa)
    luminosity = np.ascontiguousarray(line_luminosity, dtype=np.float64)
    if not isinstance(flux, np.ndarray) or flux.ndim != 2 or flux.shape[1] != edges_aa.shape[1] - 1:
        raise ValueError(f"flux must be (n, {edges_aa.shape[1] - 1}) for these pixel edges, not {np.shape(flux)}")
    if flux.dtype not in (np.float32, np.float64) or not flux.flags.c_contiguous:
        raise ValueError("flux must be a C-contiguous float32 or float64 array, because it is changed in place")
    if luminosity.shape != (flux.shape[0], wave_aa.size):
        raise ValueError(
            f"line_luminosity must be (n, n_lines) = {(flux.shape[0], wave_aa.size)}, not {luminosity.shape}"
        )
    if not np.isfinite(luminosity).all():
        galaxy, line = np.argwhere(~np.isfinite(luminosity))[0]
        raise ValueError(f"line_luminosity is not finite for galaxy {galaxy}, line at {wave_aa[line]:.2f} A")
    if edges_aa.shape[0] not in (1, flux.shape[0]):
        raise ValueError(f"pixel_edges_aa has {edges_aa.shape[0]} rows for {flux.shape[0]} galaxies")
    if sigma_aa.shape[0] not in (1, flux.shape[0]):
        raise ValueError(f"line_sigma_aa has {sigma_aa.shape[0]} rows for {flux.shape[0]} galaxies")
    lines.add_lines(flux, edges_aa, wave_aa, sigma_aa, luminosity, lines.normal_table())
    return flux


def line_pixel_matrix(pixel_edges_aa: np.ndarray, line_wave_aa: np.ndarray, line_sigma_aa: np.ndarray) -> np.ndarray:
    """Profiles of unit luminosity: ``line_luminosity @ matrix`` is the flux density per pixel.

    Parameters
    ----------
    pixel_edges_aa : (n_pixels + 1,) increasing.
    line_wave_aa, line_sigma_aa : (n_lines,)

    Returns
    -------
    (n_lines, n_pixels) float64, 1/Angstrom; a row times the pixel widths sums to the part of the line on
        the grid.

    Raises
    ------
    ValueError
        As ``add_lines``.
    """
    edges_aa, wave_aa, sigma_aa = _check_lines(pixel_edges_aa, line_wave_aa, line_sigma_aa)
    if sigma_aa.shape[0] != 1 or edges_aa.shape[0] != 1:
        raise ValueError("line_pixel_matrix takes one grid and one width per line, (n_lines,)")
    sharp = np.flatnonzero(sigma_aa[0] == 0.0)
    x = (edges_aa - wave_aa[:, None]) / np.where(sigma_aa[0] > 0.0, sigma_aa[0], 1.0)[:, None]
    share = np.diff(normal_cdf(x), axis=1)
    share[(x[:, 1:] < -_REACH_SIGMA) | (x[:, :-1] > _REACH_SIGMA)] = 0.0
    share[sharp] = 0.0
    pixel = np.searchsorted(edges_aa[0], wave_aa[sharp], side="right") - 1  # an edge belongs to the pixel on its right
    held = (pixel >= 0) & (pixel < share.shape[1])
    share[sharp[held], pixel[held]] = 1.0
    return share / np.diff(edges_aa[0])


def _check_lines(pixel_edges_aa, line_wave_aa, line_sigma_aa):
    edges_aa = np.ascontiguousarray(np.atleast_2d(pixel_edges_aa), dtype=np.float64)
    wave_aa = np.ascontiguousarray(line_wave_aa, dtype=np.float64)
    sigma_aa = np.ascontiguousarray(np.atleast_2d(np.asarray(line_sigma_aa, dtype=np.float64)))
    if edges_aa.ndim != 2 or edges_aa.shape[1] < 2 or not np.all(np.diff(edges_aa, axis=1) > 0):
        raise ValueError("pixel_edges_aa must be at least two, in one row or one a galaxy, and increase strictly")
    if wave_aa.ndim != 1 or not np.isfinite(wave_aa).all():
        raise ValueError("line_wave_aa must be (n_lines,) and finite")
    if sigma_aa.ndim != 2 or sigma_aa.shape[1] != wave_aa.size:
        raise ValueError(
            f"line_sigma_aa must be (n_lines,) or (n, n_lines), n_lines = {wave_aa.size}, not {np.shape(line_sigma_aa)}"
        )
    if not np.isfinite(sigma_aa).all() or (sigma_aa < 0).any():
        line = np.argwhere(~(np.isfinite(sigma_aa) & (sigma_aa >= 0)))[0][-1]
        raise ValueError(f"line_sigma_aa of the line at {wave_aa[line]:.2f} A is negative or not finite")
    return edges_aa, wave_aa, sigma_aa
