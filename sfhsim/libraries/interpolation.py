"""Templates between the metallicities and ages of a library: linear in log10 Z and in log10 age, held at the ends."""

from __future__ import annotations

import numpy as np


def metallicity_weights(have: np.ndarray, want: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower index (n,), fraction (n,) of the upper one, and the wanted metallicities that were clipped."""
    clipped = want[(want < have[0] * (1 - 1e-9)) | (want > have[-1] * (1 + 1e-9))]
    if have.size == 1:
        return np.zeros(want.size, dtype=int), np.zeros(want.size), clipped
    position = np.interp(np.log10(want), np.log10(have), np.arange(have.size))
    lower = np.minimum(position.astype(int), have.size - 2)
    return lower, position - lower, clipped


def mix_metallicities(values: np.ndarray, lower: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """(n_have, ...) -> (n_want, ...), linear between neighbouring metallicities."""
    upper = np.minimum(lower + 1, values.shape[0] - 1)
    fraction = fraction.reshape(-1, *[1] * (values.ndim - 1))
    return (1.0 - fraction) * values[lower] + fraction * values[upper]


def at_ages(age_yr: np.ndarray, values: np.ndarray, new_age_yr: np.ndarray) -> np.ndarray:
    """(n_z, n_age) -> (n_z, n_new), linear in log10 age and held beyond the ends."""
    return np.array([np.interp(np.log10(new_age_yr), np.log10(age_yr), row) for row in values])


def at_templates(
    metallicity: np.ndarray, age_yr: np.ndarray, flux: np.ndarray, new_metallicity: np.ndarray, new_age_yr: np.ndarray
) -> np.ndarray:
    """Spectra (n_z, n_age, n_wave) -> (n_new_z, n_new_age, n_wave), linear in both logarithms and held at the ends."""
    position = np.interp(np.log10(new_age_yr), np.log10(age_yr), np.arange(age_yr.size))
    below = np.minimum(position.astype(int), max(age_yr.size - 2, 0))
    above = np.minimum(below + 1, age_yr.size - 1)
    share = (position - below)[:, None]
    lower, fraction, _ = metallicity_weights(metallicity, new_metallicity)
    return mix_metallicities((1 - share) * flux[:, below] + share * flux[:, above], lower, fraction)
