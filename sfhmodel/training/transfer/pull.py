"""The pull back to the start, L2-SP (Li, Grandvalet & Davoine 2018): a/2 sum (w - w_start)^2 over carried weights.

New weights are free; weights that cannot move are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from keras import ops


class Pull:
    """The penalty, as a function without arguments.

    Parameters
    ----------
    strength : a.
    variables : of the model, trainable.
    starts : arrays of their values at the start.
    masks : arrays of 1 where a weight was carried and else 0, or None for all.
    """

    def __init__(self, strength: float, variables: Sequence, starts: Sequence[np.ndarray], masks: Sequence):
        self.strength = strength
        self._terms = list(zip(variables, starts, masks, strict=True))

    def __call__(self):
        """Scalar tensor."""
        total = 0.0
        for variable, start, mask in self._terms:
            moved = ops.square(ops.convert_to_tensor(variable) - ops.convert_to_tensor(start))
            total = total + ops.sum(moved if mask is None else moved * ops.convert_to_tensor(mask))
        return 0.5 * self.strength * total
