"""Are samples those of the posterior: ranks of truths among them (Talts et al. 2018, arXiv:1804.06788), and coverage.

For galaxies drawn from the training's prior the rank of the truth among the samples is uniform, for any quantity.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from sfhmodel.errors import InputError


def ranks(truth: np.ndarray, samples: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n,) number of samples (n, n_sample) below the truth (n,); among equal ones the rank is drawn."""
    truth, samples = np.asarray(truth)[:, None], np.asarray(samples)
    if truth.shape[0] != samples.shape[0]:
        raise InputError(f"{truth.shape[0]} truths for {samples.shape[0]} galaxies of samples")
    ties = (samples == truth).sum(axis=1)
    return (samples < truth).sum(axis=1) + np.random.default_rng(seed).integers(0, ties + 1)


def rank_p_value(rank: np.ndarray, n_sample: int, bins: int = 20) -> float:
    """p of a chi-square test that ranks (n,) from 0 to ``n_sample`` are uniform."""
    edges = np.linspace(-0.5, n_sample + 0.5, bins + 1)
    count = np.histogram(rank, edges)[0]
    whole = np.arange(n_sample + 1)
    expected = np.histogram(whole, edges)[0] / whole.size * len(rank)
    return float(stats.chisquare(count, expected).pvalue)


def coverage(rank: np.ndarray, n_sample: int, share: float) -> float:
    """Part of the truths within the central intervals that hold this share of the samples."""
    place = (np.asarray(rank) + 0.5) / (n_sample + 1)
    return float((np.abs(place - 0.5) <= 0.5 * share).mean())
