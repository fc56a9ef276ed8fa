"""From physical inputs to numbers of order one, inside the model.

A spectrum f with good pixels g is divided by its mean over them, so that neither unit nor distance nor aperture matter:

    s_i = f_i / <f>_g ,    continuum_i = (s_i - mean_i) / std_i ,    lines_i = (s_i / S_i - 1 - mean'_i) / std'_i

with S a running mean of s over good pixels, and mean, std over the training data (`fit_normalization`). Magnitudes
become colours with respect to their own mean, independent of the spectrum. Pixels that are masked, or not finite, or
bands that are missing enter as zeros with a flag beside them: their values never matter.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

_TINY = 1e-30
_LOG10 = 2.302585092994046
_BIN_PIXELS = 16  # the running mean is made of sums over bins
_MAX_ERROR = 1e3  # in units of the mean flux
_TYPICAL_ERROR_MAG = 0.05  # taken where an error is unknown
_CLIP = 30.0  # of standardised values: one bad pixel must not drown the rest
_LOG10_NOISE_RANGE = (-4.0, 0.5)  # of noise over mean flux; beyond it more or less makes no difference


def _mean(values, count):
    """(n, 1) sum of values over count; 0 where there is none."""
    return ops.sum(values, axis=-1, keepdims=True) / ops.maximum(count, 1.0)


def _count(flags):
    return ops.sum(ops.cast(flags, "float32"), axis=-1, keepdims=True)


def smoothing_matrix(n_pixel: int, half_width: int, bin_pixels: int) -> np.ndarray:
    """(n_bin, n_pixel) triangular weights, of this half width at half maximum, of bins of pixels in a running mean."""
    centre = (np.arange(-(-n_pixel // bin_pixels)) + 0.5) * bin_pixels - 0.5
    distance = np.abs(np.arange(n_pixel)[None, :] - centre[:, None])
    # wider than a bin, so that every pixel has one
    return np.maximum(1.0 - distance / (2.0 * max(half_width, bin_pixels)), 0.0).astype(np.float32)


@keras.saving.register_keras_serializable("sfhmodel")
class SpectrumNormalization(keras.layers.Layer):
    """Scale-free channels of spectra.

    Parameters
    ----------
    half_width : pixels, half width at half maximum of the triangular running mean that lines are measured against.

    Call arguments
    --------------
    flux, flux_error, mask : (n, n_pixel) each; any unit, mask 1 = use; errors not finite or not positive are unknown.

    Returns
    -------
    dict
        ``continuum``, ``lines`` (n, n_pixel): standardised, 0 where ignored; ``ignored`` (n, n_pixel): 1 where so;
        ``noise`` (n, 1): log10 of the rms error over the mean flux; ``flux`` (n, n_pixel): divided by the mean, 0 where
        ignored; ``scale`` (n, 1), ``rms`` (n, 1): the mean, and the rms error in units of it.
    """

    def __init__(self, half_width: int = 50, **kwargs):
        kwargs["dtype"] = "float32"  # also under mixed precision
        super().__init__(**kwargs)
        self.half_width = half_width

    def build(self, flux_shape, flux_error_shape=None, mask_shape=None):
        n_pixel = flux_shape[-1]
        self.mean = self.add_weight(name="mean", shape=(2, n_pixel), initializer="zeros", trainable=False)
        self.std = self.add_weight(name="std", shape=(2, n_pixel), initializer="ones", trainable=False)
        self._bin = max(1, min(_BIN_PIXELS, n_pixel))
        self._smoothing = smoothing_matrix(n_pixel, self.half_width, self._bin)

    def scale(self, flux, flux_error, mask) -> dict:
        """``flux``, ``good``, ``scale``, ``rms`` and ``noise`` of `call`."""
        good = ops.logical_and(mask > 0.5, ops.isfinite(flux))
        n_good = _count(good)
        flux = ops.where(good, flux, 0.0)
        # first by the largest value, so that squares and sums of tiny or huge units stay in range
        largest = ops.maximum(ops.max(ops.abs(flux), axis=-1, keepdims=True), _TINY)
        flux = flux / largest
        mean = _mean(flux, n_good)
        mean = ops.where(mean > 1e-3, mean, ops.maximum(_mean(ops.abs(flux), n_good), 1e-3))
        flux = flux / mean
        known = known_errors(flux_error, good)
        n_known = _count(known)
        error = ops.minimum(ops.where(known, flux_error / largest, 0.0) / mean, _MAX_ERROR)
        rms = ops.sqrt(_mean(error * error, n_known))
        rms = ops.cond(
            ops.any(n_known < 0.5), lambda: ops.where(n_known < 0.5, _noise_of(flux, good), rms), lambda: rms
        )
        low, high = _LOG10_NOISE_RANGE
        noise = ops.clip(ops.log(ops.maximum(rms, 1e-6)) / _LOG10, low, high)
        return {"flux": flux, "good": good, "largest": largest, "mean": mean, "rms": rms, "noise": noise}

    def errors(self, scaled: dict, flux_error):
        """(n, n_pixel) errors in units of the mean flux; the rms where unknown."""
        known = known_errors(flux_error, scaled["good"])
        error = ops.minimum(ops.where(known, flux_error / scaled["largest"], 0.0) / scaled["mean"], _MAX_ERROR)
        return ops.where(known, error, scaled["rms"])

    def features(self, flux, good) -> tuple:
        """Continuum and lines (n, n_pixel) of scaled spectra before standardisation."""
        smooth = self._binned(flux) / ops.maximum(self._binned(ops.cast(good, "float32")), 1e-3)
        lines = ops.where(good, flux / ops.maximum(smooth, 0.01) - 1.0, 0.0)
        return flux, ops.clip(lines, -3.0, 30.0)

    def _binned(self, values):
        n_pixel = values.shape[-1]
        n_bin = self._smoothing.shape[0]
        padded = ops.pad(values, [[0, 0], [0, n_bin * self._bin - n_pixel]])
        sums = ops.sum(ops.reshape(padded, (-1, n_bin, self._bin)), axis=-1)
        return ops.matmul(sums, ops.convert_to_tensor(self._smoothing))

    def call(self, flux, flux_error, mask):
        scaled = self.scale(flux, flux_error, mask)
        good = scaled["good"]
        continuum, lines = (
            ops.clip(ops.where(good, (values - self.mean[i]) / self.std[i], 0.0), -_CLIP, _CLIP)
            for i, values in enumerate(self.features(scaled["flux"], good))
        )
        return {**scaled, "continuum": continuum, "lines": lines, "ignored": 1.0 - ops.cast(good, "float32")}

    def get_config(self):
        return {**super().get_config(), "half_width": self.half_width}


def known_errors(flux_error, good):
    """Where errors are usable: finite, positive, of good pixels."""
    return ops.logical_and(good, ops.logical_and(ops.isfinite(flux_error), flux_error > 0.0))


def _noise_of(flux, good):
    """(n, 1) rms noise estimated from second differences, for spectra without errors.

    White noise of rms sigma has second differences of rms sqrt(6) sigma and mean size sqrt(2/pi) times that.
    """
    difference = flux[:, 2:] - 2.0 * flux[:, 1:-1] + flux[:, :-2]
    usable = ops.logical_and(good[:, 2:], ops.logical_and(good[:, 1:-1], good[:, :-2]))
    return _mean(ops.where(usable, ops.abs(difference), 0.0), _count(usable)) * (3.141592653589793 / 12.0) ** 0.5


@keras.saving.register_keras_serializable("sfhmodel")
class PhotometryNormalization(keras.layers.Layer):
    """Colours with respect to the mean of the magnitudes that are there, flags and errors.

    Call arguments
    --------------
    magnitudes, magnitude_errors : (n, n_band) AB mag; NaN where missing or unknown.

    Returns
    -------
    (n, 3 n_band): standardised colours, 1 where missing, log10 of the errors (0 where unknown).
    """

    def __init__(self, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def build(self, magnitudes_shape, magnitude_errors_shape=None):
        shape = (magnitudes_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.std = self.add_weight(name="std", shape=shape, initializer="ones", trainable=False)

    def colours(self, magnitudes):
        """Colours (n, n_band), 0 where missing, and (n, n_band) where they are present."""
        present = ops.isfinite(magnitudes)
        magnitudes = ops.where(present, magnitudes, 0.0)
        return ops.where(present, magnitudes - _mean(magnitudes, _count(present)), 0.0), present

    def call(self, magnitudes, magnitude_errors):
        colours, present = self.colours(magnitudes)
        colours = ops.clip(ops.where(present, (colours - self.mean) / self.std, 0.0), -_CLIP, _CLIP)
        known = known_errors(magnitude_errors, present)
        error = ops.clip(ops.where(known, magnitude_errors, _TYPICAL_ERROR_MAG), 1e-3, 3.0)
        log10_error = ops.log(error / _TYPICAL_ERROR_MAG) / _LOG10
        return ops.concatenate([colours, 1.0 - ops.cast(present, "float32"), log10_error], axis=-1)
