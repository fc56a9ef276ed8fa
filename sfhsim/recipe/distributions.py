"""Named distributions for any parameter of a recipe, drawn by inverting their cumulative probability.

A parameter is a number (a constant) or a mapping with the distribution's name, for example
``{distribution: uniform, min: 0, max: 2}``. Inverse-transform sampling keeps one uniform number per value, so that a
sample does not depend on which other samples are drawn with it.
"""

from __future__ import annotations

import functools
import math
import reprlib
from statistics import NormalDist
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from sfhsim import elementary

# random numbers are (k + 0.5) / 2^53 (`sfhsim.kernels.random`): what a distribution without limits can give ends there
EXTREMES = np.array([2.0**-54, 1.0 - 2.0**-53])
MOST_SIGMA = 8.3  # beyond the normal deviates of these
Number = Annotated[float, Field(ge=-1e30, le=1e30)]  # so that differences and ratios are finite
Positive = Annotated[float, Field(ge=1e-30, le=1e30)]
Shape = Annotated[float, Field(ge=1e-3, le=1e6)]


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x * math.sqrt(0.5))


class _Distribution(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def quantile(self, probability: np.ndarray) -> np.ndarray:
        """Values (same shape) at cumulative probabilities in (0, 1)."""
        raise TypeError(f"{type(self).__name__} does not define its quantile function")

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value it can give."""
        raise TypeError(f"{type(self).__name__} does not define its bounds")

    @property
    def is_constant(self) -> bool:
        low, high = self.bounds()
        return low == high


class _Ranged(_Distribution):
    min: Number
    max: Number

    @model_validator(mode="after")
    def _ordered(self):
        if self.min > self.max:
            raise ValueError(f"min {self.min:g} is greater than max {self.max:g}: swap them")
        return self

    def bounds(self):
        return self.min, self.max


class Constant(_Distribution):
    """Always ``value``; a bare number means the same."""

    distribution: Literal["constant"] = "constant"
    value: Number

    def quantile(self, probability):
        return np.full(np.shape(probability), self.value)

    def bounds(self):
        return self.value, self.value


class Uniform(_Ranged):
    """Uniform between ``min`` and ``max``."""

    distribution: Literal["uniform"] = "uniform"

    def quantile(self, probability):
        return self.min + (self.max - self.min) * probability


class LogUniform(_Ranged):
    """Uniform in the logarithm between ``min`` and ``max``, both positive."""

    distribution: Literal["log_uniform"] = "log_uniform"

    @model_validator(mode="after")
    def _positive(self):
        if self.min < 1e-30:
            raise ValueError(f"min {self.min:g} must be positive for a log_uniform distribution, at least 1e-30")
        return self

    def quantile(self, probability):
        values = self.min * elementary.exp(elementary.log(self.max / self.min) * probability)
        return np.minimum(values, self.max)  # rounding may lead beyond it


class _Truncated(_Distribution):
    """A normal distribution between optional limits, in a variable that ``_from_normal`` maps to the value."""

    mean: Number
    std: Positive
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _ordered(self):
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is greater than max {self.max:g}: swap them")
        low, high = self._probabilities(_normal_cdf)
        if not high > low:
            raise ValueError(
                f"the limits {self.min} to {self.max} are so far from the mean {self.mean:g} "
                f"(std {self.std:g}) that nothing can be drawn: move them"
            )
        return self

    def _probabilities(self, normal_cdf=elementary.normal_cdf) -> tuple[float, float]:
        low, high = (None if x is None else (x - self.mean) / self.std for x in (self.min, self.max))
        return 0.0 if low is None else normal_cdf(low), 1.0 if high is None else normal_cdf(high)

    def _normal(self, probability):
        low, high = self._probabilities()
        between = np.clip(low + (high - low) * probability, 1e-300, EXTREMES[1])  # rounding must not reach 0 or 1
        x = self.mean + self.std * elementary.normal_quantile(between)
        return np.clip(x, self.min, self.max)

    def _limits(self) -> tuple[float, float]:
        """Of the normal variable, to 1e-6 of its width; without kernels, as a check needs none."""
        low, high = self._probabilities(_normal_cdf)
        ends = [
            self.mean
            + self.std * (NormalDist().inv_cdf(float(np.clip(low + (high - low) * p, 1e-300, EXTREMES[1]))) + out)
            for p, out in zip(EXTREMES, (-1e-6, 1e-6), strict=True)
        ]
        smallest = ends[0] if self.min is None else self.min
        largest = ends[1] if self.max is None else self.max
        return min(smallest, largest), max(smallest, largest)


class Normal(_Truncated):
    """Normal with ``mean`` and ``std``, truncated to [``min``, ``max``] where given."""

    distribution: Literal["normal"] = "normal"

    def quantile(self, probability):
        return self._normal(probability)

    def bounds(self):
        return self._limits()


class Log10Normal(_Truncated):
    """10 to a normal distribution: ``mean``, ``std``, ``min`` and ``max`` are of log10 of the value."""

    distribution: Literal["log10_normal"] = "log10_normal"

    @model_validator(mode="after")
    def _representable(self):
        low, high = self._limits()
        if low < -30 or high > 30:
            raise ValueError(f"log10 of the value spans {low:g} to {high:g}: it must stay within -30 and 30")
        return self

    def quantile(self, probability):
        return elementary.exp10(self._normal(probability))

    def bounds(self):
        low, high = self._limits()
        return 10.0**low, 10.0**high


class Exponential(_Distribution):
    """Exponential with the given ``scale`` above ``min``, cut at ``max`` where given."""

    distribution: Literal["exponential"] = "exponential"
    scale: Positive
    min: Number = 0.0
    max: Number | None = None

    @model_validator(mode="after")
    def _ordered(self):
        if self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is greater than max {self.max:g}: swap them")
        return self

    def quantile(self, probability):
        ceiling = 1.0 if self.max is None else -elementary.expm1(-(self.max - self.min) / self.scale)
        return self.min - self.scale * elementary.log1p(-ceiling * np.minimum(probability, EXTREMES[1]))

    def bounds(self):
        return self.min, self.min - 1.000001 * self.scale * math.log1p(-EXTREMES[1]) if self.max is None else self.max


class Beta(_Ranged):
    """Beta(``a``, ``b``) stretched to [``min``, ``max``]."""

    distribution: Literal["beta"] = "beta"
    a: Shape
    b: Shape
    min: Number = 0.0
    max: Number = 1.0

    def quantile(self, probability):
        return self.min + (self.max - self.min) * elementary.beta_quantile(self.a, self.b, probability)


class Choice(_Distribution):
    """One of ``values``, with ``weights`` (equal when absent)."""

    distribution: Literal["choice"] = "choice"
    values: tuple[Number, ...] = Field(min_length=1)
    weights: tuple[Number, ...] | None = None

    @model_validator(mode="after")
    def _match(self):
        if self.weights is not None:
            if len(self.weights) != len(self.values):
                raise ValueError(f"{len(self.weights)} weights for {len(self.values)} values: give one each")
            if min(self.weights) < 0 or sum(self.weights) < 1e-30:
                raise ValueError("weights must not be negative and must not all be zero")
        return self

    def quantile(self, probability):
        weights = np.ones(len(self.values)) if self.weights is None else np.asarray(self.weights)
        cumulative = np.cumsum(weights) / np.sum(weights)
        index = np.searchsorted(cumulative, probability, side="right")
        return np.asarray(self.values)[np.minimum(index, len(self.values) - 1)]

    def bounds(self):
        return min(self.values), max(self.values)


def _from_shorthand(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number or a distribution, not true/false")
    if isinstance(value, int | float):
        return {"distribution": "constant", "value": value}
    if not isinstance(value, dict | _Distribution):
        raise ValueError(f"expected a number or a distribution, not {reprlib.repr(value)}")
    if isinstance(value, dict) and "distribution" not in value:
        raise ValueError(
            "a distribution needs its name, e.g. {distribution: uniform, min: 0, max: 1}; known: "
            + ", ".join(DISTRIBUTION_NAMES)
        )
    return value


DISTRIBUTIONS = (Constant, Uniform, LogUniform, Normal, Log10Normal, Exponential, Beta, Choice)
DISTRIBUTION_NAMES = tuple(cls.model_fields["distribution"].default for cls in DISTRIBUTIONS)

Distribution = Annotated[
    Annotated[
        Constant | Uniform | LogUniform | Normal | Log10Normal | Exponential | Beta | Choice,
        Field(discriminator="distribution"),
    ],
    BeforeValidator(_from_shorthand),
]


@functools.cache
def _any_distribution() -> TypeAdapter:
    return TypeAdapter(Distribution)


def median_of(content: Any) -> Any:
    """Plain data of a recipe with the median of every distribution in its place; constants stay."""
    if isinstance(content, dict) and "distribution" in content:
        return float(_any_distribution().validate_python(content).quantile(np.array([0.5]))[0])
    if isinstance(content, dict):
        return {key: median_of(value) for key, value in content.items()}
    return [median_of(value) for value in content] if isinstance(content, list) else content
