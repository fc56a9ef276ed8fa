"""A conditional normalising flow: couplings of splines between permutations, from coordinates to a standard normal.

A coupling leaves one half of the coordinates and moves each of the other half by a spline whose shape a perceptron
makes of the first half and the context (Dinh et al. 2017, ICLR, "Real NVP"; Durkan et al. 2019).
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import layers, ops

from sfhmodel.posterior.spline import n_parameters, spline


class PosteriorFlow(keras.Model):
    """The density of coordinates given a context.

    Parameters
    ----------
    n_coordinate, n_context : sizes.
    couplings : their number.
    hidden : units of each of the two hidden layers of a perceptron.
    bins : of the splines.
    seed : of weights and permutations.

    Call arguments
    --------------
    inputs : {"points": (n, n_coordinate), "context": (n, n_context)}, both of about unit size.

    Returns
    -------
    (n, 1) natural logarithm of the density of the points.
    """

    def __init__(
        self, n_coordinate: int, n_context: int, couplings: int = 6, hidden: int = 128, bins: int = 8, seed: int = 0
    ):
        super().__init__(dtype="float32")
        self.n_coordinate, self.n_context, self.bins = n_coordinate, n_context, bins
        self._kept = n_coordinate // 2
        random = np.random.default_rng([seed, 5])
        self._orders = [random.permutation(n_coordinate) for _ in range(couplings)]
        moved = n_coordinate - self._kept
        self._perceptrons = [
            keras.Sequential(
                [
                    _dense(hidden, seed, 2 * k),
                    _dense(hidden, seed, 2 * k + 1),
                    layers.Dense(moved * n_parameters(bins), kernel_initializer="zeros"),
                ],
                name=f"coupling_{k}",
            )
            for k in range(couplings)
        ]
        for perceptron in self._perceptrons:
            perceptron.build((None, self._kept + n_context))
        self.built = True

    def call(self, inputs: dict, training: bool | None = None):
        normal, log_slope = self.to_normal(inputs["points"], inputs["context"])
        log_base = -0.5 * ops.sum(normal**2, axis=-1) - 0.5 * self.n_coordinate * math.log(2.0 * math.pi)
        return ops.expand_dims(log_base + log_slope, -1)

    def to_normal(self, points, context):
        """(n, n_coordinate) normal deviates of points, and (n,) the log determinant of that way."""
        total = ops.zeros_like(points[:, 0])
        for order, perceptron in zip(self._orders, self._perceptrons, strict=True):
            points = ops.take(points, order, axis=1)
            points, log_slope = self._coupled(points, context, perceptron, inverse=False)
            total = total + log_slope
        return points, total

    def from_normal(self, normal, context):
        """Points (n, n_coordinate) of normal deviates, the inverse of `to_normal`."""
        for order, perceptron in zip(reversed(self._orders), reversed(self._perceptrons), strict=True):
            normal, _ = self._coupled(normal, context, perceptron, inverse=True)
            normal = ops.take(normal, np.argsort(order), axis=1)
        return normal

    def _coupled(self, values, context, perceptron, inverse: bool):
        kept, moved = values[:, : self._kept], values[:, self._kept :]
        shape = (-1, self.n_coordinate - self._kept, n_parameters(self.bins))
        parameters = ops.reshape(perceptron(ops.concatenate([kept, context], axis=-1)), shape)
        moved, log_slope = spline(moved, parameters, self.bins, inverse)
        return ops.concatenate([kept, moved], axis=-1), ops.sum(log_slope, axis=-1)


def _dense(units: int, seed: int, k: int):
    """The k-th hidden layer; its weights follow from the seeds alone, and nobody else's random numbers change."""
    initial = keras.initializers.GlorotUniform(int(np.random.SeedSequence([seed, k]).generate_state(1)[0]))
    return layers.Dense(units, activation="gelu", kernel_initializer=initial)
