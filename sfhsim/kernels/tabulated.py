"""Cumulative tabulated histories: the loop over a batch of galaxies.

The callers in ``sfhsim.histories`` validate: arrays are C-contiguous float64, edges increase and start at
or above 0, every age and width is in the unit named, table ages increase. Arrays are writable: numba compiles anew for
read-only ones. Each galaxy is computed alone, so the results are the same bytes for any batch and any number of
threads.
"""

from numba import njit


@njit(cache=True, nogil=True)
def tabulated_cumulative(table_age, table_sfr, age_max, edges, out, total):
    """Fill ``out`` (n, m) with the fraction formed below each edge (yr) for SFR linear between table points.

    ``table_age`` (1 or n, k) and ``table_sfr`` (1 or n, k); constant below the first age, zero above the
    last. ``total`` (n,) takes the integral of the table up to ``age_max``; where it is 0, the row of
    ``out`` is 0.
    """
    n_point = table_age.shape[1]
    for i in range(out.shape[0]):
        age, sfr = table_age[i % table_age.shape[0]], table_sfr[i % table_sfr.shape[0]]
        end = min(age_max[i], age[n_point - 1])
        mass, t, k, j = 0.0, 0.0, 0, 0  # t runs through edges and table points; k: next table point
        while t < end or j < edges.size:
            while k < n_point and age[k] <= t:
                k += 1
            while j < edges.size and (edges[j] <= t or t >= end):
                out[i, j] = mass
                j += 1
            if t >= end:
                break
            stop = end
            if j < edges.size and edges[j] < stop:
                stop = edges[j]
            if age[k] < stop:
                stop = age[k]
            if k == 0:
                mass += sfr[0] * (stop - t)
            else:
                gradient = (sfr[k] - sfr[k - 1]) / (age[k] - age[k - 1])
                mass += (stop - t) * (sfr[k - 1] + gradient * (0.5 * (stop + t) - age[k - 1]))
            t = stop
        total[i] = mass
        if mass > 0.0:
            for j in range(edges.size):
                out[i, j] /= mass
