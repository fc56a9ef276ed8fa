"""How unlike the training data an input is.

Two distances, each divided by the value that few validation data of about the same noise exceed, for what is strange at
a S/N of 10 is usual at 200, and with about as much of the range seen; the score is the larger one:

    residual   reduced chi^2 of the spectrum against the nearest sum of principal components of training spectra, by
               its good pixels, with errors e_i^2 + m_i^2, m the components' own misfit
    latent     Mahalanobis distance of the network's last features from those of the validation data

The first sees features no training spectrum has (a wrong redshift, cosmic rays, other lines), the second combinations
of spectrum and photometry that the network never met. Noise that hides everything fits any sum: the model also has
`NoiseGroups.beyond`.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

WHOLE = 0.8  # share of the pixels from which on a spectrum counts as whole; spectra of less have limits of their own
_TINY = 1e-30
_RIDGE = 1e-6  # of components that nothing is seen of
_SOLVED = 1e-13  # square of what is left over what was, from which on single precision has no more to say


@keras.saving.register_keras_serializable("sfhmodel")
class NoveltyScore(keras.layers.Layer):
    """The score of scaled spectra and latent features; above 1 they are unlike the training data.

    Parameters
    ----------
    components : number of principal components.
    n_group : groups of noise with limits of their own.

    Call arguments
    --------------
    flux, error, good : (n, n_pixel) of `SpectrumNormalization`.
    latent : (n, n_latent) last features of the network.
    groups : (n, n_group) one-hot, of `NoiseGroups`.

    Returns
    -------
    (n,) score.
    """

    def __init__(self, components: int = 24, n_group: int = 4, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.components, self.n_group = components, n_group

    def build(self, flux_shape, error_shape=None, good_shape=None, latent_shape=None, groups_shape=None):
        n_pixel, n_latent = flux_shape[-1], latent_shape[-1]

        def constant(name, shape, value):
            return self.add_weight(name=name, shape=shape, initializer=value, trainable=False)

        self.basis = constant("basis", (n_pixel, self.components), "zeros")
        self.misfit = constant("misfit", (n_pixel,), "ones")
        self.latent_mean = constant("latent_mean", (n_latent,), "zeros")
        self.latent_whitening = constant("latent_whitening", (n_latent, n_latent), "zeros")
        self.limits = constant("limits", (2, self.n_group, 2), "ones")  # of whole spectra, of parts

    def distances(self, flux, error, good, latent):
        """(n, 2) the two distances before they are divided by their limits."""
        projection = nearest_sum(flux, good, self.basis)
        chi2 = ops.where(good, (flux - projection) ** 2 / (error**2 + self.misfit**2), 0.0)
        residual = ops.sum(chi2, axis=-1) / ops.maximum(ops.sum(ops.cast(good, "float32"), axis=-1), 1.0)
        offset = ops.matmul(ops.cast(latent, "float32") - self.latent_mean, self.latent_whitening)
        return ops.stack([residual, ops.sqrt(ops.mean(offset**2, axis=-1))], axis=-1)

    def call(self, flux, error, good, latent, groups):
        whole = ops.mean(ops.cast(good, "float32"), axis=-1, keepdims=True) >= WHOLE
        limits = ops.where(whole, ops.matmul(groups, self.limits[0]), ops.matmul(groups, self.limits[1]))
        return ops.max(self.distances(flux, error, good, latent) / limits, axis=-1)

    def load_own_variables(self, store):
        limits = np.asarray(store["4"])  # in files of before 0.3.0 for all noise and any coverage together
        values = {str(k): store[str(k)] for k in range(4)} | {"4": np.broadcast_to(limits, self.limits.shape)}
        super().load_own_variables(values)

    def get_config(self):
        return {**super().get_config(), "components": self.components, "n_group": self.n_group}


def nearest_sum(values, good, basis):
    """(n, n_pixel) sums of an orthonormal ``basis`` (n_pixel, k), nearest to rows of ``values`` in ``good`` pixels."""
    known, n = ops.cast(good, "float32"), basis.shape[-1]
    first, second = np.triu_indices(n)
    tied = basis * ops.max(known)  # times 1; a product of constants alone is 2 MB more in the light graph
    pairs = ops.take(tied, first, axis=1) * ops.take(tied, second, axis=1)
    where = np.zeros((n, n), int)
    where[first, second] = where[second, first] = np.arange(first.size)
    products = ops.reshape(ops.take(ops.matmul(known, pairs), where.ravel(), axis=1), (-1, n, n))
    products = products + _RIDGE * np.eye(n, dtype=np.float32)
    return ops.matmul(_solved(products, ops.matmul(ops.where(good, values, 0.0), basis)), ops.transpose(basis))


def _solved(products, left):
    """(n, components) x of products x = left, by conjugate gradients: as many steps as unknowns.

    The basis is orthonormal, so that a spectrum without bad pixels needs one step; one that covers a third of the
    range needs them all.
    """
    found, direction = ops.zeros_like(left), left
    size = ops.sum(left * left, axis=-1, keepdims=True)
    enough = _SOLVED * size
    for _ in range(left.shape[-1]):
        moved = ops.squeeze(ops.matmul(products, ops.expand_dims(direction, -1)), -1)
        step = size / ops.maximum(ops.sum(direction * moved, axis=-1, keepdims=True), _TINY)
        step = ops.where(size > enough, step, 0.0)
        found, left = found + step * direction, left - step * moved
        size, before = ops.sum(left * left, axis=-1, keepdims=True), size
        direction = left + size / ops.maximum(before, _TINY) * direction
    return found
