"""Losses by name. Each takes targets and predictions (n, ...) and keeps a value per sample; Keras averages them.

smape         mean_k |p_k - t_k| / (|p_k| + |t_k| + 1e-6)                                   in [0, 1]
weighted_msle mean_k w_k (ln(p_k + e) - ln(t_k + e))^2, w_k = t_k / mean(t) where t is a share, else 1
cumulative    mean_k |sum_{j <= k} p_j - t_j|: the Wasserstein-1 distance of two histories, per bin
mae           mean_k |p_k - t_k|
pinball       mean_l max(l (t - q_l), (l - 1) (t - q_l)): its minimum is the quantile of level l
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from sfhmodel.errors import ConfigError


def _flat(values):
    return ops.reshape(values, (-1, _size(values)))


def _size(values) -> int:
    size = 1
    for length in values.shape[1:]:
        size *= length
    return size


@keras.saving.register_keras_serializable("sfhmodel")
class SMAPE(keras.losses.Loss):
    """Symmetric mean absolute percentage error, as a fraction."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_pred - y_true) / (ops.abs(y_pred) + ops.abs(y_true) + 1e-6), axis=-1)


@keras.saving.register_keras_serializable("sfhmodel")
class WeightedMSLE(keras.losses.Loss):
    """Mean squared error of natural logarithms, weighted by the target where it is a share.

    Parameters
    ----------
    floor : added before the logarithm.
    weigh_by_target : weight bins by the target over its mean.
    """

    def __init__(self, floor: float = 1e-3, weigh_by_target: bool = True, name="weighted_msle", **kwargs):
        super().__init__(name=name, **kwargs)
        self.floor, self.weigh_by_target = floor, weigh_by_target

    def call(self, y_true, y_pred):
        squared = (ops.log(y_pred + self.floor) - ops.log(y_true + self.floor)) ** 2
        if not self.weigh_by_target:
            return ops.mean(squared, axis=-1)
        weight = y_true / (ops.mean(y_true, axis=-1, keepdims=True) + 1e-12)
        return ops.mean(weight * squared, axis=-1)

    def get_config(self):
        return {**super().get_config(), "floor": self.floor, "weigh_by_target": self.weigh_by_target}


@keras.saving.register_keras_serializable("sfhmodel")
class Cumulative(keras.losses.Loss):
    """Mean over bins of the absolute difference of cumulative sums."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(ops.cumsum(y_pred - y_true, axis=-1)), axis=-1)


@keras.saving.register_keras_serializable("sfhmodel")
class MeanAbsoluteError(keras.losses.Loss):
    """Mean absolute difference."""

    def call(self, y_true, y_pred):
        return ops.mean(_flat(ops.abs(y_pred - y_true)), axis=-1)


@keras.saving.register_keras_serializable("sfhmodel")
class Pinball(keras.losses.Loss):
    """Pinball loss of quantiles (n, k, n_level) of targets (n, k).

    Parameters
    ----------
    levels : probabilities of the quantiles.
    """

    def __init__(self, levels: Sequence[float], name="pinball", **kwargs):
        super().__init__(name=name, **kwargs)
        self.levels = tuple(float(level) for level in levels)

    def call(self, y_true, y_pred):
        above = y_true[..., None] - y_pred
        levels = ops.convert_to_tensor(self.levels, dtype=above.dtype)
        return ops.mean(_flat(ops.maximum(levels * above, (levels - 1.0) * above)), axis=-1)

    def get_config(self):
        return {**super().get_config(), "levels": list(self.levels)}


POINT_LOSSES = {"smape": SMAPE, "weighted_msle": WeightedMSLE, "cumulative": Cumulative, "mae": MeanAbsoluteError}

# What is minimised: output -> {loss: weight}. The weights bring the terms to the same order. The metallicity itself is
# the median of its quantiles; losses of its own can be added.
DEFAULT_LOSSES = {
    "mass_fraction": {"cumulative": 10.0, "smape": 0.2},
    "cumulative_quantiles": {"pinball": 20.0},
    "metallicity_quantiles": {"pinball": 5.0},
    "summary_quantiles": {"pinball": 2.0},
}
_SPACES = {
    "mass_fraction": ("cumulative", "smape", "weighted_msle", "mae"),
    "metallicity": ("smape", "weighted_msle", "mae"),
    "cumulative_quantiles": ("pinball",),
    "metallicity_quantiles": ("pinball",),
    "summary_quantiles": ("pinball",),
}


def make_losses(weights: dict | None, levels: Sequence[float]) -> list[tuple[str, str, float, keras.losses.Loss]]:
    """(output, name, weight, loss) of a table {output: {loss: weight}}; the default where None.

    Raises
    ------
    ConfigError
        An output or loss that does not exist, or a weight that is not positive.
    """
    made = []
    for output, terms in (weights or DEFAULT_LOSSES).items():
        if output not in _SPACES:
            raise ConfigError(f"no output {output!r} to compute a loss of: there are {', '.join(_SPACES)}")
        for name, weight in terms.items():
            if name not in _SPACES[output]:
                raise ConfigError(f"no loss {name!r} for {output}: choose from {', '.join(_SPACES[output])}")
            if not weight >= 0.0:
                raise ConfigError(f"the weight of {output}.{name} is {weight}: it must not be negative")
            if weight:
                made.append((output, name, float(weight), _make(output, name, levels)))
    if not made:
        raise ConfigError("all losses have weight 0: nothing would be learnt")
    return made


def _make(output: str, name: str, levels: Sequence[float]) -> keras.losses.Loss:
    if name == "pinball":
        return Pinball(levels)
    if name == "weighted_msle" and output == "metallicity":
        return WeightedMSLE(floor=1e-6, weigh_by_target=False)
    return POINT_LOSSES[name](name=name)
