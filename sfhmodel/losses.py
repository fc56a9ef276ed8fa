"""Losses by name. Each takes targets and predictions (n, ...) and keeps a value per sample; Keras averages them.

smape         mean_k |p_k - t_k| / (|p_k| + |t_k| + 1e-6)                                   in [0, 1]
weighted_msle mean_k w_k (ln(p_k + e) - ln(t_k + e))^2, w_k = t_k / mean(t) where t is a share, else 1
cumulative    mean_k |sum_{j <= k} p_j - t_j|: the Wasserstein-1 distance of two histories, per bin
mae           mean_k |p_k - t_k|
pinball       mean_l max(l (t - q_l), (l - 1) (t - q_l)): its minimum is the quantile of level l

They are computed in learning space (`sfhmodel.objective.pairs`), but smape and weighted_msle of metallicities in Z. A
new loss is registered by name with `register`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
from keras import ops

from sfhmodel.errors import ConfigError
from sfhmodel.targets import power10
from sfhsim.plugins import load_entry_points


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


OUTPUTS = ("mass_fraction", "metallicity", "cumulative_quantiles", "metallicity_quantiles", "summary_quantiles")

# What is minimised: output -> {loss: weight}. The weights bring the terms to the same order. The metallicity itself is
# the median of its quantiles; losses of its own can be added.
DEFAULT_LOSSES = {
    "mass_fraction": {"cumulative": 10.0, "smape": 0.2},
    "cumulative_quantiles": {"pinball": 20.0},
    "metallicity_quantiles": {"pinball": 5.0},
    "summary_quantiles": {"pinball": 2.0},
}


@dataclass(frozen=True)
class LossTerm:
    """One term of the sum that is minimised: a loss of an output with its weight.

    Attributes
    ----------
    output, name, weight : as in the table of losses.
    loss : takes targets (n, ...) and predictions (n, ...), and gives (n,).
    in_z : whether it is given Z in place of log10 Z.
    """

    output: str
    name: str
    weight: float
    loss: keras.losses.Loss
    in_z: bool = False

    @property
    def label(self) -> str:
        """Of its metric."""
        return f"{self.output}_{self.name}"

    def __call__(self, target, prediction):
        """(n,) of targets and predictions in learning space."""
        if self.in_z:
            target, prediction = power10(target), power10(prediction)
        return self.loss.call(target, prediction)


@dataclass(frozen=True)
class _Known:
    make: Callable[..., keras.losses.Loss]
    outputs: tuple[str, ...]
    in_z: bool


_LOSSES: dict[str, _Known] = {}


def register(name: str, make: Callable[..., keras.losses.Loss], outputs: Sequence[str], *, in_z: bool = False) -> None:
    """Make a loss known, so that the table of losses of a training can name it.

    Parameters
    ----------
    name : in the table.
    make : class of a `keras.losses.Loss`, or a function that gives one, whose ``call`` keeps a value per sample; those
        of ``levels`` (probabilities of the quantiles) and ``output`` (name) that are among its arguments are given.
    outputs : those of `OUTPUTS` that it can be computed of. What it is given is in `sfhmodel.objective.pairs`.
    in_z : whether it takes metallicities Z, not log10 Z.

    Raises
    ------
    ConfigError
        The name is taken, or there is no such output.
    """
    if unknown := [output for output in outputs if output not in OUTPUTS]:
        raise ConfigError(f"loss {name!r}: no output {', '.join(unknown)}: there are {', '.join(OUTPUTS)}")
    known = _Known(make, tuple(outputs), in_z)
    if _LOSSES.setdefault(name, known) != known:
        raise ConfigError(f"there is a loss {name!r} already: choose another name")


def maker(name: str) -> Callable[..., keras.losses.Loss] | None:
    """What makes the loss of this name; None where there is none. Installed plug-ins are asked."""
    if name not in _LOSSES:
        load_entry_points()
    return _LOSSES[name].make if name in _LOSSES else None


def make_losses(weights: dict | None, levels: Sequence[float]) -> list[LossTerm]:
    """The terms of a table {output: {loss: weight}}; of the default where None.

    Raises
    ------
    ConfigError
        An output or loss that does not exist, or a weight that is not positive.
    """
    made = []
    for output, terms in (weights or DEFAULT_LOSSES).items():
        if output not in OUTPUTS:
            raise ConfigError(f"no output {output!r} to compute a loss of: there are {', '.join(OUTPUTS)}")
        for name, weight in terms.items():
            if maker(name) is None or output not in _LOSSES[name].outputs:
                there = ", ".join(known for known, loss in _LOSSES.items() if output in loss.outputs)
                raise ConfigError(
                    f"no loss {name!r} for {output}: choose from {there}, or load the plug-in that registers it "
                    "(--plugin)"
                )
            if not weight >= 0.0:
                raise ConfigError(f"the weight of {output}.{name} is {weight}: it must not be negative")
            if weight:
                in_z = output.startswith("metallicity") and _LOSSES[name].in_z
                made.append(LossTerm(output, name, float(weight), _make(output, name, levels), in_z))
    if not made:
        raise ConfigError("all losses have weight 0: nothing would be learnt")
    return made


def _make(output: str, name: str, levels: Sequence[float]) -> keras.losses.Loss:
    make = _LOSSES[name].make
    offered = {"output": output, "levels": tuple(levels)}
    return make(**{key: offered[key] for key in inspect.signature(make).parameters if key in offered})


def _weighted_msle(output: str) -> WeightedMSLE:
    return WeightedMSLE() if output == "mass_fraction" else WeightedMSLE(floor=1e-6, weigh_by_target=False)


register("cumulative", Cumulative, ("mass_fraction",))
register("smape", SMAPE, ("mass_fraction", "metallicity"), in_z=True)
register("weighted_msle", _weighted_msle, ("mass_fraction", "metallicity"), in_z=True)
register("mae", MeanAbsoluteError, ("mass_fraction", "metallicity"))
register("pinball", Pinball, ("cumulative_quantiles", "metallicity_quantiles", "summary_quantiles"))
