"""Flux-conserving rebinning: pixels are constant between the midpoints of their centres.

L_out,j = 1/(e_j+1 - e_j) Int_{e_j}^{e_j+1} L(lambda) dlambda,   e = midpoints of the new centres
"""

from __future__ import annotations

import numpy as np


def pixel_edges_aa(wave_aa: np.ndarray) -> np.ndarray:
    """Edges (n + 1,) of pixels centred on ``wave_aa`` (n,): midpoints, and the outer ones symmetric."""
    wave_aa = np.asarray(wave_aa, dtype=np.float64)
    middle = 0.5 * (wave_aa[1:] + wave_aa[:-1])
    return np.concatenate([[2 * wave_aa[0] - middle[0]], middle, [2 * wave_aa[-1] - middle[-1]]])


def rebin(wave_aa: np.ndarray, flux: np.ndarray, new_edges_aa: np.ndarray) -> np.ndarray:
    """Mean flux density in new pixels.

    Parameters
    ----------
    wave_aa : (n,) centres of the present pixels.
    flux : (..., n)
    new_edges_aa : (m + 1,) increasing. Outside the present pixels the flux counts as 0.

    Returns
    -------
    (..., m) float64
    """
    edges = pixel_edges_aa(wave_aa)
    inside = np.clip(new_edges_aa, edges[0], edges[-1])
    pixel = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, wave_aa.size - 1)
    flux = np.asarray(flux, dtype=np.float64)
    cumulative = np.zeros((*flux.shape[:-1], flux.shape[-1] + 1))
    np.cumsum(flux * np.diff(edges), axis=-1, out=cumulative[..., 1:])
    at_edges = cumulative[..., pixel] + flux[..., pixel] * (inside - edges[pixel])
    return np.diff(at_edges, axis=-1) / np.diff(new_edges_aa)
