"""What every architecture takes and gives: sizes, input tensors, and the heads that make the raw outputs."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from sfhmodel.errors import ConfigError
from sfhmodel.layers.patches import Patches

CHANNELS = ("continuum", "lines", "ignored")  # of the spectrum

# summaries that a decoder of the metallicity makes, where there are two decoders
METALLICITY_SUMMARIES = ("log10_metallicity_mass", "log10_metallicity_light")


@dataclass(frozen=True)
class NetworkSpec:
    """Sizes of inputs and outputs.

    Attributes
    ----------
    n_pixel, n_band, n_age_bin, n_level : of the description.
    summary_names : in order.
    """

    n_pixel: int
    n_band: int
    n_age_bin: int
    n_level: int
    summary_names: tuple[str, ...]

    def inputs(self) -> dict[str, keras.KerasTensor]:
        """Input tensors by name."""
        return {
            **{name: keras.Input((self.n_pixel,), name=name) for name in CHANNELS},
            "noise": keras.Input((1,), name="noise"),
            "photometry": keras.Input((3 * self.n_band,), name="photometry"),
        }

    def history_outputs(self, features) -> dict:
        """Raw outputs of the star formation history: mass fractions and quantiles of the cumulative ones."""
        return {
            "mass": output(self.n_age_bin, "mass")(features),
            "cumulative_quantiles": output(self.n_age_bin * self.n_level, "cumulative_quantiles")(features),
        }

    def metallicity_outputs(self, features) -> dict:
        """Raw quantiles of the metallicity history."""
        return {"metallicity_quantiles": output(self.n_age_bin * self.n_level, "metallicity_quantiles")(features)}

    def summary_output(self, features) -> dict:
        """Raw quantiles of every summary."""
        return {"summary_quantiles": output(len(self.summary_names) * self.n_level, "summary_quantiles")(features)}

    def split_summary_outputs(self, history_features, metallicity_features) -> dict:
        """Raw quantiles of the summaries, each of the decoder it belongs to."""
        parts = [
            output(self.n_level, f"summary_{name}")(
                metallicity_features if name in METALLICITY_SUMMARIES else history_features
            )
            for name in self.summary_names
        ]
        return {"summary_quantiles": layers.Concatenate(name="summary_quantiles")(parts)}


def output(units: int, name: str) -> layers.Dense:
    """A linear head in float32, also under mixed precision; small initial weights, so that training starts calm."""
    initial = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(units, kernel_initializer=initial, dtype="float32", name=name)


def perceptron(features, units, name: str, dropout: float = 0.0):
    """Dense layers with ReLU."""
    for i, n in enumerate(units):
        features = layers.Dense(n, activation="relu", kernel_initializer="he_normal", name=f"{name}_{i}")(features)
        if dropout:
            features = layers.Dropout(dropout, name=f"{name}_drop_{i}")(features)
    return features


def convolutions(inputs, filters, kernels, strides, name: str):
    """1-D convolutions with ReLU over the channels of the spectrum; each stride divides the length.

    The first kernel is a multiple of the first stride, so that it is a convolution over patches.
    """
    if len({len(filters), len(kernels), len(strides)}) != 1 or kernels[0] % strides[0]:
        raise ConfigError(
            f"filters {list(filters)}, kernels {list(kernels)}, strides {list(strides)}: convolutions need as many of "
            "each, and a first kernel that is a multiple of the first stride"
        )
    features = Patches(strides[0], name=f"{name}_patches")([inputs[channel] for channel in CHANNELS])
    lengths = [kernels[0] // strides[0], *kernels[1:]]
    for i, (n, kernel, stride) in enumerate(zip(filters, lengths, [1, *strides[1:]], strict=True)):
        features = layers.Conv1D(
            n, kernel, stride, padding="same", activation="relu", kernel_initializer="he_normal", name=f"{name}_{i}"
        )(features)
    return features
