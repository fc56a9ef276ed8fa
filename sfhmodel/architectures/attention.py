"""Convolutions and self-attention on the spectrum, one combined decoder (figure 2 of the same; the default).

    spectrum - convolutions - + position - [self-attention, perceptron] x n -+- pooling by queries -+
                                                                             +- narrow - flatten ---+- decoder - all
    spectrum - averages over pixels - projection (where asked for) ----------------------------------+
    photometry - dense -----------------------------------------------------------------------------+

What makes it compact is that the decoder sees a few averages over the tokens, pooled by learned queries, and a few
numbers of each token, where the other architecture flattens everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sfhmodel.architectures.network_spec import NetworkSpec, convolutions, perceptron
from sfhmodel.errors import ConfigError
from sfhmodel.layers.self_attention import AttentionPooling, SelfAttentionBlock, TokenPosition


def attention(
    spec: NetworkSpec,
    filters: Sequence[int] = (64, 64),
    kernels: Sequence[int] = (32, 8),
    strides: Sequence[int] = (16, 8),
    blocks: int = 1,
    heads: int = 4,
    hidden: int = 128,
    queries: int = 4,
    token_units: int = 32,
    projection_units: int = 0,
    projection_pixels: int = 2,
    photometry_units: Sequence[int] = (64, 64),
    decoder_units: Sequence[int] = (256, 256),
    dropout: float = 0.0,
) -> keras.Model:
    """The network.

    Parameters
    ----------
    filters, kernels, strides : of the convolutions that make the tokens, in order; the last filters are their width.
    blocks, heads, hidden : number of self-attention blocks, heads in each, units of their perceptrons.
    queries : of the pooling.
    token_units : numbers of each token that the decoder sees.
    projection_units, projection_pixels : linear combinations of the whole spectrum, averaged over so many pixels, that
        the decoder sees as well, as it would principal components; 0: none.
    photometry_units, decoder_units : of the dense layers.
    dropout : rate, in attention and decoder.
    """
    inputs = spec.inputs()
    tokens = convolutions(inputs, filters, kernels, strides, "spectrum_conv")
    if tokens.shape[1] < 2:
        raise ConfigError(
            f"{spec.n_pixel} pixels with strides {list(strides)} make one token, with nothing to attend to: "
            "choose smaller strides"
        )
    tokens = TokenPosition(name="position")(tokens)
    for i in range(blocks):
        tokens = SelfAttentionBlock(heads, hidden, dropout, name=f"attention_{i}")(tokens)
    tokens = layers.RMSNormalization(name="tokens")(tokens)
    pooled, weights = AttentionPooling(queries, name="pooling")(tokens)
    narrow = layers.Flatten(name="narrow_flat")(layers.Conv1D(token_units, 1, name="narrow")(tokens))
    parts = [pooled, narrow, layers.Dense(16, name="noise_dense")(inputs["noise"])]
    if projection_units:
        parts.append(_projection(inputs, projection_units, projection_pixels))
    if spec.n_band:
        parts.append(perceptron(inputs["photometry"], photometry_units, "photometry_dense"))
    latent = perceptron(layers.Concatenate(name="joined")(parts), decoder_units, "decoder", dropout)
    outputs = {
        **spec.history_outputs(latent),
        **spec.metallicity_outputs(latent),
        **spec.summary_output(latent),
        "latent": latent,
        "attention": weights,
    }
    return keras.Model(inputs, outputs, name="attention")


def _projection(inputs, units: int, pixels: int):
    """(n, units) linear combinations of continuum and lines, brought to the same order."""
    whole = layers.Concatenate(axis=-1, name="projection_channels")(
        [layers.Reshape((-1, 1), name=f"projection_{name}")(inputs[name]) for name in ("continuum", "lines")]
    )
    coarse = layers.AveragePooling1D(pixels, padding="same", name="projection_pixels")(whole)
    # what goes in is of order one in every pixel
    calm = keras.initializers.VarianceScaling(scale=1.0, mode="fan_in")
    combined = layers.Dense(units, kernel_initializer=calm, name="projection")(
        layers.Flatten(name="projection_flat")(coarse)
    )
    return layers.RMSNormalization(name="projected")(combined)
