"""Weights of simulated galaxies, so that they are as old, rich in metals, dusty and noisy as observed ones.

Observed galaxies are not drawn from the prior of the simulation. Aligned as they are, the network would lose what
makes them differ: their ages. So each simulated galaxy counts with

    w = prod_k r_k(bin of p_k),    1 / most <= w <= most (before they are scaled to a mean of 1)

p_k what the network predicts of it, and r_k found by iterative proportional fitting (Deming & Stephan 1940, Ann. Math.
Stat. 11, 427) such that the weighted histogram of every p_k is that of the predictions for the observed galaxies. What
the network gets wrong of observed galaxies goes into the weights, too: they make adaptation more cautious.
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

_ROUNDS = 30
_LEAST_SHARE = 0.02  # added to every bin, as a share of an even one: empty bins say little
_KERNEL = (0.25, 0.5, 0.25)  # that smooths ratios along bins


def raked(simulated: np.ndarray, observed: np.ndarray, bins: int, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (k, bins - 1) at equal shares of both samples, and log ratios (k, bins).

    Parameters
    ----------
    simulated, observed : (n, k) and (m, k) predictions.
    bins : of each quantity.
    most : largest weight, and one over the least.
    """
    at = np.arange(1, bins) / bins
    edges = 0.5 * (np.quantile(simulated, at, axis=0) + np.quantile(observed, at, axis=0)).T
    have, want = _places(simulated, edges), _places(observed, edges)
    wanted = np.stack([_shares(want[:, k], None, bins) for k in range(want.shape[1])])
    ratios = np.zeros(wanted.shape)
    for _ in range(_ROUNDS):
        for k, target in enumerate(wanted):
            weight = np.exp(bounded(_sum(ratios, have), most))
            ratios[k] += np.log(target / _shares(have[:, k], weight, bins))
    smooth = [np.convolve(np.pad(ratio, 1, mode="edge"), _KERNEL, mode="valid") for ratio in ratios]
    return edges, np.stack(smooth)


def bounded(log_weight: np.ndarray, most: float) -> np.ndarray:
    """Logarithms of weights within their limits."""
    return np.clip(log_weight, -math.log(most), math.log(most))


def effective_share(weight: np.ndarray) -> float:
    """(sum w)^2 / sum w^2 over the number of weights (n,): 1 where all are the same."""
    return float(weight.sum() ** 2 / (weight**2).sum() / weight.size)


class LabelWeights(keras.layers.Layer):
    """The weights as a layer, so that they are computed with the predictions of the moment, and kept in checkpoints.

    Parameters
    ----------
    n_quantity : k, of the predictions that are compared.
    bins, most : as of `raked`.

    Call arguments
    --------------
    predicted : (n, k)

    Returns
    -------
    (n,) weights of mean 1; no gradient goes through them. All 1 until `fit`.
    """

    def __init__(self, n_quantity: int, bins: int = 12, most: float = 4.0, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.bins, self.most = bins, most
        self.edges = self.add_weight(shape=(n_quantity, bins - 1), initializer="zeros", name="edges")
        self.ratios = self.add_weight(shape=(n_quantity, bins), initializer="zeros", name="ratios")
        self.built = True

    def fit(self, simulated: np.ndarray, observed: np.ndarray) -> float:
        """Set the weights by predictions (n, k) and (m, k); the effective share of the simulated galaxies."""
        edges, ratios = raked(simulated, observed, self.bins, self.most)
        self.edges.assign(edges)
        self.ratios.assign(ratios)
        return effective_share(np.exp(bounded(_sum(ratios, _places(simulated, edges)), self.most)))

    def call(self, predicted):
        predicted, total = ops.stop_gradient(predicted), 0.0
        for k in range(self.edges.shape[0]):
            place = ops.sum(ops.cast(predicted[:, k : k + 1] > self.edges[k][None, :], "int32"), axis=-1)
            total = total + ops.take(self.ratios[k], place)
        weight = ops.exp(ops.clip(total, -math.log(self.most), math.log(self.most)))
        return weight / ops.mean(weight)


def _places(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(n, k) bins."""
    return np.stack([np.searchsorted(edges[k], values[:, k], side="left") for k in range(len(edges))], axis=1)


def _sum(ratios: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n,) log weights of places (n, k)."""
    return sum((ratios[k][places[:, k]] for k in range(len(ratios))), np.zeros(len(places)))


def _shares(places: np.ndarray, weight: np.ndarray | None, bins: int) -> np.ndarray:
    """(bins,) share in each bin, none empty."""
    count = np.bincount(places, weight, minlength=bins).astype(np.float64)
    share = count / count.sum() + _LEAST_SHARE / bins
    return share / share.sum()
