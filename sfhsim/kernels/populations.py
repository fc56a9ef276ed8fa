"""From cumulative histories to SSP weights and labels: one galaxy an iteration of the parallel loop.

Twins, readable and general: `sfhsim.histories.bin_metallicity`, `mass_weighted_metallicity` and `metallicity_weights`,
which also serve metallicity families that are not known here. The callers (sfhsim.synthesis) validate: parameters are
in their ranges, edges increase, the library's metallicities increase from above 0.

Loops are kept apart and logarithms are arithmetic (`sfhsim.kernels.elementary`), so that each runs on vector registers;
a galaxy is computed by one thread in a fixed order.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma, sum_of_products
from sfhsim.kernels.elementary import exp10_double, expm1_double, log10_double, log_double

CLOSED_BOX, LINEAR_MASS, CONSTANT = 0, 1, 2


class CellTables(NamedTuple):
    """How the cells between the edges of the histories serve the library and the labels.

    ``first_of_age`` (n_age + 1,) and ``first_of_label`` (n_label + 1,) intp: cells of each age bin and label;
    ``wide_ages``: ages of more than one cell; ``middle_cell`` (n_label,): cell in the middle of each label;
    ``mean_log10_age`` (n_cell,). ``log10_library`` (n_metallicity,).
    """

    first_of_age: np.ndarray
    first_of_label: np.ndarray
    wide_ages: np.ndarray
    middle_cell: np.ndarray
    mean_log10_age: np.ndarray
    log10_library: np.ndarray


@njit(cache=True, nogil=True)
def _masses_and_midpoints(cumulative, mass, before):
    for j in range(mass.size):
        low, high = cumulative[np.uintp(j)], cumulative[np.uintp(j) + np.uintp(1)]
        mass[j] = high - low
        before[j] = 1.0 - 0.5 * (low + high)


@njit(cache=True, nogil=True, error_model="numpy")
def _closed_box(before, z_start, gas_used, yield_, z):
    for j in range(z.size):
        z[j] = fma(-yield_, log_double(fma(-gas_used, before[j], 1.0)), z_start)


@njit(cache=True, nogil=True, error_model="numpy")
def _metallicities(form, before, z_start, z_final, yield_, z):
    """Z where the fraction ``before`` of the mass had formed."""
    if form == CLOSED_BOX:
        _closed_box(before, z_start, -expm1_double((z_start - z_final) / yield_), yield_, z)
    elif form == LINEAR_MASS:
        for j in range(z.size):
            z[j] = fma(before[j], z_final - z_start, z_start)
    else:
        for j in range(z.size):
            z[j] = z_final


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _labels(cumulative, cell_mass, cell_z, tables, label_mass, label_z):
    first = tables.first_of_label
    for k in range(label_mass.size):
        low, high = first[k], first[k + 1]
        m = cumulative[high] - cumulative[low]
        label_mass[k] = m
        if m > 0.0:
            label_z[k] = sum_of_products(cell_mass[low:high], cell_z[low:high]) / m
        else:
            label_z[k] = cell_z[tables.middle_cell[k]]


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _ages(cumulative, cell_z, form, z_start, z_final, yield_, tables, mass, z):
    first, wide = tables.first_of_age, tables.wide_ages
    for a in range(mass.size):
        mass[a] = cumulative[first[a + 1]] - cumulative[first[a]]
        z[a] = cell_z[first[a]]
    before, found = np.empty(wide.size), np.empty(wide.size)
    for k in range(wide.size):
        before[k] = 1.0 - 0.5 * (cumulative[first[wide[k]]] + cumulative[first[wide[k] + 1]])
    _metallicities(form, before, z_start, z_final, yield_, found)
    for k in range(wide.size):
        z[wide[k]] = found[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _log10_of(z, out):
    for a in range(z.size):
        out[a] = log10_double(max(z[a], 1e-300))


@njit(cache=True, nogil=True)
def _add_interval(log10_z, low, inverse_width, place):
    for a in range(place.size):
        place[a] += min(max((log10_z[a] - low) * inverse_width, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _split_place(place, lower, upper_share):
    for a in range(place.size):
        whole = np.int32(place[a])
        lower[a] = whole
        upper_share[a] = place[a] - np.float64(whole)


@njit(cache=True, nogil=True)
def _count_outside(z, lowest, highest):
    outside = np.int64(0)
    for a in range(z.size):
        outside += np.int64(z[a] < lowest) + np.int64(z[a] > highest)
    return outside


@njit(cache=True, nogil=True, error_model="numpy")
def _weights(z, log10_library, work, lower, upper_share):
    """Index below and weight above, linear in log10 Z: whole intervals passed, and the part of the one it is in."""
    log10_z, place = work[0, : z.size], work[1, : z.size]
    _log10_of(z, log10_z)
    for a in range(place.size):
        place[a] = 0.0
    for k in range(log10_library.size - 1):
        _add_interval(log10_z, log10_library[k], 1.0 / (log10_library[k + 1] - log10_library[k]), place)
    _split_place(place, lower, upper_share)
    # roundoff at the end points is not an extrapolation
    lowest = exp10_double(log10_library[0]) * (1.0 - 1e-9)
    highest = exp10_double(log10_library[-1]) * (1.0 + 1e-9)
    return _count_outside(z, lowest, highest)


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _galaxy(
    cumulative, form, z_start, z_final, yield_, tables, mass, z, lower, upper_share, label_mass, label_z, means
):
    """One galaxy of `populations`; returns the number of ages whose Z is clipped."""
    n_cell = cumulative.size - 1
    work = np.empty((3, n_cell))
    cell_mass, before, cell_z = work[0], work[1], work[2]
    _masses_and_midpoints(cumulative, cell_mass, before)
    _metallicities(form, before, z_start, z_final, yield_, cell_z)
    _labels(cumulative, cell_mass, cell_z, tables, label_mass, label_z)
    means[0] = sum_of_products(cell_mass, tables.mean_log10_age)
    means[1] = sum_of_products(cell_mass, cell_z)
    _ages(cumulative, cell_z, form, z_start, z_final, yield_, tables, mass, z)
    return _weights(z, tables.log10_library, work, lower, upper_share)


@njit(cache=True, nogil=True, parallel=True)
def populations(
    cumulative,
    form,
    z_start,
    z_final,
    yield_,
    tables,
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

    ``cumulative`` (n, n_cell + 1); ``tables`` a `CellTables`; ``means`` (n, 2): mass-weighted log10 age and Z.
    """
    for i in prange(cumulative.shape[0]):
        n_clipped[i] = _galaxy(
            cumulative[i],
            form,
            z_start[i],
            z_final[i],
            yield_[i],
            tables,
            mass[i],
            metallicity[i],
            lower[i],
            upper_share[i],
            label_mass[i],
            label_metallicity[i],
            means[i],
        )


@njit(cache=True, nogil=True)
def _fill_light(mass, lower, upper_share, mean_light, light):
    last = mean_light.shape[0] - 1
    for a in range(mass.size):
        low = lower[a]
        below, above = mean_light[low, a], mean_light[min(low + 1, last), a]
        light[a] = mass[a] * fma(upper_share[a], above - below, below)


@njit(cache=True, nogil=True)
def _light_weighted_one(mass, metallicity, lower, upper_share, mean_light, log10_age, ones, out):
    light = np.empty(mass.size)
    _fill_light(mass, lower, upper_share, mean_light, light)
    total = sum_of_products(light, ones)
    out[0] = sum_of_products(light, log10_age) / total
    out[1] = sum_of_products(light, metallicity) / total


@njit(cache=True, nogil=True, parallel=True)
def light_weighted(mass, metallicity, lower, upper_share, mean_light, log10_age, out):
    """Light-weighted log10 age and metallicity ``out`` (n, 2); ``mean_light`` (n_metallicity, n_age) of templates."""
    ones = np.ones(mass.shape[1])
    for i in prange(mass.shape[0]):
        _light_weighted_one(mass[i], metallicity[i], lower[i], upper_share[i], mean_light, log10_age, ones, out[i])
