"""Weights of the two metallicities of a library beside each wanted one; the caller, `sfhsim.histories.metallicity`,
validates: contiguous float64 arrays, the library's metallicities increase.
"""

from numba import njit

from sfhsim.kernels.elementary import exp10_double, log10_double


@njit(cache=True, nogil=True)
def metallicity_weights(metallicity, log10_library, lower, fraction, clipped):
    """Fill the index of the library metallicity below, and the weight of the one above, linear in log10 Z.

    ``metallicity`` (n, m) >= 0, ``log10_library`` (k,) increasing, k >= 2; ``clipped`` (n,) counts what lay
    outside.
    """
    n_library = log10_library.size
    # roundoff at the end points is not an extrapolation
    tiny = exp10_double(log10_library[0] - 1e-9)
    huge = exp10_double(log10_library[-1] + 1e-9)
    for i in range(metallicity.shape[0]):
        outside = 0
        for j in range(metallicity.shape[1]):
            z = metallicity[i, j]
            if z < tiny or z > huge:
                outside += 1
            if z <= tiny:
                lower[i, j], fraction[i, j] = 0, 0.0
                continue
            log10_z = log10_double(z)
            k = 0
            while k < n_library - 2 and log10_z >= log10_library[k + 1]:
                k += 1
            part = (log10_z - log10_library[k]) / (log10_library[k + 1] - log10_library[k])
            lower[i, j], fraction[i, j] = k, min(max(part, 0.0), 1.0)
        clipped[i] = outside
