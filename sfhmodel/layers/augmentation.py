"""Observational effects at random, so that a network learns to live with them.

In this order, for each galaxy anew:

    redshift             s'(lambda) = s(lambda / (1 + dz)),  dz normal
    noise                down to a S/N that is log-uniform, where the spectrum's own is higher
    sky lines            s' = s + <|s|> sum_k a_k G_k,  G_k narrow Gaussians anywhere, a_k normal
    calibration          s' = s exp(sum_k c_k T_k),  T_k Chebyshev polynomials along the spectrum, c_k normal
    ripples              s' = s exp(a sqrt(2/3) sum_{k=1..3} sin(2 pi (x / p_k + q_k))),  x the pixel, a, p_k drawn
    residuals            s' = s (1 + a r),  r a row of a bank of real residuals, moved along the spectrum, a drawn
    missing errors       of all pixels, or of all magnitudes
    masked pixels        runs of them
    partial coverage     all pixels outside of one window
    dropped bands        each on its own; missing photometry: all together
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

from sfhmodel.errors import ConfigError
from sfhmodel.layers.augmentation_options import checked_options
from sfhmodel.layers.observing import (
    N_KERNEL,
    in_runs,
    line_profiles,
    mean_level,
    moved_rows,
    outside_window,
    pixels_in_use,
    polynomials,
    ripples,
    shifted,
    smoothed,
    smoothing_kernels,
    with_noise,
)
from sfhmodel.layers.residual_rows import decoded_rows

_SHIFT_SIGMAS = 3.0  # redshift errors beyond are cut
_MOST_PIXELS = 20
_RIPPLES = 3  # sinusoids


@keras.saving.register_keras_serializable("sfhmodel")
class Augmentation(keras.layers.Layer):
    """Random observational effects, in training only.

    Every switch is None (off) or a dict; ``probability`` is that for one galaxy, 1 unless given.

    Parameters
    ----------
    noise : ``snr``: [low, high] of the log-uniform S/N per pixel (mean flux over mean error) that a spectrum is brought
        down to if its own is higher; ``probability``. Spectra without errors count as noise-free; those that get noise
        have errors afterwards. With ``correlation_pixels``, [low, high], neighbouring pixels share it, as after
        resampling: it is smoothed by a Gaussian of a FWHM among four from low to high; errors stay those of each pixel.
    sky_lines : ``lines``: most residuals of sky lines; ``amplitude``: rms of their heights, of either sign, over the
        mean flux; ``pixels``: [low, high] of their log-uniform FWHM; ``probability``. The errors know nothing of them.
    masked_pixels : ``runs``: most runs of pixels to mask; ``length``: most pixels in one; ``probability``. Their
        flux becomes 0.
    partial_coverage : ``shortest``: least share of the pixels that one window anywhere along the spectrum leaves, up to
        all of them; ``probability``. Pixels outside are masked, as those of another instrument's range.
    dropped_bands : ``probability`` for each band to be missing (NaN).
    missing_photometry : ``probability`` for all bands to be missing.
    calibration : ``amplitude``: rms of the natural logarithm of the factor, e.g. 0.03; ``order`` of the polynomial;
        ``probability``. The photometry stays, so that its colours and the spectrum disagree.
    ripples : ``amplitude``: [low, high] of the log-uniform rms of the natural logarithm of the factor; ``pixels``:
        [low, high] of the log-uniform periods of its three sinusoids; ``probability``. The photometry stays.
    residuals : ``bank``: rows of residuals of observed spectra, as `sfhmodel.layers.residual_rows` encodes them (in the
        config of a training, the file that `sfhmodel residuals` wrote); ``amplitude``: [low, high] of the log-uniform
        factor on a row drawn at random; ``shift_pixels``: the row is moved by up to as many pixels either way, its ends
        mirrored, anywhere unless given; ``probability``. The photometry stays.
    redshift : ``sigma`` of the error dz; ``probability``. Needs ``wave_aa``. Mask and errors stay where they are.
    missing_errors : ``probability`` for the errors of the spectrum to be unknown (0), and for those of the magnitudes
        (NaN), independently.
    wave_aa : (n_pixel,) wavelengths, for the redshift.
    seed : of the random numbers; their state is saved with the model.

    Call arguments
    --------------
    inputs : dict of a model's inputs; never modified.
    training : whether to do anything.

    Returns
    -------
    dict
        Of the same keys and shapes.

    Raises
    ------
    ConfigError
        An unknown or missing option, an impossible number, a bank or wavelengths that don't fit the spectra, redshift
        errors of more than 20 pixels, or masks that may cover a whole spectrum.
    """

    def __init__(
        self,
        noise: dict | None = None,
        masked_pixels: dict | None = None,
        dropped_bands: dict | None = None,
        missing_photometry: dict | None = None,
        calibration: dict | None = None,
        redshift: dict | None = None,
        missing_errors: dict | None = None,
        sky_lines: dict | None = None,
        ripples: dict | None = None,
        partial_coverage: dict | None = None,
        residuals: dict | None = None,
        wave_aa=None,
        seed: int = 0,
        **kwargs,
    ):
        kwargs["dtype"] = "float32"  # also under mixed precision
        super().__init__(**kwargs)
        self.options = checked_options(
            redshift=redshift,
            noise=noise,
            sky_lines=sky_lines,
            calibration=calibration,
            ripples=ripples,
            residuals=residuals,
            missing_errors=missing_errors,
            masked_pixels=masked_pixels,
            partial_coverage=partial_coverage,
            dropped_bands=dropped_bands,
            missing_photometry=missing_photometry,
        )
        self.wave_aa = None if wave_aa is None else [float(wave) for wave in wave_aa]
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
            raise ConfigError(f"augmentation: seed must be an integer from 0 to 2^31 - 1, not {seed!r}")
        self.seed = seed
        self._seeds = keras.random.SeedGenerator(seed)
        if self.options["redshift"]:
            self._pixels_per_dz = _pixels_per_dz(self.wave_aa)
            self._most_pixels = _most_pixels(self._pixels_per_dz, self.options["redshift"]["sigma"])

    def build(self, input_shape):
        n_pixel = input_shape["flux"][-1]
        if self.options["redshift"] and self._pixels_per_dz.size != n_pixel:
            raise ConfigError(
                f"augmentation redshift: {self._pixels_per_dz.size} wavelengths for spectra of {n_pixel} pixels"
            )
        if (runs := self.options["masked_pixels"]) and runs["runs"] * runs["length"] >= n_pixel:
            raise ConfigError(
                f"augmentation masked_pixels: {runs['runs']} runs of {runs['length']} can mask all {n_pixel} pixels"
            )
        if residuals := self.options["residuals"]:
            self._residual_rows = decoded_rows(residuals["bank"])
            if self._residual_rows.shape[1] != n_pixel:
                raise ConfigError(
                    f"augmentation residuals: rows of {self._residual_rows.shape[1]} pixels for spectra of {n_pixel}"
                )
        if correlation := (self.options["noise"] or {}).get("correlation_pixels"):
            self._kernels = smoothing_kernels(*correlation)
        if calibration := self.options["calibration"]:
            self._polynomials = polynomials(n_pixel, calibration["order"], calibration["amplitude"])

    def call(self, inputs, training=False):
        out = dict(inputs)
        if training:
            good = pixels_in_use(inputs["flux"], inputs["mask"])
            for name, options in self.options.items():
                if options is not None:
                    out.update(getattr(self, f"_with_{name}")(out, good, **options))
        return out

    def compute_output_shape(self, input_shape):
        return dict(input_shape)

    def get_config(self):
        return {**super().get_config(), **self.options, "wave_aa": self.wave_aa, "seed": self.seed}

    def save_own_variables(self, store):
        store["random_state"] = self._seeds.state  # Keras itself leaves it out

    def load_own_variables(self, store):
        self._seeds.state.assign(store["random_state"])

    # -- one method for each switch: what it changes of the inputs ----------------------------------------------------

    def _with_redshift(self, inputs, good, sigma, probability):
        flux = inputs["flux"]
        dz = ops.where(self._chosen(flux, probability), sigma * self._normal((ops.shape(flux)[0], 1)), 0.0)
        shift = -dz / (1.0 + dz) * self._pixels_per_dz
        return {"flux": shifted(flux, good, shift, self._most_pixels)}

    def _with_noise(self, inputs, good, snr, probability, correlation_pixels=None):
        flux, error = inputs["flux"], inputs["flux_error"]
        low, high = (math.log(limit) for limit in snr)
        inverse = ops.exp(-self._uniform((ops.shape(flux)[0], 1), low, high))
        inverse = ops.where(self._chosen(flux, probability), inverse, 0.0)
        normal = self._normal(ops.shape(flux)) if correlation_pixels is None else self._correlated(ops.shape(flux))
        flux, error = with_noise(flux, error, good, inverse, normal)
        return {"flux": flux, "flux_error": error}

    def _with_sky_lines(self, inputs, good, lines, amplitude, pixels, probability):
        flux = inputs["flux"]
        shape = ops.shape(flux)[0], lines
        count = ops.floor(self._uniform((shape[0], 1), 1.0, lines + 1.0))
        count = ops.where(self._chosen(flux, probability), count, 0.0)
        there = ops.cast(ops.arange(lines, dtype="float32") < count, "float32")
        height = amplitude * there * self._normal(shape)
        lines_of_sky = line_profiles(flux.shape[-1], self._uniform(shape), self._log_uniform(shape, pixels), height)
        return {"flux": flux + mean_level(flux, good) * lines_of_sky}

    def _with_calibration(self, inputs, good, amplitude, order, probability):
        coefficients = self._normal((ops.shape(inputs["flux"])[0], order))
        coefficients = ops.where(self._chosen(inputs["flux"], probability), coefficients, 0.0)
        factor = ops.exp(ops.matmul(coefficients, self._polynomials))
        return {name: inputs[name] * factor for name in ("flux", "flux_error")}

    def _with_ripples(self, inputs, good, amplitude, pixels, probability):
        n, n_pixel = ops.shape(inputs["flux"])[0], inputs["flux"].shape[-1]
        rms = ops.where(self._chosen(inputs["flux"], probability), self._log_uniform((n, 1), amplitude), 0.0)
        shape = n, _RIPPLES
        factor = ops.exp(rms * ripples(n_pixel, self._log_uniform(shape, pixels), self._uniform(shape)))
        return {name: inputs[name] * factor for name in ("flux", "flux_error")}

    def _with_residuals(self, inputs, good, bank, amplitude, probability, shift_pixels=None):
        n_row, n_pixel = self._residual_rows.shape
        shape = ops.shape(inputs["flux"])[0], 1
        factor = ops.where(self._chosen(inputs["flux"], probability), self._log_uniform(shape, amplitude), 0.0)
        row = ops.floor(self._uniform(shape, 0.0, float(n_row)))
        reach = n_pixel if shift_pixels is None else min(shift_pixels, n_pixel)
        shift = ops.floor(self._uniform(shape, -float(reach), reach + 1.0))
        factor = ops.maximum(1.0 + factor * moved_rows(self._residual_rows, row, shift), 0.0)
        return {name: inputs[name] * factor for name in ("flux", "flux_error")}

    def _with_missing_errors(self, inputs, good, probability):
        error, magnitude_error = inputs["flux_error"], inputs["magnitude_errors"]
        return {
            "flux_error": ops.where(self._chosen(error, probability), 0.0, error),
            "magnitude_errors": ops.where(self._chosen(error, probability), math.nan, magnitude_error),
        }

    def _with_masked_pixels(self, inputs, good, runs, length, probability):
        n, n_pixel = ops.shape(inputs["flux"])[0], inputs["flux"].shape[-1]
        lengths = ops.floor(self._uniform((n, runs), 1.0, length + 1.0))
        count = ops.floor(self._uniform((n, 1), 1.0, runs + 1.0))
        count = ops.where(self._chosen(inputs["flux"], probability), count, 0.0)
        hit = in_runs(n_pixel, self._uniform((n, runs)), lengths, count)
        return {name: ops.where(hit, 0.0, inputs[name]) for name in ("flux", "mask")}

    def _with_partial_coverage(self, inputs, good, shortest, probability):
        n, n_pixel = ops.shape(inputs["flux"])[0], inputs["flux"].shape[-1]
        length = ops.ceil(self._uniform((n, 1), shortest * n_pixel, float(n_pixel)))
        outside = outside_window(n_pixel, self._uniform((n, 1)), length)
        lost = ops.logical_and(self._chosen(inputs["flux"], probability), outside)
        return {name: ops.where(lost, 0.0, inputs[name]) for name in ("flux", "mask")}

    def _with_dropped_bands(self, inputs, good, probability):
        return _missing(inputs, self._uniform(ops.shape(inputs["magnitudes"])) < probability)

    def _with_missing_photometry(self, inputs, good, probability):
        return _missing(inputs, self._chosen(inputs["magnitudes"], probability))

    # -- random numbers -----------------------------------------------------------------------------------------------

    def _uniform(self, shape, low=0.0, high=1.0):
        return keras.random.uniform(shape, low, high, dtype="float32", seed=self._seeds)

    def _normal(self, shape):
        return keras.random.normal(shape, dtype="float32", seed=self._seeds)

    def _log_uniform(self, shape, limits):
        return ops.exp(self._uniform(shape, *(math.log(limit) for limit in limits)))

    def _correlated(self, shape):
        """Standard normal numbers that neighbouring pixels share, by one of the kernels for each galaxy."""
        n, n_pixel = shape
        which = ops.floor(self._uniform((n, 1), 0.0, float(N_KERNEL)))
        return smoothed(self._normal((n, n_pixel + self._kernels.shape[0] - 1)), self._kernels, which)

    def _chosen(self, values, probability):
        """(n, 1) bool, which galaxies of the batch it happens to."""
        return self._uniform((ops.shape(values)[0], 1)) < probability


def _missing(inputs, where):
    return {name: ops.where(where, math.nan, inputs[name]) for name in ("magnitudes", "magnitude_errors")}


def _pixels_per_dz(wave_aa) -> np.ndarray:
    """(n_pixel,) lambda / (d lambda / d pixel)."""
    if wave_aa is None:
        raise ConfigError("augmentation redshift needs wave_aa, the wavelengths of the pixels")
    wave_aa = np.asarray(wave_aa)
    if wave_aa.ndim != 1 or wave_aa.size < 2 or not np.all(np.diff(wave_aa) > 0) or not wave_aa[0] > 0:
        raise ConfigError("augmentation redshift: wave_aa must be positive and increase from pixel to pixel")
    return (wave_aa / np.gradient(wave_aa)).astype(np.float32)


def _most_pixels(pixels_per_dz: np.ndarray, sigma: float) -> int:
    most = math.ceil(_SHIFT_SIGMAS * sigma * float(pixels_per_dz.max()))
    if most > _MOST_PIXELS:
        raise ConfigError(
            f"augmentation redshift: sigma {sigma:g} may shift spectra by {most} pixels, {_MOST_PIXELS} are possible"
        )
    return max(most, 1)
