"""The model: physical inputs, normalisation, network, physical outputs with quantiles and a novelty score."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from sfhmodel import architectures
from sfhmodel.architectures import Interface
from sfhmodel.architectures.interface import CHANNELS
from sfhmodel.description import LOG10_Z_FLOOR, ModelDescription
from sfhmodel.layers import (
    CumulativeQuantiles,
    NoiseGroups,
    NoveltyScore,
    OrderedQuantiles,
    PhotometryNormalization,
    SpectrumNormalization,
)
from sfhmodel.losses import make_losses
from sfhmodel.targets import linked, log10, power10, targets_from_truths, unlinked, within_limits

INPUT_NAMES = ("flux", "flux_error", "mask", "magnitudes", "magnitude_errors")
N_NOISE_GROUP = 4  # whose quantiles are corrected each on its own
_TYPICAL_LOG10_NOISE = -2.0


@keras.saving.register_keras_serializable("sfhmodel")
class StarFormationModel(keras.Model):
    """Spectra and magnitudes to star formation and metallicity histories.

    Parameters
    ----------
    description : ModelDescription or its dict.
    architecture, architecture_options : of `sfhmodel.architectures`.
    losses : {output: {loss: weight}}, see `sfhmodel.losses`; the default where None.
    augmentation : arguments of `sfhmodel.layers.augmentation.Augmentation`, or None for none.
    seed : of the initial weights.

    Call arguments
    --------------
    inputs : dict
        ``flux``, ``flux_error``, ``mask`` (n, n_pixel) and ``magnitudes``, ``magnitude_errors`` (n, n_band). Any flux
        unit; errors not finite or not positive are unknown; mask 1 = use; AB magnitudes, NaN where missing.

    Returns
    -------
    dict
        ``mass_fraction`` (n, n_age_bin); ``metallicity`` (n, n_age_bin) Z and ``summaries`` (n, n_summary): medians;
        ``cumulative_quantiles`` and ``metallicity_quantiles`` (n, n_age_bin, n_level), ``summary_quantiles``
        (n, n_summary, n_level), and, when not training, ``novelty`` (n,): above 1 is unlike the training data.
    """

    def __init__(
        self,
        description: ModelDescription | dict,
        architecture: str = "attention",
        architecture_options: dict | None = None,
        losses: dict | None = None,
        augmentation: dict | None = None,
        seed: int = 0,
        **kwargs,
    ):
        # mixed precision is for the network; physical inputs and outputs stay in float32
        super().__init__(**{**kwargs, "dtype": "float32"})
        if isinstance(description, dict):
            description = ModelDescription.from_dict(description)
        self.description = description
        self.architecture = architecture
        self.architecture_options = dict(architecture_options or {})
        self.seed = seed
        self._loss_weights = losses
        self._terms = make_losses(losses, description.quantile_levels)
        self._augmentation = augmentation
        self._make_layers()
        self._mean = MeanOverSamples()
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self._metric_names()}
        self.build()

    def _make_layers(self) -> None:
        d, levels, summaries = self.description, len(self.description.quantile_levels), self.description.summary_names
        self.spectrum_normalization = SpectrumNormalization(name="spectrum_normalization")
        self.photometry_normalization = PhotometryNormalization(name="photometry_normalization")
        interface = Interface(d.n_pixel, d.n_band, d.n_age_bin, levels, summaries)
        keras.utils.set_random_seed(self.seed)
        self.network = architectures.build(self.architecture, interface, **self.architecture_options)
        self.noise_groups = NoiseGroups(N_NOISE_GROUP, name="noise_groups")
        self.cumulative = CumulativeQuantiles(d.n_age_bin, levels, N_NOISE_GROUP, name="cumulative")
        self.metallicity = OrderedQuantiles(d.n_age_bin, levels, N_NOISE_GROUP, name="metallicity")
        self.summary = OrderedQuantiles(len(summaries), levels, N_NOISE_GROUP, name="summary")
        self.novelty = NoveltyScore(name="novelty")
        self.augmentation = None
        if self._augmentation:
            from sfhmodel.layers.augmentation import Augmentation

            self.augmentation = Augmentation(**self._augmentation, name="augmentation")

    def build(self, input_shape=None) -> None:
        d, latent = self.description, self.network.output["latent"].shape
        spectrum, bands = (None, d.n_pixel), (None, d.n_band)
        self.spectrum_normalization.build(spectrum, spectrum, spectrum)
        self.photometry_normalization.build(bands, bands)
        self.noise_groups.build((None, 1))
        for layer, name in (
            (self.cumulative, "cumulative_quantiles"),
            (self.metallicity, "metallicity_quantiles"),
            (self.summary, "summary_quantiles"),
        ):
            layer.build(self.network.output[name].shape)
        self.novelty.build(spectrum, spectrum, spectrum, latent)
        self.built = True

    # --- from inputs to outputs ---------------------------------------------------------------------------------

    def normalize(self, inputs: dict) -> tuple[dict, dict]:
        """Inputs of the network, and the scaled spectrum (`SpectrumNormalization`)."""
        flux, flux_error, mask, magnitudes, errors = (ops.cast(inputs[name], "float32") for name in INPUT_NAMES)
        scaled = self.spectrum_normalization(flux, flux_error, mask)
        features = {
            **{name: scaled[name] for name in CHANNELS},
            "noise": scaled["noise"] - _TYPICAL_LOG10_NOISE,
            "photometry": self.photometry_normalization(magnitudes, errors),
        }
        return features, scaled

    def call(self, inputs: dict, training: bool | None = None) -> dict:
        if training and self.augmentation is not None:
            inputs = self.augmentation(inputs, training=True)
        features, scaled = self.normalize(inputs)
        raw = self.network(features, training=training)
        outputs = self._physical(raw, self.noise_groups(scaled["noise"]), training)
        if not training:
            outputs["summary_quantiles"] = within_limits(outputs["summary_quantiles"], self.summary.highest)
            error = self.spectrum_normalization.errors(scaled, ops.cast(inputs["flux_error"], "float32"))
            outputs["novelty"] = self.novelty(scaled["flux"], error, scaled["good"], raw["latent"])
        outputs["summaries"] = outputs["summary_quantiles"][:, :, len(self.description.quantile_levels) // 2]
        return outputs

    def _physical(self, raw: dict, groups, training) -> dict:
        metallicity_quantiles = power10(self.metallicity(raw["metallicity_quantiles"], groups, training=training))
        median = len(self.description.quantile_levels) // 2
        return {
            "mass_fraction": ops.softmax(raw["mass"], axis=-1),
            "metallicity": metallicity_quantiles[:, :, median],
            "cumulative_quantiles": self.cumulative(raw["cumulative_quantiles"], groups),
            "metallicity_quantiles": metallicity_quantiles,
            "summary_quantiles": unlinked(self.summary(raw["summary_quantiles"], groups, training=training)),
        }

    def attention_weights(self, inputs: dict) -> tuple[np.ndarray, np.ndarray] | None:
        """Weights (n, n_token) of the pooling over the spectrum and the tokens' wavelengths (n_token,) in A.

        None where the architecture has no attention.
        """
        if "attention" not in self.network.output:
            return None
        raw = self.network(self.normalize(inputs)[0], training=False)
        weights = ops.convert_to_numpy(raw["attention"])
        edges = np.linspace(0.0, self.description.n_pixel, weights.shape[1] + 1)
        centre = 0.5 * (edges[1:] + edges[:-1]) - 0.5
        return weights, np.interp(centre, np.arange(self.description.n_pixel), self.description.wave_aa)

    # --- training -----------------------------------------------------------------------------------------------

    def targets(self, truths: dict) -> dict:
        """What the outputs are compared with: `sfhmodel.targets.targets_from_truths`."""
        return targets_from_truths(truths, self.description.truth_names)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Weighted sum of the losses of this model."""
        targets = self.targets(y)
        pairs = self._pairs(targets, y_pred)
        # batches may differ in size, and Keras passes an empty one where it doesn't know where data end
        n = ops.cast(ops.shape(targets["mass_fraction"])[0], "float32")
        total = 0.0
        for output, name, weight, loss in self._terms:
            per_sample = loss.call(*_space(output, name, pairs))
            self._trackers[f"{output}_{name}"].update_state(ops.mean(per_sample), sample_weight=n)
            total = total + weight * per_sample
        self._track(targets, y_pred, n)
        return self._mean(total, total, sample_weight=sample_weight)

    def _pairs(self, targets: dict, outputs: dict) -> dict:
        """(target, prediction) of each output, in the space where its losses are computed."""
        scale = self.summary.std[:, 0]
        return {
            "mass_fraction": (targets["mass_fraction"], outputs["mass_fraction"]),
            "metallicity": (targets["log10_metallicity"], outputs["metallicity"]),
            "cumulative_quantiles": (
                ops.cumsum(targets["mass_fraction"], axis=-1),
                outputs["cumulative_quantiles"],
            ),
            "metallicity_quantiles": (
                targets["log10_metallicity"],
                log10(outputs["metallicity_quantiles"], LOG10_Z_FLOOR),
            ),
            "summary_quantiles": (
                linked(targets["summaries"]) / scale,
                linked(outputs["summary_quantiles"]) / scale[:, None],
            ),
        }

    def _track(self, targets: dict, outputs: dict, n) -> None:
        difference = ops.cumsum(outputs["mass_fraction"] - targets["mass_fraction"], axis=-1)
        self._trackers["cumulative_error"].update_state(ops.mean(ops.abs(difference)), sample_weight=n)
        dex = log10(outputs["metallicity"], LOG10_Z_FLOOR) - targets["log10_metallicity"]
        self._trackers["metallicity_error_dex"].update_state(ops.mean(ops.abs(dex)), sample_weight=n)

    def _metric_names(self) -> list[str]:
        return [
            "cumulative_error",
            "metallicity_error_dex",
            *(f"{output}_{name}" for output, name, _, _ in self._terms),
        ]

    @property
    def metrics(self) -> list:
        known = super().metrics
        return [*known, *(t for t in self._trackers.values() if not any(t is metric for metric in known))]

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        return self.get_metrics_result()

    def adapt(self, batches) -> None:
        """Set the constants of the normalisation from training data: an iterable of (inputs, truths).

        Raises
        ------
        TrainingDataError
            No samples, or numbers that are not finite.
        """
        from sfhmodel.adaptation import adapt

        adapt(self, batches)

    # --- storage ------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description.to_dict(),
            "architecture": self.architecture,
            "architecture_options": self.architecture_options,
            "losses": self._loss_weights,
            "augmentation": self._augmentation,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> StarFormationModel:
        return cls(**config)


class MeanOverSamples(keras.losses.Loss):
    """Of losses per sample; Keras' own reduction knows of sample weights and of several devices."""

    def call(self, y_true, y_pred):
        return y_pred


def _space(output: str, name: str, pairs: dict):
    """Metallicities are compared in dex by `mae`, in Z by the other losses."""
    target, prediction = pairs[output]
    if output == "metallicity":
        return (target, log10(prediction, LOG10_Z_FLOOR)) if name == "mae" else (power10(target), prediction)
    return target, prediction


def build_model(
    description: ModelDescription,
    architecture: str = "attention",
    *,
    architecture_options: dict | None = None,
    losses: dict | None = None,
    augmentation: dict | None = None,
    seed: int = 0,
) -> StarFormationModel:
    """An untrained model; the arguments are those of `StarFormationModel`.

    Raises
    ------
    ConfigError
        An unknown architecture, option, output, loss or augmentation.
    """
    return StarFormationModel(description, architecture, architecture_options, losses, augmentation, seed)
