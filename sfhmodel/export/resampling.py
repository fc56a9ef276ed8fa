"""Any observed spectrum onto the model's grid, in TensorFlow's graph: shift in redshift, flux-conserving rebinning.

The rules are those of `sfhmodel.spectra.prepare`. Pixels are piecewise constant between the midpoints of their centres.
With R_kj the overlap of native pixel j and model pixel k, and g_j = 1 where j is good, 0 elsewhere,

    flux_k = sum_j R_kj g_j f_j / sum_j R_kj g_j,      error_k^2 = sum_j (R_kj g_j e_j)^2 / (sum_j R_kj g_j)^2.

R is not formed, since every spectrum may have its own: sums over j are differences of cumulative sums, taken in double
precision, between the native pixels that hold the two edges of k, whose shares are added. Errors are approximate in
that correlations between model pixels that share a native one are neglected. Model pixels that are not wholly on the
observed range, or whose good share is too small, are masked.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from sfhmodel.description import ModelDescription
from sfhmodel.spectra.frame import TrainingFrame
from sfhmodel.spectra.options import PreparationSettings


class GridResampler:
    """Brings spectra to the frame and the grid of a model.

    Parameters
    ----------
    description : of the model.
    """

    def __init__(self, description: ModelDescription):
        self._edges_aa = _edges(description.wave_aa[None], np.concatenate)[0]
        self._frame = TrainingFrame.of(description)
        self._least_share = PreparationSettings().min_good_fraction

    def __call__(self, wavelength_aa, flux, flux_error, mask, redshift):
        """Spectra on the model's grid.

        Parameters
        ----------
        wavelength_aa : (m,), (1, m) or (n, m) float64, pixel centres as observed, in air, increasing.
        flux, flux_error, mask : (n, m) float32; see `sfhmodel.export.interface`.
        redshift : scalar, (1,) or (n,) float64.

        Returns
        -------
        flux, flux_error, mask : (n, n_pixel) float32; the first two over the mean absolute flux of each spectrum.
        coverage : (n,) float32, share of the model's pixels that are used.

        Raises
        ------
        tensorflow.errors.InvalidArgumentError
            When the graph runs: wavelengths that do not increase, redshifts of -1 or less, shapes that do not fit.
        """
        native_aa = self._in_frame(_native_edges(wavelength_aa, tf.shape(flux)), redshift)
        flux, flux_error, good, errors_known = _clean(flux, flux_error, mask)
        overlaps = _Overlaps(native_aa, self._edges_aa)
        good_aa = overlaps.sum(good)
        used = (good_aa >= self._least_share * np.diff(self._edges_aa)) & self._on_range(native_aa)
        good_aa = tf.where(used, good_aa, 1.0)
        out_flux = tf.where(used, overlaps.sum(flux) / good_aa, 0.0)
        out_error = tf.sqrt(tf.maximum(overlaps.sum_of_squares(flux_error), 0.0)) / good_aa
        out_error = tf.where(used & errors_known, out_error, np.nan)
        used = tf.cast(used, tf.float32)
        return tf.cast(out_flux, tf.float32), tf.cast(out_error, tf.float32), used, tf.reduce_mean(used, axis=1)

    def _in_frame(self, edges_aa, redshift):
        redshift = tf.reshape(redshift, [-1, 1])
        possible = tf.reduce_all(tf.math.is_finite(redshift) & (redshift > -1.0))
        redshift = _checked(redshift, possible, ["redshift must be finite and greater than -1, got", redshift])
        shown = self._frame.redshift_range[0] if self._frame.is_fixed else redshift
        return edges_aa * (1.0 + shown) / (1.0 + redshift)

    def _on_range(self, native_aa):
        slack = 1e-9 * native_aa[:, -1:]
        edges_aa = tf.constant(self._edges_aa[None])
        return (edges_aa[:, :-1] >= native_aa[:, :1] - slack) & (edges_aa[:, 1:] <= native_aa[:, -1:] + slack)


class _Overlaps:
    """Sums over native pixels with edges (n, m + 1) in model pixels with edges (n_pixel + 1,)."""

    def __init__(self, native_aa, edges_aa):
        self._width_aa = native_aa[:, 1:] - native_aa[:, :-1]
        at = tf.broadcast_to(tf.constant(edges_aa), [tf.shape(native_aa)[0], edges_aa.size])
        pixel = tf.searchsorted(native_aa, at, side="right") - 1
        self._pixel = tf.clip_by_value(pixel, 0, tf.shape(self._width_aa)[1] - 1)
        below_aa = at - self._of_pixel(native_aa)
        self._share = tf.clip_by_value(below_aa / self._of_pixel(self._width_aa), 0.0, 1.0)  # below the edge

    def _of_pixel(self, values):
        """Values (n, m) of the native pixels that hold the edges, (n, n_pixel + 1)."""
        return tf.gather(values, self._pixel, batch_dims=1)

    def sum(self, density):
        """sum_j R_kj density_j: (n, m) to (n, n_pixel)."""
        total = _cumulative(density * self._width_aa)
        at_edge = self._of_pixel(total) + self._share * self._of_pixel(density * self._width_aa)
        return at_edge[:, 1:] - at_edge[:, :-1]

    def sum_of_squares(self, density):
        """sum_j (R_kj density_j)^2: whole pixels between those with the edges, and the cut ones; (n, n_pixel)."""
        squared = (density * self._width_aa) ** 2
        total, cut, share = self._of_pixel(_cumulative(squared)), self._of_pixel(squared), self._share
        between = total[:, 1:] - total[:, :-1] - cut[:, :-1]
        ends = cut[:, :-1] * (1.0 - share[:, :-1]) ** 2 + cut[:, 1:] * share[:, 1:] ** 2
        same = cut[:, 1:] * (share[:, 1:] - share[:, :-1]) ** 2
        return tf.where(self._pixel[:, 1:] > self._pixel[:, :-1], between + ends, same)


def _cumulative(values):
    """Sum (n, m) of the values before each."""
    return tf.cumsum(values, axis=1, exclusive=True)


def _edges(wave_aa, concatenate):
    """Edges (n, m + 1) of pixels with centres (n, m)."""
    middle = 0.5 * (wave_aa[:, 1:] + wave_aa[:, :-1])
    first, last = 2.0 * wave_aa[:, :1] - middle[:, :1], 2.0 * wave_aa[:, -1:] - middle[:, -1:]
    return concatenate([first, middle, last], axis=1)


def _native_edges(wavelength_aa, shape):
    """Edges (n, m + 1) of the native pixels of spectra of this shape (n, m)."""
    size = tf.size(wavelength_aa)
    fits = (shape[1] >= 2) & ((size == shape[1]) | (size == tf.reduce_prod(shape)))
    found = tf.shape(wavelength_aa)
    said = "wavelength_aa and flux must have the same pixels, at least two; their shapes are"
    wavelength_aa = _checked(wavelength_aa, fits, [said, found, shape])
    wave_aa = tf.broadcast_to(tf.reshape(wavelength_aa, [-1, shape[1]]), shape)
    increasing = (wave_aa[:, :1] > 0.0) & (wave_aa[:, 1:] > wave_aa[:, :-1]) & tf.math.is_finite(wave_aa[:, 1:])
    said = "wavelength_aa must be finite, positive and increasing, in Angstrom; it starts with"
    return _edges(_checked(wave_aa, tf.reduce_all(increasing), [said, wave_aa[0, :3]]), tf.concat)


def _checked(values, condition, message):
    """Values that what follows can only see when the condition holds."""
    with tf.control_dependencies([tf.debugging.Assert(condition, message)]):
        return tf.identity(values)


def _clean(flux, flux_error, mask):
    """Flux and error over the mean absolute flux, 0 where bad, and good, (n, m); whether errors are known, (n, 1)."""
    flux, flux_error = tf.cast(flux, tf.float64), tf.cast(flux_error, tf.float64)
    known = tf.math.is_finite(flux_error) & (flux_error > 0.0)
    errors_known = tf.reduce_any(known, axis=1, keepdims=True)
    # among known errors a pixel without one is bad; errors that are nowhere known say nothing about single pixels
    good = tf.math.is_finite(flux) & (mask > 0.5) & (known | ~errors_known)
    flux = tf.where(good, flux, 0.0)
    counted = tf.cast(good, tf.float64)
    count = tf.maximum(tf.reduce_sum(counted, axis=1, keepdims=True), 1.0)
    scale = tf.reduce_sum(tf.abs(flux), axis=1, keepdims=True) / count
    scale = tf.where(scale > 0.0, scale, 1.0)
    return flux / scale, tf.where(good & known, flux_error, 0.0) / scale, counted, errors_known
