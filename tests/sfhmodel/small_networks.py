"""Small models with random weights, adapted and calibrated to made-up galaxies, and the inputs they take."""

from __future__ import annotations

import numpy as np

from sfhmodel.calibration import calibrate
from sfhmodel.description import ModelDescription
from sfhmodel.model import build_model
from sfhmodel.targets import NEEDED_TRUTHS

N_PIXEL = 72
N_BAND = 3
OPTIONS = {
    "attention": {
        "filters": [8, 16],
        "kernels": [16, 8],
        "strides": [8, 8],
        "blocks": 1,
        "heads": 2,
        "hidden": 16,
        "queries": 2,
        "projection_units": 4,
        "projection_pixels": 5,
        "photometry_units": [8],
        "decoder_units": [16],
    },
    "branched": {"filters": [4, 8, 8], "spectrum_units": 16, "photometry_units": [8], "decoder_units": [16]},
}


def small_description(n_pixel: int = N_PIXEL, n_band: int = N_BAND, redshift=0.0) -> ModelDescription:
    """Five age bins, made-up bands."""
    return ModelDescription(
        wave_aa=np.linspace(4800.0, 7000.0, n_pixel),
        age_bin_edges_yr=np.array([0.0, 1e7, 1e8, 1e9, 5e9, 1.38e10]),
        bands=tuple({"name": f"band {i}", "pivot_wave_aa": 4000.0 + 1000.0 * i} for i in range(n_band)),
        truth_names=(*NEEDED_TRUTHS, "another"),
        recipe={"name": "made up", "kinematics": {"redshift": {"distribution": "constant", "value": redshift}}},
        library={"name": "made up"},
        dataset_name="made up",
    )


def galaxies(description: ModelDescription, n: int, seed: int = 0) -> tuple[dict, dict]:
    """(inputs, truths) of n galaxies: a slope, an emission line and noise; colours that follow the slope."""
    rng = np.random.default_rng(seed)
    slope, strength = rng.uniform(-1.0, 1.0, (2, n, 1))
    x = np.linspace(-1.0, 1.0, description.n_pixel)
    clean = 1.0 + 0.4 * slope * x + (1.0 + strength) * np.exp(-0.5 * ((x - 0.6) / 0.05) ** 2)
    error = np.full_like(clean, 0.03)
    colours = slope * np.linspace(0.0, 1.0, description.n_band)
    inputs = {
        "flux": clean + error * rng.standard_normal(clean.shape),
        "flux_error": error,
        "mask": np.ones_like(clean),
        "magnitudes": 18.0 + colours + 0.02 * rng.standard_normal(colours.shape),
        "magnitude_errors": np.full_like(colours, 0.02),
    }
    truths = {
        "mass_fraction": rng.dirichlet(np.ones(description.n_age_bin), n),
        "metallicity": rng.uniform(0.001, 0.03, (n, description.n_age_bin)),
        "truth": rng.uniform(0.01, 1.0, (n, len(description.truth_names))),
    }
    return single(inputs), single(truths)


def single(arrays: dict) -> dict:
    """In single precision."""
    return {name: np.asarray(values, dtype=np.float32) for name, values in arrays.items()}


def small_model(architecture: str, description: ModelDescription | None = None, seed: int = 3):
    """Adapted, every trained weight moved at random so that every input matters, calibrated."""
    description = description or small_description()
    model = build_model(description, architecture, architecture_options=OPTIONS.get(architecture), seed=seed)
    model.fit_normalization([galaxies(description, 200, seed=1)])
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(np.asarray(weight) + 0.1 * rng.standard_normal(weight.shape))
    calibrate(model, [galaxies(description, 200, seed=2)])
    return model


def answers(model, inputs: dict) -> dict[str, np.ndarray]:
    """Outputs as arrays."""
    return {name: np.asarray(values) for name, values in model(inputs, training=False).items()}


def assert_same_answers(ours: dict, theirs: dict, tolerance: float) -> None:
    """Equal within the tolerance times the largest value of each output, or absolutely where that is below 1."""
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        scale = max(1.0, float(np.abs(values).max()))
        np.testing.assert_allclose(theirs[name], values, rtol=0.0, atol=tolerance * scale, err_msg=name)
