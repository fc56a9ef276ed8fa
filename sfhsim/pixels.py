"""Pixels of a spectrum: constant between the midpoints of their centres, rebinned so that flux is conserved.

L_out,j = 1/(e_j+1 - e_j) Int_{e_j}^{e_j+1} L(lambda) dlambda,   e = midpoints of the new centres
"""

from __future__ import annotations

import numpy as np

from sfhsim.errors import CoverageError


def pixel_edges(wave_aa: np.ndarray) -> np.ndarray:
    """Edges (n + 1,) of pixels with increasing centres (n,): midpoints; the end pixels are symmetric.

    Raises
    ------
    CoverageError
        When the centres are not one increasing array of at least two.
    """
    wave_aa = np.asarray(wave_aa, dtype=np.float64)
    if wave_aa.ndim != 1 or wave_aa.size < 2 or not (np.diff(wave_aa) > 0.0).all():
        raise CoverageError("pixel centres must be one increasing array of at least two wavelengths")
    middle = 0.5 * (wave_aa[1:] + wave_aa[:-1])
    return np.concatenate([[2.0 * wave_aa[0] - middle[0]], middle, [2.0 * wave_aa[-1] - middle[-1]]])


def rebin_padded(wave_aa: np.ndarray, flux: np.ndarray, new_edges_aa: np.ndarray) -> np.ndarray:
    """Mean flux density in new pixels, with zeros where there was no flux; `sfhsim.instrument.rebin` refuses that.

    Parameters
    ----------
    wave_aa : (n,) centres of the present pixels.
    flux : (..., n)
    new_edges_aa : (m + 1,) increasing. Outside the present pixels the flux counts as 0.

    Returns
    -------
    (..., m) float64

    Raises
    ------
    CoverageError
        As `pixel_edges`.
    """
    edges = pixel_edges(wave_aa)
    inside = np.clip(new_edges_aa, edges[0], edges[-1])
    pixel = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, wave_aa.size - 1)
    flux = np.asarray(flux, dtype=np.float64)
    cumulative = np.zeros((*flux.shape[:-1], flux.shape[-1] + 1))
    np.cumsum(flux * np.diff(edges), axis=-1, out=cumulative[..., 1:])
    at_edges = cumulative[..., pixel] + flux[..., pixel] * (inside - edges[pixel])
    return np.diff(at_edges, axis=-1) / np.diff(new_edges_aa)
