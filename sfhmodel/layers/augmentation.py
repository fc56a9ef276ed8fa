"""Observational effects at random, so that a network learns to live with them.

In this order, for each galaxy anew:

    redshift             s'(lambda) = s(lambda / (1 + dz)),  dz normal
    noise                down to a S/N that is log-uniform, where the spectrum's own is higher
    calibration          s' = s exp(sum_k c_k T_k),  T_k Chebyshev polynomials along the spectrum, c_k normal
    missing errors       of all pixels, or of all magnitudes
    masked pixels        runs of them
    dropped bands        each on its own; missing photometry: all together
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

from sfhmodel.errors import ConfigError
from sfhmodel.layers.augmentation_options import checked_options
from sfhmodel.layers.observing import in_runs, pixels_in_use, polynomials, shifted, with_noise

_SHIFT_SIGMAS = 3.0  # redshift errors beyond are cut
_MOST_PIXELS = 20


@keras.saving.register_keras_serializable("sfhmodel")
class Augmentation(keras.layers.Layer):
    """Random observational effects, in training only.

    Every switch is None (off) or a dict; ``probability`` is that for one galaxy, 1 unless given.

    Parameters
    ----------
    noise : ``snr``: [low, high] of the log-uniform S/N per pixel (mean flux over mean error) that a spectrum is brought
        down to if its own is higher; ``probability``. Spectra without errors count as noise-free; those that get noise
        have errors afterwards.
    masked_pixels : ``runs``: most runs of pixels to mask; ``length``: most pixels in one; ``probability``. Their
        flux becomes 0.
    dropped_bands : ``probability`` for each band to be missing (NaN).
    missing_photometry : ``probability`` for all bands to be missing.
    calibration : ``amplitude``: rms of the natural logarithm of the factor, e.g. 0.03; ``order`` of the polynomial;
        ``probability``. The photometry stays, so that its colours and the spectrum disagree.
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
        An unknown or missing option, an impossible number, wavelengths that don't fit the spectra, redshift errors of
        more than 20 pixels, or masks that may cover a whole spectrum.
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
        wave_aa=None,
        seed: int = 0,
        **kwargs,
    ):
        kwargs["dtype"] = "float32"  # also under mixed precision
        super().__init__(**kwargs)
        self.options = checked_options(
            redshift=redshift,
            noise=noise,
            calibration=calibration,
            missing_errors=missing_errors,
            masked_pixels=masked_pixels,
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

    def _with_noise(self, inputs, good, snr, probability):
        flux, error = inputs["flux"], inputs["flux_error"]
        low, high = (math.log(limit) for limit in snr)
        inverse = ops.exp(-self._uniform((ops.shape(flux)[0], 1), low, high))
        inverse = ops.where(self._chosen(flux, probability), inverse, 0.0)
        flux, error = with_noise(flux, error, good, inverse, self._normal(ops.shape(flux)))
        return {"flux": flux, "flux_error": error}

    def _with_calibration(self, inputs, good, amplitude, order, probability):
        coefficients = self._normal((ops.shape(inputs["flux"])[0], order))
        coefficients = ops.where(self._chosen(inputs["flux"], probability), coefficients, 0.0)
        factor = ops.exp(ops.matmul(coefficients, self._polynomials))
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

    def _with_dropped_bands(self, inputs, good, probability):
        return _missing(inputs, self._uniform(ops.shape(inputs["magnitudes"])) < probability)

    def _with_missing_photometry(self, inputs, good, probability):
        return _missing(inputs, self._chosen(inputs["magnitudes"], probability))

    # -- random numbers -----------------------------------------------------------------------------------------------

    def _uniform(self, shape, low=0.0, high=1.0):
        return keras.random.uniform(shape, low, high, dtype="float32", seed=self._seeds)

    def _normal(self, shape):
        return keras.random.normal(shape, dtype="float32", seed=self._seeds)

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
