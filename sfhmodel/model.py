"""The model: physical inputs, normalisation, network, physical outputs with quantiles and a novelty score.

    inputs -> normalised -> network -> raw outputs -> answer in learning space (`forward`) -> physical units (`call`)

Losses, metrics and calibration work on the answer in learning space, where the quantiles were learnt: cumulative
fractions, log10 Z, and summaries as `sfhmodel.targets.to_target_space` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from sfhmodel import architectures
from sfhmodel.architectures import NetworkSpec
from sfhmodel.architectures.network_spec import CHANNELS
from sfhmodel.description import INPUT_NAMES, ModelDescription
from sfhmodel.layers import (
    CumulativeQuantiles,
    NoiseGroups,
    NoveltyScore,
    OrderedQuantiles,
    PhotometryNormalization,
    SpectrumNormalization,
)
from sfhmodel.losses import make_losses, maker
from sfhmodel.objective import METRICS, errors_to_watch, pairs
from sfhmodel.plugins import modules_of
from sfhmodel.targets import from_target_space, power10, targets_from_truths, to_target_space, within_limits

N_NOISE_GROUP = 4  # whose quantiles are corrected each on its own
_TYPICAL_LOG10_NOISE = -2.0
_learning = ContextVar("learning", default=False)  # of this thread: devices run their steps in threads of their own


class LearningAnswer(NamedTuple):
    """What the model knows of n galaxies, in learning space.

    Attributes
    ----------
    mass_fraction : (n, n_age_bin), sums to 1.
    cumulative_quantiles : (n, n_age_bin, n_level)
    log10_metallicity_quantiles : (n, n_age_bin, n_level)
    summary_quantiles : (n, n_summary, n_level), as of `sfhmodel.targets.to_target_space`.
    latent : (n, n_latent) last features of the network.
    groups : (n, n_group) one-hot, by noise: of which the quantiles have their corrections.
    raw : all outputs of the network, by name.
    scaled : of `SpectrumNormalization`, with ``error`` (n, n_pixel) in units of the mean flux.
    """

    mass_fraction: Any
    cumulative_quantiles: Any
    log10_metallicity_quantiles: Any
    summary_quantiles: Any
    latent: Any
    groups: Any
    raw: dict
    scaled: dict


@contextmanager
def _in_learning_space() -> Iterator[None]:
    """Models called in the block answer in learning space."""
    token = _learning.set(True)
    try:
        yield
    finally:
        _learning.reset(token)


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
        self.pull: Callable[[], Any] | None = None  # of a training: a penalty added to its loss
        self._loss_weights = losses
        self._terms = make_losses(losses, description.quantile_levels)
        self._augmentation = augmentation
        self._make_layers()
        self._mean = MeanOverSamples()
        watched = (*METRICS, *(term.label for term in self._terms))
        self._trackers = {name: keras.metrics.Mean(name=name) for name in watched}
        self.build()

    def _make_layers(self) -> None:
        d, levels, summaries = self.description, len(self.description.quantile_levels), self.description.summary_names
        self.spectrum_normalization = SpectrumNormalization(name="spectrum_normalization")
        self.photometry_normalization = PhotometryNormalization(name="photometry_normalization")
        spec = NetworkSpec(d.n_pixel, d.n_band, d.n_age_bin, levels, summaries)
        keras.utils.set_random_seed(self.seed)
        self.network = architectures.build(self.architecture, spec, **self.architecture_options)
        self.noise_groups = NoiseGroups(N_NOISE_GROUP, name="noise_groups")
        self.cumulative = CumulativeQuantiles(d.n_age_bin, levels, N_NOISE_GROUP, name="cumulative")
        self.metallicity = OrderedQuantiles(d.n_age_bin, levels, N_NOISE_GROUP, name="metallicity")
        self.summary = OrderedQuantiles(len(summaries), levels, N_NOISE_GROUP, name="summary")
        self.novelty = NoveltyScore(n_group=N_NOISE_GROUP, name="novelty")
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
        self.novelty.build(spectrum, spectrum, spectrum, latent, (None, N_NOISE_GROUP))
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

    def forward(self, inputs: dict, training: bool | None = None) -> LearningAnswer:
        """The answer in learning space: the one way from inputs through the network to quantiles.

        Parameters
        ----------
        inputs : as of a call of the model.
        training : with augmentation and dropout, and without the limits of the training data.
        """
        if training and self.augmentation is not None:
            inputs = self.augmentation(inputs, training=True)
        features, scaled = self.normalize(inputs)
        raw = self.network(features, training=training)
        groups = self.noise_groups(scaled["noise"])
        error = self.spectrum_normalization.errors(scaled, ops.cast(inputs["flux_error"], "float32"))
        return LearningAnswer(
            mass_fraction=ops.softmax(raw["mass"], axis=-1),
            cumulative_quantiles=self.cumulative(raw["cumulative_quantiles"], groups),
            log10_metallicity_quantiles=self.metallicity(raw["metallicity_quantiles"], groups, training=training),
            summary_quantiles=self.summary(raw["summary_quantiles"], groups, training=training),
            latent=raw["latent"],
            groups=groups,
            raw=raw,
            scaled={**scaled, "error": error},
        )

    def call(self, inputs: dict, training: bool | None = None) -> dict | LearningAnswer:
        answer = self.forward(inputs, training)
        return answer if _learning.get() else self.physical(answer, training)

    def physical(self, answer: LearningAnswer, training: bool | None = None) -> dict:
        """What a call of the model returns, of the answer in learning space."""
        metallicity = power10(answer.log10_metallicity_quantiles)
        summary = self._physical_summaries(answer, training)
        median = len(self.description.quantile_levels) // 2
        outputs = {
            "mass_fraction": answer.mass_fraction,
            "metallicity": metallicity[:, :, median],
            "summaries": summary[:, :, median],
            "cumulative_quantiles": answer.cumulative_quantiles,
            "metallicity_quantiles": metallicity,
            "summary_quantiles": summary,
        }
        if not training:
            seen = answer.scaled
            strange = self.novelty(seen["flux"], seen["error"], seen["good"], answer.latent, answer.groups)
            outputs["novelty"] = ops.maximum(strange, self.noise_groups.beyond(seen["noise"]))
        return outputs

    def _physical_summaries(self, answer: LearningAnswer, training):
        summaries = from_target_space(answer.summary_quantiles)
        return summaries if training else within_limits(summaries, self.summary.highest)

    def attention_weights(self, inputs: dict) -> tuple[np.ndarray, np.ndarray] | None:
        """Weights (n, n_token) of the pooling over the spectrum and the tokens' wavelengths (n_token,) in A.

        None where the architecture has no attention.
        """
        if "attention" not in self.network.output:
            return None
        weights = ops.convert_to_numpy(self.forward(inputs).raw["attention"])
        return weights, self.token_wave_aa(weights.shape[1])

    def token_wave_aa(self, n_token: int) -> np.ndarray:
        """(n_token,) wavelengths of the middles of tokens that share the spectrum alike."""
        edges = np.linspace(0.0, self.description.n_pixel, n_token + 1)
        centre = 0.5 * (edges[1:] + edges[:-1]) - 0.5
        return np.interp(centre, np.arange(self.description.n_pixel), self.description.wave_aa)

    # --- training -----------------------------------------------------------------------------------------------

    def targets(self, truths: dict) -> dict:
        """What the outputs are compared with: `sfhmodel.targets.targets_from_truths`."""
        return targets_from_truths(truths, self.description.truth_names)

    def train_step(self, *state_and_data):
        with _in_learning_space():
            return super().train_step(*state_and_data)

    def test_step(self, *state_and_data):
        with _in_learning_space():
            return super().test_step(*state_and_data)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Weighted sum of the losses of this model; ``y_pred`` is a `LearningAnswer`."""
        targets = self.targets(y)
        if not training:  # judged by what is answered: within the limits of what can be
            y_pred = y_pred._replace(summary_quantiles=to_target_space(self._physical_summaries(y_pred, training)))
        compared = pairs(targets, y_pred, self.summary.std[:, 0])
        # batches may differ in size, and Keras passes an empty one where it doesn't know where data end
        n = ops.cast(ops.shape(targets["mass_fraction"])[0], "float32")
        total = 0.0
        for term in self._terms:
            per_sample = term(*compared[term.output])
            self._trackers[term.label].update_state(ops.mean(per_sample), sample_weight=n)
            total = total + term.weight * per_sample
        if training and self.pull is not None:
            total = total + self.pull()
        for name, error in errors_to_watch(compared).items():
            self._trackers[name].update_state(ops.mean(error), sample_weight=n)
        return self._mean(total, total, sample_weight=sample_weight)

    @property
    def metrics(self) -> list:
        known = super().metrics
        return [*known, *(t for t in self._trackers.values() if not any(t is metric for metric in known))]

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        return self.get_metrics_result()

    def fit_normalization(self, batches) -> None:
        """Set the constants of the normalisation from training data: an iterable of (inputs, truths).

        Raises
        ------
        TrainingDataError
            No samples, or numbers that are not finite.
        """
        from sfhmodel.fit_normalization import fit_normalization

        fit_normalization(self, batches)

    # --- storage ------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        losses = [found for term in self._terms if (found := maker(term.name)) is not None]
        plugins = modules_of([architectures.builder(self.architecture), *losses])
        return {
            "name": self.name,
            "description": self.description.to_dict(),
            "architecture": self.architecture,
            "architecture_options": self.architecture_options,
            "losses": self._loss_weights,
            "augmentation": self._augmentation,
            "seed": self.seed,
            **({"plugins": plugins} if plugins else {}),
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> StarFormationModel:
        return cls(**{name: value for name, value in config.items() if name != "plugins"})


class MeanOverSamples(keras.losses.Loss):
    """Of losses per sample; Keras' own reduction knows of sample weights and of several devices."""

    def call(self, y_true, y_pred):
        return y_pred


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
