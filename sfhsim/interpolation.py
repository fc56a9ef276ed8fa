"""Where a value lies on the axis of a table: the one piece of arithmetic that all tables share."""

from __future__ import annotations

import numpy as np


def bracket(grid: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower node and fraction of each ``value`` (n,) on the increasing ``grid``, clipped to its ends.

    The interpolated table is ``(1 - fraction) * table[index] + fraction * table[index + 1]``.
    """
    position = np.interp(value, grid, np.arange(grid.size))
    index = np.minimum(position.astype(int), grid.size - 2)
    return index, position - index
