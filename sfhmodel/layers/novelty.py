"""How unlike the training data an input is.

Two distances, each divided by the value that few validation data of about the same noise exceed, for what is strange at
a S/N of 10 is usual at 200; the score is the larger one:

    residual   reduced chi^2 of the spectrum against its projection on the principal components of training spectra,
               with errors e_i^2 + m_i^2, m the components' own misfit
    latent     Mahalanobis distance of the network's last features from those of the validation data

The first sees features no training spectrum has (a wrong redshift, cosmic rays, other lines), the second combinations
of spectrum and photometry that the network never met.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

_FILL_STEPS = 3  # masked pixels are filled with the projection of the others, and again


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
        self.limits = constant("limits", (self.n_group, 2), "ones")

    def distances(self, flux, error, good, latent):
        """(n, 2) the two distances before they are divided by their limits."""
        back = ops.transpose(self.basis)
        projection = ops.matmul(ops.matmul(ops.where(good, flux, 0.0), self.basis), back)
        for _ in range(_FILL_STEPS):
            projection = ops.matmul(ops.matmul(ops.where(good, flux, projection), self.basis), back)
        chi2 = ops.where(good, (flux - projection) ** 2 / (error**2 + self.misfit**2), 0.0)
        residual = ops.sum(chi2, axis=-1) / ops.maximum(ops.sum(ops.cast(good, "float32"), axis=-1), 1.0)
        offset = ops.matmul(ops.cast(latent, "float32") - self.latent_mean, self.latent_whitening)
        return ops.stack([residual, ops.sqrt(ops.mean(offset**2, axis=-1))], axis=-1)

    def call(self, flux, error, good, latent, groups):
        return ops.max(self.distances(flux, error, good, latent) / ops.matmul(groups, self.limits), axis=-1)

    def load_own_variables(self, store):
        limits = np.asarray(store["4"])  # in files of before 0.3.0 for all noise together
        values = {str(k): store[str(k)] for k in range(4)} | {"4": np.broadcast_to(limits, self.limits.shape)}
        super().load_own_variables(values)

    def get_config(self):
        return {**super().get_config(), "components": self.components, "n_group": self.n_group}
