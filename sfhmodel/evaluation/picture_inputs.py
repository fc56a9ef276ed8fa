"""What the pictures of a report need of galaxies that pass by once: inputs of a few, attention of the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from sfhmodel.data import RecordBatch
from sfhmodel.evaluation.attention_weights import Attention, mean_spectrum
from sfhmodel.evaluation.groups import equal_groups
from sfhmodel.inference.prediction import Prediction

N_ATTENTION = 512  # galaxies whose attention weights are averaged


class PictureInputs:
    """Takes what it needs from each batch; memory does not grow with their number.

    Parameters
    ----------
    shown : ids of the galaxies to picture one by one.
    n_attention : of the first galaxies, whose spectra and attention weights are kept.
    """

    def __init__(self, shown: Iterable[int], n_attention: int = N_ATTENTION):
        self._shown = np.array(list(shown), dtype=np.int64)
        self._inputs: dict[int, dict[str, np.ndarray]] = {}
        self._left = n_attention
        self._weights: list[np.ndarray] = []
        self._flux: list[np.ndarray] = []

    def see(self, batch: RecordBatch, answers: dict) -> None:
        """A batch with the answers for it, as `sfhmodel.evaluation.collect` passes them."""
        for row in np.flatnonzero(np.isin(batch.sample_id, self._shown)):
            self._inputs[int(batch.sample_id[row])] = {name: v[row].copy() for name, v in batch.inputs.items()}
        if "attention" in answers and self._left > 0:
            self._weights.append(answers["attention"][: self._left].copy())
            self._flux.append(batch.inputs["flux"][: self._left].copy())
            self._left -= len(self._flux[-1])

    def shown(self, results: Prediction) -> Prediction | None:
        """The galaxies to picture with their inputs, in the order asked for; None when there are none."""
        if not self._shown.size:
            return None
        place = {int(sample): row for row, sample in enumerate(results.known_truth.sample_id)}
        chosen = results[np.array([place[int(sample)] for sample in self._shown])]
        inputs = [self._inputs[int(sample)] for sample in self._shown]
        spectra: dict[str, Any] = {
            name: np.stack([one[name] for one in inputs]) for name in ("flux", "flux_error", "mask")
        }
        return replace(chosen, **spectra, flux_scale=np.ones(len(chosen)))

    def attention(self, model, results: Prediction) -> Attention | None:
        """Of the first galaxies of the results; None where the architecture has no attention."""
        if not self._weights:
            return None
        weights = np.concatenate(self._weights)
        age = results.known_truth.summaries[: len(weights), results.summary_names.index("mean_log10_age_yr_light")]
        wave_aa = model.token_wave_aa(weights.shape[1])
        return Attention(weights, wave_aa, mean_spectrum(np.concatenate(self._flux)), equal_groups(age, 3, 20))
