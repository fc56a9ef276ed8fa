"""Monotonic rational-quadratic splines (Durkan et al. 2019, NeurIPS 32, "Neural Spline Flows", section 3.1).

Between knots on [-B, B]; the identity outside. Forward and inverse are exact.
"""

from __future__ import annotations

import math

from keras import ops

BOUND = 6.0  # B, in standard deviations
_LEAST = 1e-3  # width and height of a bin, over the whole; slope at a knot


def n_parameters(bins: int) -> int:
    """Numbers that shape one spline: widths, heights, slopes at inner knots."""
    return 3 * bins - 1


def spline(values, parameters, bins: int, inverse: bool = False):
    """Values through their splines.

    Parameters
    ----------
    values : (n, d)
    parameters : (n, d, 3 bins - 1), any numbers; all 0 is the identity.
    bins : of each spline.
    inverse : the other way.

    Returns
    -------
    (n, d) values, and (n, d) the logarithm of the derivative of this way.
    """
    knots_x = _knots(parameters[..., :bins], bins)
    knots_y = _knots(parameters[..., bins : 2 * bins], bins)
    offset = math.log(math.expm1(1.0 - _LEAST))  # slope 1 for 0
    inner = ops.softplus(parameters[..., 2 * bins :] + offset) + _LEAST
    one = ops.ones_like(inner[..., :1])
    slopes = ops.concatenate([one, inner, one], axis=-1)
    inside = ops.abs(values) < BOUND
    clipped = ops.clip(values, -BOUND, BOUND)
    own = knots_y if inverse else knots_x
    place = ops.sum(ops.cast(clipped[..., None] >= own[..., 1:-1], "int32"), axis=-1)
    chosen = ops.one_hot(place, bins, dtype="float32")

    def of_bin(array):
        return ops.sum(array * chosen, axis=-1)

    x0, y0 = of_bin(knots_x[..., :-1]), of_bin(knots_y[..., :-1])
    width, height = of_bin(knots_x[..., 1:] - knots_x[..., :-1]), of_bin(knots_y[..., 1:] - knots_y[..., :-1])
    d0, d1, s = of_bin(slopes[..., :-1]), of_bin(slopes[..., 1:]), height / width
    if inverse:
        rise = clipped - y0
        a = height * (s - d0) + rise * (d1 + d0 - 2.0 * s)
        b = height * d0 - rise * (d1 + d0 - 2.0 * s)
        c = -s * rise
        t = 2.0 * c / (-b - ops.sqrt(ops.maximum(b * b - 4.0 * a * c, 0.0)))
    else:
        t = (clipped - x0) / width
    t = ops.clip(t, 0.0, 1.0)
    below = s + (d1 + d0 - 2.0 * s) * t * (1.0 - t)
    log_slope = 2.0 * ops.log(s) - 2.0 * ops.log(below)
    log_slope = log_slope + ops.log(d1 * t**2 + 2.0 * s * t * (1.0 - t) + d0 * (1.0 - t) ** 2)
    moved = x0 + width * t if inverse else y0 + height * (s * t**2 + d0 * t * (1.0 - t)) / below
    log_slope = -log_slope if inverse else log_slope
    return ops.where(inside, moved, values), ops.where(inside, log_slope, 0.0)


def _knots(parameters, bins: int):
    """(n, d, bins + 1) from -B to B."""
    share = ops.softmax(parameters, axis=-1) * (1.0 - bins * _LEAST) + _LEAST
    upper = 2.0 * BOUND * ops.cumsum(share, axis=-1) - BOUND
    end = ops.full_like(upper[..., :1], BOUND)
    return ops.concatenate([-end, upper[..., :-1], end], axis=-1)
