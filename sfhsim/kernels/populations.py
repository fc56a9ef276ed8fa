"""From cumulative histories to SSP weights and labels: one galaxy an iteration of the parallel loop.

Twins, readable and general: `sfhsim.histories.bin_metallicity`, `mass_weighted_metallicity` and `metallicity_weights`,
which also serve metallicity families that are not known here. The callers (sfhsim.synthesis) validate: parameters are
in their ranges, edges increase, the library's metallicities increase from above 0.
"""

import math

import numpy as np
from numba import njit, prange

CLOSED_BOX, LINEAR_MASS, CONSTANT = 0, 1, 2


@njit(cache=True, nogil=True)
def _metallicity(form, before, z_start, z_final, gas_used, yield_):
    """Z where the fraction ``before`` of the mass had formed."""
    if form == CLOSED_BOX:
        return z_start - yield_ * math.log1p(-gas_used * before)
    if form == LINEAR_MASS:
        return z_start + before * (z_final - z_start)
    return z_final


@njit(cache=True, nogil=True)
def _between(z, log10_library, lowest, highest):
    """Index below, weight above, and whether Z lies outside the library."""
    if z <= lowest:
        return 0, 0.0, z < lowest * (1.0 - 1e-9)
    if z >= highest:
        return log10_library.size - 1, 0.0, z > highest * (1.0 + 1e-9)
    log10_z = math.log10(z)
    k = 0
    while k < log10_library.size - 2 and log10_z >= log10_library[k + 1]:
        k += 1
    share = (log10_z - log10_library[k]) / (log10_library[k + 1] - log10_library[k])
    return k, min(max(share, 0.0), 1.0), False


@njit(cache=True, nogil=True, parallel=True)
def populations(
    cumulative,
    form,
    z_start,
    z_final,
    yield_,
    at_library,
    label_of_cell,
    middle_cell,
    mean_log10_age,
    log10_library,
    mass,
    metallicity,
    lower,
    upper_share,
    n_clipped,
    label_mass,
    label_metallicity,
    means,
):
    """Fill the stars and labels of a batch.

    ``cumulative`` (n, n_cell + 1); ``at_library`` (n_age + 1,) its columns at the library's edges; ``label_of_cell``
    (n_cell,) and ``middle_cell`` (n_label,) cell at the middle of each label; ``means`` (n, 2): mass-weighted log10 age
    and metallicity.
    """
    n_cell = cumulative.shape[1] - 1
    lowest, highest = 10.0 ** log10_library[0], 10.0 ** log10_library[-1]
    for i in prange(cumulative.shape[0]):
        c = cumulative[i]
        gas_used = -math.expm1((z_start[i] - z_final[i]) / yield_[i])
        cell_z = np.empty(n_cell)
        label_mass[i, :] = 0.0
        label_metallicity[i, :] = 0.0
        means[i, 0] = means[i, 1] = 0.0
        for j in range(n_cell):
            m = c[j + 1] - c[j]
            z = _metallicity(form, 1.0 - 0.5 * (c[j] + c[j + 1]), z_start[i], z_final[i], gas_used, yield_[i])
            cell_z[j] = z
            label_mass[i, label_of_cell[j]] += m
            label_metallicity[i, label_of_cell[j]] += m * z
            means[i, 0] += m * mean_log10_age[j]
            means[i, 1] += m * z
        for k in range(label_mass.shape[1]):
            m = label_mass[i, k]
            label_metallicity[i, k] = label_metallicity[i, k] / m if m > 0.0 else cell_z[middle_cell[k]]
        outside = 0
        for a in range(at_library.size - 1):
            low, high = at_library[a], at_library[a + 1]
            mass[i, a] = c[high] - c[low]
            if high == low + 1:
                z = cell_z[low]
            else:
                before = 1.0 - 0.5 * (c[low] + c[high])
                z = _metallicity(form, before, z_start[i], z_final[i], gas_used, yield_[i])
            metallicity[i, a] = z
            k, share, is_outside = _between(z, log10_library, lowest, highest)
            lower[i, a], upper_share[i, a] = k, share
            outside += is_outside
        n_clipped[i] = outside


@njit(cache=True, nogil=True)
def light_weighted(mass, metallicity, lower, upper_share, mean_light, log10_age, out):
    """Light-weighted log10 age and metallicity ``out`` (n, 2); ``mean_light`` (n_metallicity, n_age) of templates."""
    last = mean_light.shape[0] - 1
    for i in range(mass.shape[0]):
        total, age, metals = 0.0, 0.0, 0.0
        for a in range(mass.shape[1]):
            low = lower[i, a]
            below, above = mean_light[low, a], mean_light[min(low + 1, last), a]
            weight = mass[i, a] * (below + upper_share[i, a] * (above - below))
            total += weight
            age += weight * log10_age[a]
            metals += weight * metallicity[i, a]
        out[i, 0] = age / total
        out[i, 1] = metals / total
