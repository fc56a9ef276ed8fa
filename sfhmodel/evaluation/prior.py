"""The predictor that a model must beat: the mean mass fractions of the training data, whatever is observed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sfhmodel.data import SplitRecords, TrainingData
from sfhmodel.errors import InputError
from sfhmodel.inference.prediction import Prediction

N_RECORDS = 20_000  # enough for the mean: their scatter about it, over sqrt(n), is below 0.002 in every bin
_SPLIT = "train"
_BATCH_SIZE = 1000


def prior_mean(
    data: TrainingData,
    results: Prediction,
    given: np.ndarray | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[np.ndarray, str]:
    """Mean mass fractions (n_age_bin,), and in words of which galaxies.

    Parameters
    ----------
    data : of its training split the first 20,000 records are averaged.
    results : of the galaxies evaluated; they are averaged where there is no training split.
    given : (n_age_bin,) to use instead.
    progress : as of `sfhmodel.evaluation.evaluate`.

    Raises
    ------
    InputError
        When ``given`` is not of this number of bins, negative, or does not sum to 1.
    """
    if given is not None:
        return _checked(given, results.description.n_age_bin), "given by the caller"
    n = min(N_RECORDS, sum(shard["n_records"] for shard in data.manifest["shards"] if shard["split"] == _SPLIT))
    if n:
        total = np.zeros(results.description.n_age_bin)
        for batch in SplitRecords(data, _SPLIT, n).batches(range(n), _BATCH_SIZE):
            total += batch.truths["mass_fraction"].sum(axis=0, dtype=np.float64)
            if progress:
                progress("training records read", len(batch.sample_id), n)
        return total / n, f"{n} galaxies of the data set's training split"
    mean = np.asarray(results.known_truth.mass_fraction, dtype=np.float64).mean(axis=0)
    return mean, "the evaluated galaxies themselves, as the data set has no training split"


def _checked(given: np.ndarray, n_age_bin: int) -> np.ndarray:
    mean = np.asarray(given, dtype=np.float64)
    if mean.shape != (n_age_bin,) or not np.all(mean >= 0) or abs(mean.sum() - 1) > 1e-3:
        raise InputError(
            f"the prior mean must be {n_age_bin} mass fractions, none negative, that sum to 1; it has shape "
            f"{mean.shape} and sum {mean.sum():g}"
        )
    return mean
