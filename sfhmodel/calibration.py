"""Honest uncertainties: corrections of the quantiles and limits of the novelty score, from validation data.

For n validation samples the correction of level t is the ceil((n + 1) t)-th smallest of truth - quantile (for t above
1/2; mirrored below), which makes the coverage of a further sample from the same distribution at least as wanted
(Vovk et al. 2005; Romano, Patterson & Candes 2019). This is done in groups of equal numbers by the noise of the
spectra, each with corrections of its own, where there are enough data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from keras import ops

from sfhmodel.errors import TrainingDataError
from sfhmodel.fit_normalization import collect
from sfhmodel.layers.novelty import WHOLE
from sfhmodel.targets import to_target_space

FALSE_ALARM_RATE = 0.01
MIN_SAMPLES = 100
_SHRINKAGE = 1e-3
_FEWEST_PER_FEATURE = 4  # data that tell the covariance of latent features
_CORRECTED = ("cumulative", "metallicity", "summary")


def calibrate(
    model,
    batches: Iterable,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    *,
    data: str = "",
    training: Iterable = (),
) -> dict:
    """Set the conformal corrections and novelty limits of ``model``; its description says so.

    Parameters
    ----------
    model : StarFormationModel
    batches : iterable of (inputs, truths) of validation data, which the training did not learn from.
    false_alarm_rate : share of such data that shall be flagged as unlike the training data.
    data : name of the data, for the description.
    training : iterable of (inputs, truths) of training data, which tell how latent features vary where validation data
        are too few for that. Without them, what the model knows of it stays then.

    Returns
    -------
    dict
        ``n`` samples, and the largest correction of each kind.

    Raises
    ------
    TrainingDataError
        Fewer than 100 samples.
    """
    _reset(model)
    found = _collected(model, batches)
    groups = _set_noise_groups(model, found["noise"][:, 0])
    corrections = _corrections(model, found, groups)
    for name, correction in corrections.items():
        getattr(model, name).correction.assign(correction)
    _set_latent(model, _reference(model, found, training))
    _set_limits(model, found, groups, false_alarm_rate)
    _describe(model, len(found["latent"]), groups, data)
    return {"n": len(found["latent"]), **{name: float(np.abs(c).max()) for name, c in corrections.items()}}


def set_novelty(model, validation: Iterable, training: Iterable, false_alarm_rate: float = FALSE_ALARM_RATE) -> int:
    """Set the novelty limits of ``model`` alone, the same for all noise; the number of data that they are set on.

    Half of the training data tell how latent features vary, the other half and the validation data how far is usual.
    """
    seen, unseen = (collect(_of_batch, model, batches) for batches in (training, validation))
    _set_latent(model, seen["latent"][::2])
    found = {name: np.concatenate([values[1::2], unseen[name]]) for name, values in seen.items()}
    n = len(found["latent"])
    _set_limits(model, found, [np.arange(n)] * model.noise_groups.n_group, false_alarm_rate)
    return n


def promise_nothing(model, n: int, data: str, intervals: str) -> None:
    """Have the description of ``model`` say that its intervals were not calibrated.

    Parameters
    ----------
    model : StarFormationModel
    n : galaxies that were too few.
    data : their name.
    intervals : in words, what the intervals are instead.
    """
    few = f"{n} validation galaxies{f' of {data}' if data else ''} are fewer than {MIN_SAMPLES}"
    said = f"{few}: intervals are {intervals}; no coverage is promised"
    model.description = replace(model.description, calibration={"promised": False, "n": n, "data": data, "said": said})


def _describe(model, n: int, groups: list[np.ndarray], data: str) -> None:
    """Have the description say what the intervals are good for."""
    own = all(len(group) < n for group in groups)
    spread = math.sqrt(0.68 * 0.32 / (min(map(len, groups)) + 2))  # of the beta distribution of the coverage
    where = f"in each of {len(groups)} groups by noise" if own else "over all noise together"
    of = f" of {data}" if data else ""
    said = f"set on {n} galaxies{of}, {where}: 68% intervals of further ones like these cover 68 +- {100 * spread:.1f}%"
    model.description = replace(model.description, calibration={"promised": True, "n": n, "data": data, "said": said})


def widen(model, batches: Iterable) -> dict:
    """Widen the intervals of a calibrated model so that they hold in worlds that its training did not see, too.

    Medians stay, for what is unseen may be biased either way; so do noise groups, and the novelty limits, for what is
    usual is what the training saw. No interval becomes narrower.

    Parameters
    ----------
    model : StarFormationModel, after `calibrate`.
    batches : iterable of (inputs, truths) of such worlds.

    Returns
    -------
    dict
        ``n`` samples, and by how much the intervals were widened at most, of each kind.

    Raises
    ------
    TrainingDataError
        Fewer than 100 samples.
    """
    known = {name: ops.convert_to_numpy(getattr(model, name).correction) for name in _CORRECTED}
    for name in _CORRECTED:
        getattr(model, name).correction.assign(np.zeros_like(known[name]))
    try:
        found = _collected(model, batches)
        wanted = _corrections(model, found, _members(model, found["noise"][:, 0]))
    except BaseException:
        for name in _CORRECTED:
            getattr(model, name).correction.assign(known[name])
        raise
    most: dict[str, float] = {"n": len(found["latent"])}
    for name, own in known.items():
        wide = _no_narrower(own, wanted[name])
        getattr(model, name).correction.assign(wide)
        most[name] = float(np.abs(wide - own).max())
    said = model.description.calibration.get("said", "set on data like the training's")
    wider = f"{said}; then widened until they hold for {most['n']} galaxies of worlds that the training did not see"
    model.description = replace(model.description, calibration={**model.description.calibration, "said": wider})
    return most


def _no_narrower(own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Corrections (..., n_level) with the medians of ``own``, the further one of both on either side of them."""
    middle = own.shape[-1] // 2
    centred = wanted - wanted[..., middle : middle + 1] + own[..., middle : middle + 1]
    out = own.copy()
    out[..., :middle] = np.minimum(own, centred)[..., :middle]
    out[..., middle + 1 :] = np.maximum(own, centred)[..., middle + 1 :]
    return out


