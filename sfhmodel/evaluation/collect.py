"""Run a model over records, once, and put its answers beside the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from sfhmodel.data import RecordBatch
from sfhmodel.description import OUTPUT_NAMES
from sfhmodel.errors import InputError
from sfhmodel.inference.prediction import Prediction
from sfhmodel.truth import Truth, truth_of

BATCH_SIZE = 256


def collect(
    model,
    batches: Iterable[RecordBatch],
    truth_names: Iterable[str] | None = None,
    *,
    keep_inputs: bool = False,
    world_names: Sequence[str] = (),
    on_batch: Callable[[RecordBatch, dict], None] | None = None,
) -> Prediction:
    """What a model answers for records, with their truth.

    Parameters
    ----------
    model : StarFormationModel
    batches : of records, as `sfhmodel.data.SplitRecords.batches` gives them; none larger than the first.
    truth_names : of the columns of ``truth``; those of the model's training data by default.
    keep_inputs : keep what the model was shown, for pictures; 20 kB a galaxy.
    world_names : of the worlds of a mixture, in the order of the truth ``world``; none of a recipe without worlds.
    on_batch : called with each batch and the answers for it, ``attention`` among them where the model has it.

    Raises
    ------
    InputError
        When there are no records, or an answer is not finite.
    """
    from sfhmodel.evaluation.watched_model import WatchedModel

    watched, names = WatchedModel(model), list(truth_names or model.description.truth_names)
    parts: list[Prediction] = []
    seconds: list[tuple[int, float]] = []
    for batch in batches:
        begin = perf_counter()
        answers = watched.answers(batch.inputs)
        seconds.append((len(batch.sample_id), perf_counter() - begin))
        if on_batch is not None:
            on_batch(batch, answers)
        truth = truth_of(batch, names, world_names)
        parts.append(_prediction(model.description, batch, answers, truth, names, keep_inputs))
    if not parts:
        raise InputError("no records to evaluate")
    return Prediction.joined(parts, inference_rate=_rate(seconds[1:]))  # the first was compiled


def _prediction(
    description, batch: RecordBatch, answers: dict, truth: Truth, truth_names: list[str], keep_inputs: bool
) -> Prediction:
    n, inputs, redshift = len(batch.sample_id), batch.inputs, description.conditions.redshift
    if "redshift" in truth_names:
        redshifts = batch.truths["truth"][:, truth_names.index("redshift")]
    else:
        redshifts = np.full(n, np.nan if redshift is None else redshift)
    arrays: dict[str, Any] = {name: answers[name] for name in OUTPUT_NAMES}
    if keep_inputs:
        arrays |= {name: inputs[name] for name in ("flux", "flux_error", "mask")} | {"flux_scale": np.ones(n)}
    return Prediction(
        description=description,
        names=tuple(str(i) for i in batch.sample_id),
        redshift=redshifts,
        masked_fraction=1.0 - inputs["mask"].mean(axis=1),
        magnitudes=inputs["magnitudes"],
        magnitude_errors=inputs["magnitude_errors"],
        problems=("",) * n,
        truth=truth,
        **arrays,
    )


def _rate(seconds: list[tuple[int, float]]) -> float | None:
    """Galaxies a second; None when none were timed."""
    return sum(n for n, _ in seconds) / sum(duration for _, duration in seconds) if seconds else None
