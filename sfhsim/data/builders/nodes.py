"""Where to put the nodes of a piecewise-linear curve: greedily, where the straight line errs most.

Used by the build scripts of the nebular continua. The nodes are shared by all spectra of a table, and an
interval is split at its worst point until every spectrum is within its relative tolerance.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def choose_nodes(wave_aa: np.ndarray, spectra: np.ndarray, tolerance: np.ndarray | float) -> np.ndarray:
    """Indices of the samples to keep as nodes.

    Parameters
    ----------
    wave_aa : (n,) strictly increasing.
    spectra : (m, n) positive.
    tolerance : scalar or (n,)
        Largest relative deviation allowed at each sample.

    Returns
    -------
    (n_nodes,) increasing indices, the first and the last sample among them.
    """
    error_allowed = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), wave_aa.shape)
    kept = np.zeros(wave_aa.size, dtype=bool)
    kept[[0, -1]] = True
    while True:
        nodes = np.flatnonzero(kept)
        excess = (relative_error(wave_aa, spectra, nodes) / error_allowed).max(axis=0)
        if not (excess > 1.0).any():
            return nodes
        for first, last in pairwise(nodes):
            if last - first > 1:
                worst = first + 1 + np.argmax(excess[first + 1 : last])
                kept[worst] = excess[worst] > 1.0


def relative_error(wave_aa: np.ndarray, spectra: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """|straight lines between nodes / spectrum - 1|, (m, n)."""
    left = np.clip(np.searchsorted(nodes, np.arange(wave_aa.size), side="right") - 1, 0, nodes.size - 2)
    a, b = nodes[left], nodes[left + 1]
    fraction = (wave_aa - wave_aa[a]) / (wave_aa[b] - wave_aa[a])
    return np.abs(((1.0 - fraction) * spectra[:, a] + fraction * spectra[:, b]) / spectra - 1.0)