def _collected(model, batches: Iterable) -> dict[str, np.ndarray]:
    found = collect(_of_batch, model, batches)
    n = len(found["latent"]) if found else 0
    if n < MIN_SAMPLES:
        raise TrainingDataError(
            f"{n} validation samples are too few to calibrate uncertainties: at least {MIN_SAMPLES} are needed; give "
            "the data set a larger validation split"
        )
    return found


def _corrections(model, found: dict[str, np.ndarray], groups: list[np.ndarray]) -> dict[str, np.ndarray]:
    """(n_group, k, n_level) of each kind, of answers that are not corrected yet."""
    levels = model.description.quantile_levels
    pairs = {
        "cumulative": (np.cumsum(found["mass_fraction"], axis=1), found["cumulative_quantiles"]),
        "metallicity": (found["log10_metallicity"], found["log10_metallicity_quantiles"]),
        "summary": (found["summaries"], found["summary_quantiles"]),
    }
    return {
        name: np.stack([conformal_corrections(truths[group], quantiles[group], levels) for group in groups])
        for name, (truths, quantiles) in pairs.items()
    }


def _set_noise_groups(model, noise: np.ndarray) -> list[np.ndarray]:
    """Edges at equal shares of the noise; indices of the data in each group, or of all where they are too few."""
    n_group = model.noise_groups.n_group
    edges = np.quantile(noise, np.arange(1, n_group) / n_group)
    model.noise_groups.edges.assign(edges)
    return _members(model, noise)


def _members(model, noise: np.ndarray) -> list[np.ndarray]:
    """Indices of the data in each noise group, or of all where they are too few."""
    number = ops.convert_to_numpy(model.noise_groups(noise[:, None].astype(np.float32))).argmax(axis=1)
    members = [np.flatnonzero(number == k) for k in range(model.noise_groups.n_group)]
    return [m if len(m) >= MIN_SAMPLES else np.arange(len(noise)) for m in members]


def conformal_corrections(truths: np.ndarray, quantiles: np.ndarray, levels) -> np.ndarray:
    """Corrections (k, n_level) of quantiles (n, k, n_level) of truths (n, k)."""
    residuals = np.sort(truths[:, :, None] - quantiles, axis=0)
    n = len(truths)
    corrections = np.empty(residuals.shape[1:])
    for i, level in enumerate(levels):
        corrections[:, i] = residuals[_rank(n, level), :, i]
    return corrections


