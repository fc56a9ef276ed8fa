"""Made-up results of an evaluation, with errors and quantiles of known distribution; no network is involved."""

import numpy as np
from scipy.stats import norm

from sfhmodel.description import ModelDescription
from sfhmodel.inference import Prediction
from sfhmodel.truth import Truth

EDGES_YR = np.array([0.0, 1e7, 1e8, 1e9, 5e9, 1.38e10])
SIGMA_DEX, SIGMA = 0.2, np.array([0.15, 0.1, 0.1, 0.08, 0.1, 0.02])


def made_up_description(n_pixel=60) -> ModelDescription:
    """Five age bins, two bands."""
    return ModelDescription(
        wave_aa=np.linspace(4800.0, 7000.0, n_pixel),
        age_bin_edges_yr=EDGES_YR,
        bands=({"name": "X/Y.blue", "pivot_wave_aa": 3500.0}, {"name": "X/Y.red", "pivot_wave_aa": 8000.0}),
        truth_names=("a_v_mag",),
    )


def made_up_results(n=400, seed=0, inputs=True, snr=None, world=None, **changes) -> Prediction:
    """Truths recovered with Gaussian errors, and the quantiles that these errors have."""
    rng = np.random.default_rng(seed)
    description = made_up_description()
    z = norm.ppf(description.quantile_levels)
    mass_fraction = rng.dirichlet(np.ones(EDGES_YR.size - 1), n)
    log10_z = rng.uniform(-3.0, -1.6, mass_fraction.shape)
    summaries = rng.uniform(0.1, 1.0, (n, len(description.summary_names)))
    recovered_z = log10_z + SIGMA_DEX * rng.standard_normal(log10_z.shape)
    recovered = summaries + SIGMA * rng.standard_normal(summaries.shape)
    cumulative = np.cumsum(mass_fraction, axis=1)[..., None] + 0.05 * (z + rng.standard_normal((n, 1, 1)))
    answers = {
        "mass_fraction": rng.dirichlet(np.ones(EDGES_YR.size - 1), n),
        "metallicity": 10.0**recovered_z,
        "summaries": recovered,
        "cumulative_quantiles": cumulative,
        "metallicity_quantiles": 10.0 ** (recovered_z[..., None] + SIGMA_DEX * z),
        "summary_quantiles": recovered[..., None] + SIGMA[:, None] * z,
        "novelty": rng.uniform(0.2, 1.1, n),
    }
    snr = rng.uniform(10.0, 200.0, n) if snr is None else snr
    truth = Truth(np.arange(n), mass_fraction, log10_z, summaries, summaries[:, 4], snr, world)
    if inputs:
        answers |= made_up_inputs(n, description, rng)
    return evaluated(description, truth, **(answers | changes))


def evaluated(description, truth: Truth, **answers) -> Prediction:
    """These answers beside the truth; without photometry where none is given."""
    n = len(truth)
    others = {
        "names": tuple(str(sample) for sample in truth.sample_id),
        "redshift": np.zeros(n),
        "masked_fraction": np.zeros(n),
        "magnitudes": np.full((n, description.n_band), np.nan),
        "magnitude_errors": np.full((n, description.n_band), np.nan),
        "problems": ("",) * n,
    }
    return Prediction(**(others | {"description": description, "truth": truth} | answers))


def made_up_inputs(n, description, rng) -> dict[str, np.ndarray]:
    """Spectra of a slope and noise, two magnitudes of the same order."""
    flux = 1e-14 * (1.0 + np.linspace(-0.2, 0.2, description.n_pixel) * rng.standard_normal((n, 1)))
    noise = np.full_like(flux, 2e-16)
    return {
        "flux": flux + noise * rng.standard_normal(flux.shape),
        "flux_error": noise,
        "mask": np.ones_like(flux),
        "magnitudes": rng.uniform(13.0, 13.5, (n, description.n_band)),
        "magnitude_errors": np.full((n, description.n_band), 0.05),
    }
