"""Self-attention over the tokens of a spectrum (Vaswani et al. 2017), and pooling by learned queries."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("sfhmodel")
class TokenPosition(keras.layers.Layer):
    """Adds a learned vector to each token, (n, n_token, width): tokens know their wavelength."""

    def build(self, input_shape):
        self.position = self.add_weight(name="position", shape=tuple(input_shape[1:]), initializer="glorot_uniform")

    def call(self, tokens):
        return tokens + ops.cast(self.position, tokens.dtype)


@keras.saving.register_keras_serializable("sfhmodel")
class SelfAttentionBlock(keras.layers.Layer):
    """Multi-head self-attention and a two-layer perceptron, each with a shortcut past it.

    Both see RMS-normalised tokens (Zhang & Sennrich 2019).

    Parameters
    ----------
    heads : number of attention heads; divides the width of the tokens.
    hidden : units of the perceptron's hidden layer.
    dropout : rate, in attention and perceptron.
    """

    def __init__(self, heads: int = 4, hidden: int = 128, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.hidden, self.dropout = heads, hidden, dropout

    def build(self, input_shape):
        width = input_shape[-1]
        if width % self.heads:
            raise ValueError(f"tokens of width {width} cannot be shared among {self.heads} heads: choose a divisor")
        policy = self.dtype_policy
        self.norm_attention = keras.layers.RMSNormalization(dtype=policy, name="norm_attention")
        self.attention = keras.layers.MultiHeadAttention(
            self.heads, width // self.heads, dropout=self.dropout, dtype=policy, name="attention"
        )
        self.norm_hidden = keras.layers.RMSNormalization(dtype=policy, name="norm_hidden")
        self.expand = keras.layers.Dense(self.hidden, activation="relu", dtype=policy, name="expand")
        self.contract = keras.layers.Dense(width, dtype=policy, name="contract")
        self.drop = keras.layers.Dropout(self.dropout, dtype=policy, name="drop")
        self.norm_attention.build(input_shape)
        self.attention.build(input_shape, input_shape)
        self.norm_hidden.build(input_shape)
        self.expand.build(input_shape)
        self.contract.build((*input_shape[:-1], self.hidden))

    def call(self, tokens, training=None):
        normed = self.norm_attention(tokens)
        tokens = tokens + self.attention(normed, normed, training=training)
        hidden = self.drop(self.expand(self.norm_hidden(tokens)), training=training)
        return tokens + self.contract(hidden)

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "hidden": self.hidden, "dropout": self.dropout}


@keras.saving.register_keras_serializable("sfhmodel")
class AttentionPooling(keras.layers.Layer):
    """Tokens (n, n_token, width) to n_query averages of them, each with weights of its own.

    weights_qt = softmax_t(query_q . key_t / sqrt(width)),  pooled_q = sum_t weights_qt token_t

    Returns
    -------
    pooled : (n, n_query width)
    weights : (n, n_token), mean over the queries; sums to 1.
    """

    def __init__(self, queries: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.queries = queries

    def build(self, input_shape):
        width = input_shape[-1]
        self.query = self.add_weight(name="query", shape=(width, self.queries), initializer="glorot_uniform")

    def call(self, tokens):
        scores = ops.matmul(tokens, ops.cast(self.query, tokens.dtype))
        weights = ops.softmax(ops.cast(scores, "float32"), axis=1)
        pooled = ops.matmul(ops.transpose(ops.cast(weights, tokens.dtype), (0, 2, 1)), tokens)
        return ops.reshape(pooled, (-1, self.queries * tokens.shape[-1])), ops.mean(weights, axis=-1)

    def get_config(self):
        return {**super().get_config(), "queries": self.queries}
