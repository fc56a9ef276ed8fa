"""Compact bins of about one signal to noise: halves of halves.

A set of spaxels is cut in two, across the axis in which it is longer, where the poorer half is best off; and so on with
the halves, as long as both reach the target. So every bin has the target, at most about 1.4 times as much, unless all
spaxels together do not have it. With the signal s and the noise n of spaxels,

    S/N = sum s / sqrt(sum n^2) / (1 + f log10 N)

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
        place = _place(order, s, variance, covariance)
        if place is not None and place[1] >= target:
            return [order[: place[0]], order[place[0] :]]
    return None


def _place(order, s, variance, covariance) -> tuple[int, float] | None:
    """Where to cut so that the poorer part is best, and the S/N of that."""
    n = np.arange(1, order.size)
    left_s, left_v = np.cumsum(s[order])[:-1], np.cumsum(variance[order])[:-1]
    right_s, right_v = np.cumsum(s[order[::-1]])[-2::-1], np.cumsum(variance[order[::-1]])[-2::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        poorer = np.minimum(
            left_s / np.sqrt(left_v) / covariance(n), right_s / np.sqrt(right_v) / covariance(order.size - n)
        )
    if not np.isfinite(poorer).any():
        return None
    best = int(np.nanargmax(poorer))
    return best + 1, float(poorer[best])
