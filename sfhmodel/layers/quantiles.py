"""Quantiles that are ordered by construction, with their conformal corrections.

Correction (one-sided conformalised quantile regression; Romano, Patterson & Candes 2019): the quantile of level t is
moved by the t-quantile of (truth - prediction) over validation data, so that a share t of such data lies below it. It
is done for groups of data (Vovk 2012), here by noise, so that coverage holds in each and not only on average.
"""

from __future__ import annotations

import keras
from keras import ops

from sfhmodel.targets import one_sided, power10

_TOO_NOISY = 4.0  # times the noisiest data of the calibration


def _corrections(layer, groups):
    """(n or 1, k, l) corrections of a layer for groups (n, n_group) one-hot, or of its first group."""
    if groups is None:
        return layer.correction[:1]
    flat = ops.reshape(layer.correction, (layer.n_group, -1))
    return ops.reshape(ops.matmul(ops.cast(groups, "float32"), flat), (-1, *layer.correction.shape[1:]))


def _running_maximum(values, axis: int):
    """Largest value so far along the axis (1 or 2) of (n, k, l)."""
    length = values.shape[axis]
    seen = [values[:, 0] if axis == 1 else values[:, :, 0]]
    for i in range(1, length):
        seen.append(ops.maximum(seen[-1], values[:, i] if axis == 1 else values[:, :, i]))
    return ops.stack(seen, axis=axis)


@keras.saving.register_keras_serializable("sfhmodel")
class OrderedQuantiles(keras.layers.Layer):
    """Median plus or minus positive steps, in units of the targets' standard deviation.

    q_mid = r_mid,  q_{l+1} = q_l + softplus(r_{l+1}),  q_{l-1} = q_l - softplus(r_{l-1}),
    answer = std q + mean + correction of the group, within [lowest, highest] of the training data when not training

    Parameters
    ----------
    n_target, n_level : of the quantiles; n_level is odd and the middle level is the median.
    n_group : groups of data with corrections of their own.

    Call arguments
    --------------
    raw : (n, n_target n_level)
    groups : (n, n_group) one-hot; the first group for all where None.

    Returns
    -------
    (n, n_target, n_level), increasing along levels.
    """

    def __init__(self, n_target: int, n_level: int, n_group: int = 1, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if n_level % 2 == 0:
            raise ValueError(f"n_level is {n_level}: it must be odd, so that the middle level is the median")
        self.n_target, self.n_level, self.n_group = n_target, n_level, n_group

    def build(self, raw_shape, groups_shape=None):
        shape = (self.n_target, 1)
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.std = self.add_weight(name="std", shape=shape, initializer="ones", trainable=False)
        far = keras.initializers.Constant
        self.lowest = self.add_weight(name="lowest", shape=shape, initializer=far(-1e30), trainable=False)
        self.highest = self.add_weight(name="highest", shape=shape, initializer=far(1e30), trainable=False)
        corrections = (self.n_group, self.n_target, self.n_level)
        self.correction = self.add_weight(name="correction", shape=corrections, initializer="zeros", trainable=False)

    def call(self, raw, groups=None, training=None):
        raw = ops.reshape(ops.cast(raw, "float32"), (-1, self.n_target, self.n_level))
        middle = self.n_level // 2
        steps = ops.softplus(raw - 1.0)
        median = raw[:, :, middle : middle + 1]
        above = median + ops.cumsum(steps[:, :, middle + 1 :], axis=-1)
        below = median - ops.flip(ops.cumsum(ops.flip(steps[:, :, :middle], axis=-1), axis=-1), axis=-1)
        quantiles = ops.concatenate([below, median, above], axis=-1)
        answer = _running_maximum(quantiles * self.std + self.mean + _corrections(self, groups), axis=2)
        # nothing is known beyond; limits would stop the gradient, so training goes without
        return answer if training else one_sided(answer, self.lowest, self.highest)

    def get_config(self):
        sizes = {"n_target": self.n_target, "n_level": self.n_level, "n_group": self.n_group}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable("sfhmodel")
class CumulativeQuantiles(keras.layers.Layer):
    """Quantiles of the cumulative mass fraction, from the youngest bin to the oldest, where it is 1.

    Each level is the cumulative sum of a softmax over the bins; sorting them over the levels keeps them monotone along
    the bins. After the correction they are brought back into [0, 1] and into order.

    Parameters
    ----------
    n_age_bin, n_level : of the quantiles.
    n_group : groups of data with corrections of their own.

    Call arguments
    --------------
    raw : (n, n_level n_age_bin)
    groups : (n, n_group) one-hot; the first group for all where None.

    Returns
    -------
    (n, n_age_bin, n_level), non-decreasing along bins and levels.
    """

    def __init__(self, n_age_bin: int, n_level: int, n_group: int = 1, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.n_age_bin, self.n_level, self.n_group = n_age_bin, n_level, n_group

    def build(self, raw_shape, groups_shape=None):
        shape = (self.n_group, self.n_age_bin, self.n_level)
        self.correction = self.add_weight(name="correction", shape=shape, initializer="zeros", trainable=False)

    def call(self, raw, groups=None):
        raw = ops.reshape(ops.cast(raw, "float32"), (-1, self.n_level, self.n_age_bin))
        cumulative = ops.sort(ops.cumsum(ops.softmax(raw, axis=-1), axis=-1), axis=1)
        corrected = ops.clip(ops.transpose(cumulative, (0, 2, 1)) + _corrections(self, groups), 0.0, 1.0)
        ordered = _running_maximum(_running_maximum(corrected, axis=1), axis=2)
        return ops.concatenate([ordered[:, :-1], ops.ones_like(ordered[:, -1:])], axis=1)

    def get_config(self):
        sizes = {"n_age_bin": self.n_age_bin, "n_level": self.n_level, "n_group": self.n_group}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable("sfhmodel")
class NoiseGroups(keras.layers.Layer):
    """Noise (n, 1) to groups (n, n_group), one-hot: group k lies between edges k - 1 and k.

    Parameters
    ----------
    n_group : number of groups; the edges are set by the calibration.
    """

    def __init__(self, n_group: int = 4, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.n_group = n_group

    def build(self, noise_shape):
        self.edges = self.add_weight(name="edges", shape=(self.n_group - 1,), initializer="zeros", trainable=False)

    def call(self, noise):
        group = ops.sum(ops.cast(noise > self.edges, "int32"), axis=-1)
        return ops.one_hot(group, self.n_group)

    def beyond(self, noise):
        """(n,) noise over four times the largest of the calibration: above 1 where too little light is left to see.

        ``noise`` (n, 1) is a logarithm. The edges hold equal shares of the calibration data, whose largest noise is
        taken to be as far above the last one as these are apart.
        """
        if self.n_group < 3:
            return ops.zeros_like(noise[:, 0])
        largest = self.edges[-1] + (self.edges[-1] - self.edges[0]) / (self.n_group - 2)
        return power10(noise[:, 0] - largest) / _TOO_NOISY

    def get_config(self):
        return {**super().get_config(), "n_group": self.n_group}