def _rank(n: int, level: float) -> int:
    """Index of the order statistic that a further sample stays below (level >= 1/2) or above with enough chance."""
    if level > 0.5:
        return min(math.ceil((n + 1) * level), n) - 1
    if level < 0.5:
        return n - min(math.ceil((n + 1) * (1.0 - level)), n)
    return n // 2


def _reset(model) -> None:
    for name in _CORRECTED:
        layer = getattr(model, name)
        layer.correction.assign(np.zeros(layer.correction.shape))
    model.novelty.limits.assign(np.ones(model.novelty.limits.shape))


def _of_batch(model, inputs: dict, truths: dict) -> dict:
    answer, targets = model.forward(inputs, training=False), model.targets(truths)
    return {
        **targets,
        "summaries": to_target_space(targets["summaries"]),
        "cumulative_quantiles": answer.cumulative_quantiles,
        "log10_metallicity_quantiles": answer.log10_metallicity_quantiles,
        "summary_quantiles": answer.summary_quantiles,
        "latent": answer.latent,
        **{name: answer.scaled[name] for name in ("noise", "flux", "error", "good")},
    }


def _reference(model, found: dict[str, np.ndarray], training: Iterable) -> np.ndarray | None:
    """Latent features (n, n_latent) that tell how such vary; None where what is known stays.

    Of whole spectra where these are enough: parts vary more, and noise alone would seem near. Distances of the few that
    a covariance was made of say nothing of others: all seem near.
    """
    latent = found["latent"][found["good"].mean(axis=1) >= WHOLE]
    if len(latent) < _FEWEST_PER_FEATURE * latent.shape[1]:
        latent = found["latent"]
    if len(latent) >= _FEWEST_PER_FEATURE * latent.shape[1]:
        return latent
    if seen := collect(_of_batch, model, training):
        return seen["latent"]
    return None if np.any(ops.convert_to_numpy(model.novelty.latent_whitening)) else latent


def _set_latent(model, latent: np.ndarray | None) -> None:
    """Mean and whitening of latent features (n, n_latent)."""
    if latent is None or len(latent) < 2:
        return
    latent = latent.astype(np.float64)
    mean = latent.mean(axis=0)
    covariance = np.cov(latent, rowvar=False)
    variance, vectors = np.linalg.eigh(covariance)
    # directions the data hardly vary in are given a small variance, not none
    variance = np.maximum(variance, _SHRINKAGE * variance.max())
    model.novelty.latent_mean.assign(mean)
    model.novelty.latent_whitening.assign(vectors / np.sqrt(variance))


def _set_limits(model, found: dict[str, np.ndarray], groups: list[np.ndarray], false_alarm_rate: float) -> None:
    latent = found["latent"]
    distances = np.concatenate(
        [
            ops.convert_to_numpy(model.novelty.distances(*(found[k][i : i + 512] for k in _DISTANCE_INPUTS)))
            for i in range(0, len(latent), 512)
        ]
    )
    whole = found["good"].mean(axis=1) >= WHOLE
    model.novelty.limits.assign(
        [
            [_limits(distances[these], false_alarm_rate) for these in _in_groups(groups, covered)]
            for covered in (whole, ~whole)
        ]
    )


def _in_groups(groups: list[np.ndarray], covered: np.ndarray) -> list[np.ndarray]:
    """Indices of each group that are ``covered`` (n,); of all groups where they are too few, of all where all are."""
    everywhere = np.flatnonzero(covered)
    if everywhere.size < MIN_SAMPLES:
        return groups
    chosen = [group[covered[group]] for group in groups]
    return [these if these.size >= MIN_SAMPLES else everywhere for these in chosen]


def _limits(distances: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    """(2,) limits that this share of the distances (n, 2) exceeds, in one or the other."""
    limits = np.quantile(distances, 1.0 - 0.5 * false_alarm_rate, axis=0)
    return limits * np.quantile((distances / limits).max(axis=1), 1.0 - false_alarm_rate)


_DISTANCE_INPUTS = ("flux", "error", "good", "latent")
