"""Second views of observed spectra: what must not change the answer, and what is hidden to be guessed.

consistency      the answers for a spectrum and for the same with noise, masked pixels, a small error of its redshift
reconstruction   masked runs of pixels, of the features of the others
"""

from __future__ import annotations

import keras
from keras import ops

from sfhmodel.layers.augmentation import Augmentation

_REDSHIFT_SIGMA = 5e-5
_CLIP = 5.0  # of standardised pixels: lines are not to count alone
_METALLICITY, _SUMMARY = 0.3, 0.1  # weights beside those of the cumulative fractions, which are of order 0.1


def second_views(wave_aa, seed: int) -> Augmentation:
    """The augmentation that makes a second view of spectra on these wavelengths (n_pixel,)."""
    return Augmentation(
        noise={"snr": [10.0, 100.0], "probability": 0.5},
        masked_pixels={"runs": 4, "length": max(len(wave_aa) // 50, 1), "probability": 1.0},
        redshift={"sigma": _REDSHIFT_SIGMA, "probability": 1.0},
        wave_aa=[float(wave) for wave in wave_aa],
        seed=seed,
        name="second_views",
    )


def holes(n_pixel: int, seed: int) -> Augmentation:
    """The augmentation that hides what is to be reconstructed."""
    return Augmentation(
        masked_pixels={"runs": 4, "length": max(n_pixel // 12, 1), "probability": 1.0}, seed=seed, name="holes"
    )


def inconsistency(first, second, summary_scale):
    """How far the answers for second views are from those for the first, which do not learn from it.

    Parameters
    ----------
    first, second : `LearningAnswer` of n spectra.
    summary_scale : (n_summary,) standard deviations of the summaries.
    """

    def difference(name):
        return ops.abs(getattr(second, name) - ops.stop_gradient(getattr(first, name)))

    return (
        ops.mean(ops.cumsum(difference("mass_fraction"), axis=-1))
        + ops.mean(difference("cumulative_quantiles"))
        + _METALLICITY * ops.mean(difference("log10_metallicity_quantiles"))
        + _SUMMARY * ops.mean(difference("summary_quantiles") / summary_scale[:, None])
    )


def decoder(n_feature: int, n_pixel: int, units: int = 128) -> keras.Model:
    """Features (n, n_feature) to standardised pixels (n, n_pixel)."""
    inputs = keras.Input((n_feature,))
    hidden = keras.layers.Dense(units, activation="relu", name="decoder_hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(n_pixel, name="decoded")(hidden), name="decoder")


def reconstruction(decoded, features: dict, mask, left):
    """Mean square error of the pixels that were in use (``mask``) and hidden (``left`` 0), in standard deviations.

    Parameters
    ----------
    decoded : (n, n_pixel) of the features of the spectra with holes.
    features : normalised inputs of the whole spectra.
    mask, left : (n, n_pixel) masks of the whole spectra and of those with holes.
    """
    hidden = (1.0 - features["ignored"]) * ops.cast(mask > 0.5, "float32") * ops.cast(left < 0.5, "float32")
    error = decoded - ops.clip(features["continuum"], -_CLIP, _CLIP)
    return ops.sum(hidden * error**2) / ops.maximum(ops.sum(hidden), 1.0)
