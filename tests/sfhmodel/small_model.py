"""A small description, random inputs and truths that fit it, and models of it: no data set needed."""

import numpy as np

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription

N_PIXEL, N_BAND, N_AGE_BIN = 160, 3, 6
SMALL_OPTIONS = {
    "attention": {
        "filters": [8, 16],
        "kernels": [16, 4],
        "strides": [8, 4],
        "blocks": 1,
        "heads": 2,
        "hidden": 16,
        "queries": 2,
        "photometry_units": [8],
        "decoder_units": [24, 16],
    },
    "branched": {
        "filters": [4, 8],
        "kernels": [8, 4],
        "strides": [4, 4],
        "spectrum_units": 16,
        "photometry_units": [8],
        "decoder_units": [16, 12],
    },
}


def description(n_band: int = N_BAND) -> ModelDescription:
    edges = np.concatenate([[0.0], np.geomspace(1e7, 1.38e10, N_AGE_BIN)])
    return ModelDescription(
        wave_aa=np.linspace(4800.0, 7000.0, N_PIXEL),
        age_bin_edges_yr=edges,
        bands=tuple({"name": f"TEST/B{i}", "pivot_wave_aa": 3000.0 + 2000.0 * i} for i in range(n_band)),
        truth_names=NEEDED_TRUTHS,
        recipe={"name": "small"},
        dataset_name="small",
    )


def inputs_and_truths(n: int, seed: int = 0, n_band: int = N_BAND) -> tuple[dict, dict]:
    """Spectra whose slope and line strength depend on the age of a two-component history."""
    rng = np.random.default_rng(seed)
    young = rng.uniform(size=(n, 1))
    x = np.linspace(-1.0, 1.0, N_PIXEL)
    clean = 1.0 - 0.6 * (young - 0.5) * x + 2.0 * young * np.exp(-0.5 * ((x - 0.3) / 0.02) ** 2)
    error = np.full_like(clean, 0.02)
    inputs = {
        "flux": clean + error * rng.normal(size=clean.shape),
        "flux_error": error,
        "mask": np.ones_like(clean),
        "magnitudes": 18.0 + young * np.linspace(-1.0, 1.0, n_band) + 0.05 * rng.normal(size=(n, n_band)),
        "magnitude_errors": np.full((n, n_band), 0.05),
    }
    shares = np.zeros((n, N_AGE_BIN))
    shares[:, :2], shares[:, 2:] = young / 2.0, (1.0 - young) / (N_AGE_BIN - 2)
    z = 0.01 + 0.01 * young
    truth = np.concatenate(
        [np.full((n, 1), 1e9), 10.0 - young, 9.5 - 1.5 * young, z, 1.1 * z, young, 10.0 * young], axis=1
    )
    truths = {"mass_fraction": shares, "metallicity": np.repeat(z, N_AGE_BIN, axis=1), "truth": truth}
    return ({k: v.astype("float32") for k, v in part.items()} for part in (inputs, truths))


def small_model(architecture: str = "attention", n_band: int = N_BAND, *, adapted: bool = True, **kwargs):
    """Untrained; with the constants of the random inputs when ``adapted``."""
    from sfhmodel.model import build_model

    model = build_model(description(n_band), architecture, architecture_options=SMALL_OPTIONS[architecture], **kwargs)
    if adapted:
        model.fit_normalization([tuple(inputs_and_truths(256, seed=99, n_band=n_band))])
    return model
