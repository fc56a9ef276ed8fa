"""Compact bins of about one signal to noise: halves of halves.

A set of spaxels is cut in two, across the axis in which it is longer, and so on with its parts, as long as both reach
the target: one that could hold n bins, n = (S/N)^2 / target^2, into parts for n / 2 of them, rounded. So every bin has
the target and not much more, unless all spaxels together do not have it. With the signal s and the noise e of spaxels,

    S/N = sum s / sqrt(sum e^2) / (1 + f log10 N)

where f is the factor of covariance. The cuts cost N log N: a million spaxels take seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_MOST_ELONGATED = 4.0  # of a bin that a cut across its shorter axis may leave


def adaptive_bins(
    signal: np.ndarray, noise: np.ndarray, usable: np.ndarray, target_snr: float, covariance: Callable
) -> np.ndarray:
    """(n_y, n_x) labels, -1 where not usable.

    Parameters
    ----------
    signal, noise : (n_y, n_x)
    usable : (n_y, n_x) bool.
    target_snr : per pixel of the cube.
    covariance : of numbers of spaxels, by how much the noise of their sum is larger.
    """
    labels = np.full(signal.shape, -1, dtype=np.int32)
    y, x = np.nonzero(usable)
    s, variance = signal[usable].astype(np.float64), np.square(noise[usable], dtype=np.float64)
    todo, n_bin = [np.arange(y.size)] if y.size else [], 0
    while todo:
        members = todo.pop()
        halves = _cut(members, x, y, s, variance, target_snr, covariance)
        if halves is None:
            labels[y[members], x[members]] = n_bin
            n_bin += 1
        else:
            todo += halves[::-1]
    return labels


def _cut(members, x, y, s, variance, target, covariance) -> list[np.ndarray] | None:
    """Two halves that both have the target, or None."""
    if members.size < 2:
        return None
    lengths = [np.ptp(axis[members]) + 1 for axis in (x, y)]
    axes = (x, y) if lengths[0] >= lengths[1] else (y, x)
    for number, (along, across) in enumerate((axes, axes[::-1])):
        if number == 1 and max(lengths) > _MOST_ELONGATED / 2.0 * min(lengths):
            return None
        order = members[np.lexsort((across[members], along[members]))]
        place = _place(order, s, variance, covariance, target)
        if place is not None and place[1] >= target:
            return [order[: place[0]], order[place[0] :]]
    return None


def _place(order, s, variance, covariance, target) -> tuple[int, float] | None:
    """Where to cut, and the S/N of the poorer part."""
    n = np.arange(1, order.size)
    all_s, all_v = np.cumsum(s[order]), np.cumsum(variance[order])
    with np.errstate(divide="ignore", invalid="ignore"):
        left = all_s[:-1] / np.sqrt(all_v[:-1]) / covariance(n)
        right = (all_s[-1] - all_s[:-1]) / np.sqrt(np.maximum(all_v[-1] - all_v[:-1], 0.0)) / covariance(order.size - n)
        whole = all_s[-1] / np.sqrt(all_v[-1]) / covariance(np.array([order.size]))[0]
        n_bin = max(int((whole / target) ** 2), 2)
        share = (n_bin // 2) / n_bin
        poorer = np.minimum(left / np.sqrt(share), right / np.sqrt(1.0 - share))
    if not np.isfinite(poorer).any():
        return None
    best = int(np.nanargmax(poorer))
    return best + 1, float(min(left[best], right[best]))
