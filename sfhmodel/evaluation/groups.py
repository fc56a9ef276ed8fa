"""Galaxies in groups of equal number along a quantity, so that errors can be seen to depend on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Group:
    """Galaxies with ``low`` <= value <= ``high``: their median value and their rows (m,)."""

    low: float
    high: float
    median: float
    rows: np.ndarray


def equal_groups(values: np.ndarray, n_group: int = 5, smallest: int = 10) -> list[Group]:
    """Groups of as nearly equal number as ties allow, lowest values first.

    Parameters
    ----------
    values : (n,) the quantity; galaxies where it is NaN are in no group.
    n_group : how many at most.
    smallest : galaxies that a group should have at least; fewer groups are made of few galaxies.

    Returns
    -------
    One group where all values are the same; none where all are NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return []
    n_group = max(1, min(n_group, known.size // smallest))
    in_order = known[np.argsort(values[known], kind="stable")]
    # galaxies of one value stay together
    cuts = np.searchsorted(values[in_order], values[in_order[np.arange(1, n_group) * known.size // n_group]])
    parts = np.split(in_order, np.unique(cuts[cuts > 0]))
    return [
        Group(float(values[p[0]]), float(values[p[-1]]), float(values[p[(len(p) - 1) // 2]]), np.sort(p)) for p in parts
    ]
