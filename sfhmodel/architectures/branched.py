"""Two branches, joined, and two decoders (figure 1 of Galceran Garcia, Sanchez-Blazquez & the PHANGS Team).

spectrum   - convolutions - flatten - dense -+            +- dense - star formation history, ages, dust
                                             +- joined ---+
photometry - dense --------------------------+            +- dense - metallicity history and means
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sfhmodel.architectures.network_spec import NetworkSpec, convolutions, perceptron


def branched(
    spec: NetworkSpec,
    filters: Sequence[int] = (16, 32, 64),
    kernels: Sequence[int] = (8, 8, 4),
    strides: Sequence[int] = (4, 4, 2),
    spectrum_units: int = 256,
    photometry_units: Sequence[int] = (64, 64),
    decoder_units: Sequence[int] = (256, 128),
    dropout: float = 0.0,
) -> keras.Model:
    """The network.

    Parameters
    ----------
    filters, kernels, strides : of the convolutions, in order.
    spectrum_units : of the dense layer after them.
    photometry_units : of the dense layers of the photometry.
    decoder_units : of each of the two decoders.
    dropout : rate, in the decoders.
    """
    inputs = spec.inputs()
    spectrum = convolutions(inputs, filters, kernels, strides, "spectrum_conv")
    spectrum = perceptron(layers.Flatten(name="spectrum_flat")(spectrum), [spectrum_units], "spectrum_dense")
    parts = [spectrum, layers.Dense(16, name="noise_dense")(inputs["noise"])]
    if spec.n_band:
        parts.append(perceptron(inputs["photometry"], photometry_units, "photometry_dense"))
    joined = layers.Concatenate(name="joined")(parts)
    history = perceptron(joined, decoder_units, "history_decoder", dropout)
    metallicity = perceptron(joined, decoder_units, "metallicity_decoder", dropout)
    outputs = {
        **spec.history_outputs(history),
        **spec.metallicity_outputs(metallicity),
        **spec.split_summary_outputs(history, metallicity),
        "latent": layers.Concatenate(name="latent")([history, metallicity]),
    }
    return keras.Model(inputs, outputs, name="branched")
