"""The network while it is adapted: batches of simulated galaxies and observed ones, and the terms that are minimised.

simulated  - gaps of the observed -+- core - answers - supervised            (labels)
                                   +- transport - core - answers - transport (labels)
                                      latent ---------+
observed  - core - latent ----------------------------+- coral, mmd, adversarial
              +--- answers -+- consistency
observed  - second view - core
observed  - holes - core - latent - decoder - reconstruction
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from sfhmodel.adaptation import alignment, views
from sfhmodel.adaptation.adversary import adversarial, domain_classifier, gradient_reversed
from sfhmodel.adaptation.config import AdaptationConfig
from sfhmodel.adaptation.label_shift import LabelWeights
from sfhmodel.adaptation.transport import LinearTransport, filled
from sfhmodel.errors import ConfigError
from sfhmodel.objective import pairs

OBSERVED = "observed_"  # before the names of the inputs of observed spectra
WEIGHED = ("mean_log10_age_yr_mass", "log10_metallicity_mass", "a_v_mag")  # and the noise
_BEYOND = 1e3  # what an epoch that is too bad on simulated galaxies is put behind by
_BATCH = 512


class AdaptingModel(keras.Model):
    """A StarFormationModel, ``core``, with what its adaptation needs beside it.

    Parameters
    ----------
    core : StarFormationModel, trained and calibrated.
    config : of the adaptation.

    Call arguments
    --------------
    inputs : those of ``core`` for simulated galaxies, and the same with names that begin with `OBSERVED`.
    """

    def __init__(self, core, config: AdaptationConfig):
        super().__init__(dtype="float32")
        keras.utils.set_random_seed(config.seed)
        n_latent, n_pixel = shared_latent(core), core.description.n_pixel
        self.core, self.terms, self.config = core, config.terms, config
        self._rows = [core.description.summary_names.index(name) for name in WEIGHED]
        self.label_weights = LabelWeights(len(WEIGHED) + 1, config.label_bins, config.label_most)
        self.transport = LinearTransport(n_pixel, config.components, config.stretch)
        self.classifier = domain_classifier(n_latent) if "adversarial" in self.terms else None
        self.decoder = views.decoder(n_latent, n_pixel) if "reconstruction" in self.terms else None
        self.second_views = views.second_views(core.description.wave_aa, config.seed)
        self.holes = views.holes(n_pixel, config.seed + 1)
        self.taken = self._constant((), "steps_taken")
        self.start = self._constant((2,), "start")  # loss on simulated galaxies and selection before the first step
        self.effective = self._constant((), "effective_share")
        self._watched = {name: keras.metrics.Mean(name=name) for name in (*self.terms, "discrepancy")}
        self._reference: tuple[dict, dict] | None = None
        self.built = True

    def _constant(self, shape, name: str):
        return self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    # --- from inputs to answers -------------------------------------------------------------------------------------

    def call(self, inputs: dict, training: bool | None = None) -> dict:
        observed = {name.removeprefix(OBSERVED): v for name, v in inputs.items() if name.startswith(OBSERVED)}
        simulated = {name: value for name, value in inputs.items() if not name.startswith(OBSERVED)}
        simulated = with_gaps_of(simulated, observed)
        kinds = {"simulated": simulated, "observed": observed}
        answers = {kind: self.core.forward(seen, training) for kind, seen in kinds.items()}
        if "transport" in self.terms:
            answers["carried"] = self.core.forward(self.carried(simulated), training)
        if "consistency" in self.terms:
            answers["second"] = self.core.forward(self.second_views(observed, training=True), training)
        if self.decoder is not None:
            left = self.holes(observed, training=True)
            decoded = self.decoder(self.core.forward(left, training).latent)
            features = self.core.normalize(observed)[0]
            answers["reconstruction"] = views.reconstruction(decoded, features, observed["mask"], left["mask"])
        aligned = alignment.standardized(answers["simulated"].latent, answers["observed"].latent)
        if self.classifier is not None:
            answers["logits"] = [self.classifier(gradient_reversed(latent)) for latent in aligned]
        return {**answers, "aligned": aligned}

    def carried(self, simulated: dict) -> dict:
        """Simulated inputs with spectra where observed ones are."""
        scaled = self.core.spectrum_normalization.scale(
            *(ops.cast(simulated[name], "float32") for name in ("flux", "flux_error", "mask"))
        )
        return self.transport(simulated, scaled)

    def weighed(self, answer):
        """(n, k) of answers, what the weights look at."""
        summaries = answer.summary_quantiles
        median = summaries.shape[-1] // 2
        columns = [summaries[:, row, median] for row in self._rows]
        return ops.stack([*columns, answer.scaled["noise"][:, 0]], axis=-1)

    # --- training ---------------------------------------------------------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of the terms; ``y_pred`` is what `call` gives, ``y`` the truths of the simulated."""
        simulated = y_pred["simulated"]
        weight = self.label_weights(self.weighed(simulated))
        parts = {"supervised": self.core.compute_loss(y=y, y_pred=simulated, training=training)}
        if "carried" in y_pred:
            parts["transport"] = self._supervised(y, y_pred["carried"])
        simulated_latent, observed_latent = y_pred["aligned"]
        if "coral" in self.terms:
            parts["coral"] = alignment.coral(simulated_latent, observed_latent, weight)
        discrepancy = alignment.mmd(simulated_latent, observed_latent, weight)
        if "mmd" in self.terms:
            parts["mmd"] = discrepancy
        if "logits" in y_pred:
            simulated_logit, observed_logit = y_pred["logits"]
            parts["adversarial"] = adversarial(simulated_logit, observed_logit, weight)
        if "second" in y_pred:
            scale = self.core.summary.std[:, 0]
            parts["consistency"] = views.inconsistency(y_pred["observed"], y_pred["second"], scale)
        if "reconstruction" in y_pred:
            parts["reconstruction"] = y_pred["reconstruction"]
        ramp = ops.minimum(self.taken / self.config.ramp_steps, 1.0)
        total = 0.0
        for name, value in parts.items():
            total = total + self.terms[name] * value * (1.0 if name == "supervised" else ramp)
        for name, value in {**parts, "discrepancy": discrepancy}.items():
            self._watched[name].update_state(value)
        if training:
            self.taken.assign_add(1.0)
        return total

    def _supervised(self, truths: dict, answer):
        compared = pairs(self.core.targets(truths), answer, self.core.summary.std[:, 0])
        return sum(term.weight * ops.mean(term(*compared[term.output])) for term in self.core._terms)

    @property
    def metrics(self) -> list:
        known = super().metrics
        others = (*self._watched.values(), *self.core.metrics)
        return [*known, *(t for t in others if not any(t is metric for metric in known))]

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        return self.get_metrics_result()

    # --- epochs -----------------------------------------------------------------------------------------------------

    def refer_to(self, simulated: dict, observed: dict) -> None:
        """Inputs of some thousand galaxies of each kind, by which weights and transport are set before each epoch."""
        n = len(simulated["flux"])
        paired = {name: np.resize(values, (n, *values.shape[1:])) for name, values in observed.items()}
        gaps = with_gaps_of(simulated, paired)
        self._reference = {name: ops.convert_to_numpy(values) for name, values in gaps.items()}, observed

    def fit(self, *args, **kwargs):
        """As Keras', after weights and transport have been set by the answers of the moment."""
        self.balance()
        return super().fit(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        """As Keras', with ``effective_share`` of the weighted galaxies and ``selection``, which is to be small.

        That is the discrepancy of simulated and observed latents; but an epoch whose loss on simulated galaxies is
        above that before the adaptation by more than the tolerance comes after all others.
        """
        found = super().evaluate(*args, **{**kwargs, "return_dict": True})
        beyond = found["supervised"] / max(float(self.start[0]), 1e-9) - 1.0 - self.config.tolerance
        penalty = _BEYOND * (1.0 + beyond) if float(self.start[0]) and beyond > 0.0 else 0.0
        return {
            **found,
            "effective_share": float(self.effective),
            "selection": found["discrepancy"] + penalty,
        }

    def balance(self) -> None:
        """Set the weights of simulated galaxies, and the transport of their spectra."""
        if self._reference is None:
            return
        simulated, observed = (self._seen(inputs) for inputs in self._reference)
        share, weight = 1.0, np.ones(len(simulated["weighed"]))
        if self.config.label_weights:
            share = self.label_weights.fit(simulated["weighed"], observed["weighed"])
            weight = ops.convert_to_numpy(self.label_weights(simulated["weighed"]))
        self.effective.assign(share)
        if "transport" in self.terms:
            self.transport.fit(simulated, observed, weight)

    def _seen(self, inputs: dict) -> dict[str, np.ndarray]:
        """Scaled spectra without gaps, and what the weights look at."""
        parts: dict[str, list] = {}
        for start in range(0, len(inputs["flux"]), _BATCH):
            answer = self.core.forward({name: v[start : start + _BATCH] for name, v in inputs.items()}, training=False)
            seen = {name: answer.scaled[name] for name in ("good", "error")} | {"weighed": self.weighed(answer)}
            seen["flux"] = filled(answer.scaled["flux"], answer.scaled["good"], self.core.novelty.basis)
            for name, values in seen.items():
                parts.setdefault(name, []).append(ops.convert_to_numpy(values))
        return {name: np.concatenate(values) for name, values in parts.items()}


def shared_latent(core) -> int:
    """Number of the features that are aligned: the output ``latent`` of the network.

    Raises
    ------
    ConfigError
        The architecture has none.
    """
    outputs = core.network.output
    shape: tuple = getattr(outputs.get("latent"), "shape", ()) if isinstance(outputs, dict) else ()
    if len(shape) != 2 or shape[-1] is None:
        raise ConfigError(
            f"the architecture {core.architecture!r} has no output 'latent' of shape (n, features) to align "
            f"(it has {', '.join(outputs) if isinstance(outputs, dict) else 'one output'}): give its network one"
        )
    return shape[-1]


def with_gaps_of(simulated: dict, observed: dict) -> dict:
    """Simulated inputs with the masked pixels, missing bands and unknown errors of observed ones, row by row.

    What observations lack would else tell the two apart, and alignment be spent on it.
    """
    seen = ops.cast(observed["mask"] > 0.5, "float32")
    flux_error = ops.where(_known(observed["flux_error"]), simulated["flux_error"], 0.0)
    out = {**simulated, "mask": simulated["mask"] * seen, "flux_error": flux_error}
    there = ops.isfinite(observed["magnitudes"])
    nothing = float("nan")
    out["magnitudes"] = ops.where(there, simulated["magnitudes"], nothing)
    known = ops.logical_and(there, _known(observed["magnitude_errors"]))
    out["magnitude_errors"] = ops.where(known, simulated["magnitude_errors"], nothing)
    return out


def _known(errors):
    return ops.logical_and(ops.isfinite(errors), errors > 0.0)
