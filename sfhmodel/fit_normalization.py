"""Constants of a model that come from training data: normalisation, scales of the outputs, principal components."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from keras import ops

from sfhmodel.errors import TrainingDataError
from sfhmodel.targets import to_target_space

_STD_FLOOR = 1e-3
_MAX_SPECTRA = 8192  # that the principal components are computed of
_MASS_FLOOR = 1e-4
_MARGIN = 0.1  # of the range of the data, on either side: these are a sample of the training data


def fit_normalization(model, batches: Iterable) -> None:
    """Set the constants of ``model`` from an iterable of (inputs, truths), without augmentation."""
    arrays = collect(_of_batch, model, batches)
    if not arrays:
        raise TrainingDataError("no samples to fit the normalisation to: the data set's training split is empty")
    for name, values in arrays.items():
        if name not in ("colours", "present") and not np.isfinite(values).all():
            raise TrainingDataError(f"{name} of the training data are not finite in {_count_bad(values)} samples")
    _set_normalization(model, arrays)
    _set_output_scales(model, arrays)
    _set_components(model, arrays)


def collect(of_batch, model, batches: Iterable) -> dict[str, np.ndarray]:
    """Arrays by name that ``of_batch(model, inputs, truths)`` gives for each batch, one after another; none of none."""
    parts: dict[str, list] = {}
    for inputs, truths in batches:
        for name, values in of_batch(model, inputs, truths).items():
            parts.setdefault(name, []).append(ops.convert_to_numpy(values))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _of_batch(model, inputs: dict, truths: dict) -> dict:
    inputs = {name: ops.cast(values, "float32") for name, values in inputs.items()}
    layer = model.spectrum_normalization
    scaled = layer.scale(inputs["flux"], inputs["flux_error"], inputs["mask"])
    targets = model.targets(truths)
    colours, present = model.photometry_normalization.colours(inputs["magnitudes"])
    return {
        "spectra": scaled["flux"],
        "errors": layer.errors(scaled, inputs["flux_error"]),
        "features": ops.stack(layer.features(scaled["flux"], scaled["good"]), axis=1),
        "colours": colours,
        "present": present,
        **targets,
        "summaries": to_target_space(targets["summaries"]),
    }


def _set_normalization(model, arrays: dict[str, np.ndarray]) -> None:
    layer = model.spectrum_normalization
    features = arrays["features"]
    layer.mean.assign(features.mean(axis=0))
    layer.std.assign(np.maximum(features.std(axis=0), _STD_FLOOR))
    layer = model.photometry_normalization
    colours = np.ma.masked_array(arrays["colours"], mask=~arrays["present"].astype(bool))
    layer.mean.assign(colours.mean(axis=0).filled(0.0))
    layer.std.assign(np.maximum(colours.std(axis=0).filled(1.0), _STD_FLOOR))


def _set_output_scales(model, arrays: dict[str, np.ndarray]) -> None:
    for layer, name in ((model.metallicity, "log10_metallicity"), (model.summary, "summaries")):
        layer.mean.assign(arrays[name].mean(axis=0)[:, None])
        layer.std.assign(np.maximum(arrays[name].std(axis=0), _STD_FLOOR)[:, None])
        low, high = arrays[name].min(axis=0)[:, None], arrays[name].max(axis=0)[:, None]
        layer.lowest.assign(low - _MARGIN * (high - low) - _STD_FLOOR)
        layer.highest.assign(high + _MARGIN * (high - low) + _STD_FLOOR)
    # an untrained network answers with the mean history
    log_mean = np.log(np.maximum(arrays["mass_fraction"].mean(axis=0), _MASS_FLOOR))
    model.network.get_layer("mass").bias.assign(log_mean)
    levels = len(model.description.quantile_levels)
    model.network.get_layer("cumulative_quantiles").bias.assign(np.tile(log_mean, levels))


def _set_components(model, arrays: dict[str, np.ndarray]) -> None:
    """Principal directions about zero, so that the mean spectrum is one of them, and what they leave over."""
    spectra, errors = arrays["spectra"][:_MAX_SPECTRA], arrays["errors"][:_MAX_SPECTRA]
    wanted = model.novelty.components
    _, vectors = np.linalg.eigh(spectra.T.astype(np.float64) @ spectra)
    basis = np.zeros((spectra.shape[1], wanted))
    found = vectors[:, ::-1][:, : min(wanted, spectra.shape[0])]
    basis[:, : found.shape[1]] = found
    left = spectra - (spectra @ basis) @ basis.T
    variance = np.maximum((left**2 - errors**2).mean(axis=0), 1e-8)
    model.novelty.basis.assign(basis)
    model.novelty.misfit.assign(np.sqrt(variance))


def _count_bad(values: np.ndarray) -> int:
    return int((~np.isfinite(values.reshape(len(values), -1)).all(axis=1)).sum())
