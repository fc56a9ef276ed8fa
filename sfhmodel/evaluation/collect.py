"""Run a model over records and put its answers beside the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from time import perf_counter

import numpy as np

from sfhmodel.data.features import FEATURES, TRUTH_FEATURES, inputs_and_truths
from sfhmodel.errors import InputError
from sfhmodel.evaluation.results import Results

BATCH_SIZE = 256


def inputs_of(records: list[dict]) -> dict[str, np.ndarray]:
    """Inputs of the model of decoded records: the observed values, every pixel used."""
    features = {name: np.stack([record[name] for record in records]) for name in FEATURES}
    return inputs_and_truths(features, np.ones_like)[0]


def targets_of(records: list[dict], truth_names) -> dict[str, np.ndarray]:
    """``mass_fraction``, ``log10_metallicity``, ``summaries`` of decoded records, as NumPy arrays."""
    from keras import ops

    from sfhmodel.targets import targets_from_truths

    truths = {name: np.stack([r[name] for r in records]) for name in TRUTH_FEATURES}
    return {name: ops.convert_to_numpy(v) for name, v in targets_from_truths(truths, truth_names).items()}


def signal_to_noise(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) median of flux / error over the pixels used; infinite where no error is known."""
    flux, error = (np.asarray(inputs[name], dtype=np.float64) for name in ("flux", "flux_error"))
    used = (np.asarray(inputs["mask"]) > 0) & np.isfinite(flux) & (error > 0)
    ratio = np.divide(flux, error, out=np.full(flux.shape, np.nan), where=used)
    known = used.any(axis=1)
    snr = np.full(len(flux), np.inf)
    snr[known] = np.nanmedian(ratio[known], axis=1)
    return snr


def collect(
    model,
    records: Iterable[dict],
    truth_names: Iterable[str] | None = None,
    *,
    batch_size: int = BATCH_SIZE,
    keep_inputs: bool = False,
    world_names: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Results:
    """What a model answers for records.

    Parameters
    ----------
    model : StarFormationModel
    records : dicts of the features of the record schema, as `sfhsim.Dataset` yields.
    truth_names : of the columns of ``truth``; those of the model's training data by default.
    batch_size : galaxies given to the model at once.
    keep_inputs : keep what the model was shown, for pictures.
    world_names : of the worlds of a mixture, in the order of the truth ``world``; none of a recipe without worlds.
    progress : called with the number of galaxies done after each batch.

    Raises
    ------
    InputError
        When there are no records, or an answer is not finite.
    """
    truth_names = list(truth_names or model.description.truth_names)
    parts: list[dict] = []
    seconds: dict[int, list[float]] = {}
    records = iter(records)
    while chunk := list(islice(records, batch_size)):
        inputs = inputs_of(chunk)
        begin = perf_counter()
        predictions = {name: np.asarray(values) for name, values in model.predict_on_batch(inputs).items()}
        seconds.setdefault(len(chunk), []).append(perf_counter() - begin)
        part = {
            "predictions": predictions,
            "targets": targets_of(chunk, truth_names),
            "sample_id": np.array([record["sample_id"] for record in chunk]),
            "snr": signal_to_noise(inputs),
            "a_v_mag": np.array([record["truth"][truth_names.index("a_v_mag")] for record in chunk]),
        }
        if world_names:
            index = [int(record["truth"][truth_names.index("world")]) for record in chunk]
            part["world"] = np.asarray(world_names)[index]
        parts.append(part | ({"inputs": inputs} if keep_inputs else {}))
        if progress:
            progress(len(chunk))
    if not parts:
        raise InputError("no records to evaluate")
    return Results(model.description, inference_rate=_rate(seconds), **_joined(parts))


def _joined(parts: list[dict]) -> dict:
    first = parts[0]
    return {
        key: _joined([part[key] for part in parts])
        if isinstance(value, dict)
        else np.concatenate([part[key] for part in parts])
        for key, value in first.items()
    }


def _rate(seconds: dict[int, list[float]]) -> float | None:
    """Of all batches but the first of each size, which is compiled; None when there was no other."""
    timed = [(size, duration) for size, durations in seconds.items() for duration in durations[1:]]
    return sum(size for size, _ in timed) / sum(duration for _, duration in timed) if timed else None
