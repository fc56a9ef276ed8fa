"""Simulated spectra carried to where the observed ones are, by the shortest linear way between two Gaussians.

    x' = m_t + (x - m_s) + (P^T (x - m_s)) (T - 1) P^T,   T = S^{-1/2} (S^{1/2} O S^{1/2})^{1/2} S^{-1/2}

x is a spectrum over its mean, m_s and m_t the means of weighted simulated and of observed spectra, S and O their
covariances on P, the principal components of both. T is the linear Monge map (Peyre & Cuturi 2019, Found. Trends Mach.
Learn. 11, 355, eq. 2.40). What makes all stars or nebulae of one maker differ from those of another is in it, as far as
it goes with the spectrum; labels stay. Noise must not be stretched: both covariances are taken with that of the
simulation.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from sfhmodel.layers.novelty import nearest_sum

_FLOOR = 1e-6  # of eigenvalues, over the largest


class LinearTransport(keras.layers.Layer):
    """The map as a layer; the identity until `fit`.

    Parameters
    ----------
    n_pixel : of the spectra.
    components : of P, at most.
    stretch : largest eigenvalue of T, and one over the least.

    Call arguments
    --------------
    inputs : of a model.
    scaled : of `SpectrumNormalization.scale` of these.

    Returns
    -------
    dict
        The inputs with another ``flux``; errors, mask and magnitudes stay.
    """

    def __init__(self, n_pixel: int, components: int = 40, stretch: float = 5.0, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.components, self.stretch = max(1, min(components, n_pixel // 2)), stretch
        self.mean = self.add_weight(shape=(n_pixel,), initializer="zeros", name="mean")
        self.shift = self.add_weight(shape=(n_pixel,), initializer="zeros", name="shift")
        self.basis = self.add_weight(shape=(n_pixel, self.components), initializer="zeros", name="basis")
        self.change = self.add_weight(shape=(self.components, n_pixel), initializer="zeros", name="change")
        self.built = True

    def fit(self, simulated: dict, observed: dict, weight: np.ndarray) -> None:
        """Set the map by scaled spectra: ``flux`` (without gaps), ``good``, ``error`` (n, n_pixel), weights (n,)."""
        weight_t = np.ones(len(observed["flux"]))
        mean_s, mean_t = _mean(simulated["flux"], weight), _mean(observed["flux"], weight_t)
        own_s, own_t = _covariance(simulated["flux"] - mean_s, weight), _covariance(observed["flux"] - mean_t, weight_t)
        own_t = own_t + np.diag(_noise(simulated, weight) - _noise(observed, weight_t))
        basis = np.linalg.eigh(own_s + own_t)[1][:, ::-1][:, : self.components]
        matrix = monge_map(basis.T @ own_s @ basis, basis.T @ own_t @ basis, self.stretch)
        self.mean.assign(mean_s)
        self.shift.assign(mean_t - mean_s)
        self.basis.assign(basis)
        self.change.assign((matrix - np.eye(len(matrix))) @ basis.T)

    def call(self, inputs: dict, scaled: dict) -> dict:
        offset = filled(scaled["flux"] - self.mean, scaled["good"], self.basis)
        moved = self.shift + ops.matmul(ops.matmul(offset, self.basis), self.change)
        unit = scaled["mean"] * scaled["largest"]
        flux = ops.cast(inputs["flux"], "float32")
        return {**inputs, "flux": ops.where(scaled["good"], flux + moved * unit, flux)}


def filled(values, good, basis):
    """Rows (n, n_pixel) whose pixels that are not good come from the good ones by a basis (n_pixel, k)."""
    return ops.where(good, values, nearest_sum(values, good, basis))


def monge_map(source: np.ndarray, target: np.ndarray, stretch: float = np.inf) -> np.ndarray:
    """The symmetric matrix (k, k) that takes a Gaussian of one covariance to one of the other; stretches are cut."""
    root, inverse = _root(source, 0.5), _root(source, -0.5)
    matrix = inverse @ _root(root @ target @ root, 0.5) @ inverse
    value, vector = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return (vector * np.clip(value, 1.0 / stretch, stretch)) @ vector.T


def _root(matrix: np.ndarray, power: float) -> np.ndarray:
    """Of a symmetric matrix, whose small or negative eigenvalues are raised."""
    value, vector = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return (vector * np.maximum(value, _FLOOR * value.max()) ** power) @ vector.T


def _mean(flux: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(n_pixel,)"""
    return weight @ flux / weight.sum()


def _noise(scaled: dict, weight: np.ndarray) -> np.ndarray:
    """(n_pixel,) mean variance of the noise; filled pixels have none."""
    return weight @ (scaled["good"] * scaled["error"] ** 2) / weight.sum()


def _covariance(offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (offset * weight[:, None]).T @ offset / weight.sum()
