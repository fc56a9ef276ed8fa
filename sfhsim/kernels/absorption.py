"""Energy that dust takes out of light: the bolometer's columns, summed.

    birth = sum_j (1 - T_b) clouded_j        screen = sum_j (1 - T_s) [screened_j + T_b clouded_j],    T = exp(-tau k)

with clouded and screened light of `sfhsim.kernels.spectra.ColumnLight` at columns that already hold energies (Lsun).
1 - T is its series where tau k is small, so that thin dust loses no digits; sums are in float64.

The callers (sfhsim.synthesis) validate, as for `sfhsim.kernels.spectra`.
"""

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma
from sfhsim.kernels.elementary import exp_single
from sfhsim.kernels.mixing import BLOCK
from sfhsim.kernels.products import multiply_rows
from sfhsim.kernels.spectra import TILE

_F = np.float32
_ONE, _SMALL = _F(1.0), _F(0.125)
_C2, _C3, _C4, _C5 = _F(-1 / 2), _F(1 / 6), _F(-1 / 24), _F(1 / 120)


@njit(cache=True, nogil=True)
def absorbed_share(depth):
    """1 - exp(-depth) of a float32."""
    series = depth * fma(depth, fma(depth, fma(depth, fma(depth, _C5, _C4), _C3), _C2), _ONE)
    return series if abs(depth) < _SMALL else _ONE - exp_single(-depth)


@njit(cache=True, nogil=True)
def _absorb(screened, clouded, tau_birth, curve_birth, tau_screen, curve_screen, birth, screen):
    for j in range(curve_birth.size):
        birth[j] = absorbed_share(tau_birth * curve_birth[j]) * clouded[j]
        unscreened = screened[j] + (clouded[j] - birth[j])
        screen[j] = absorbed_share(tau_screen * curve_screen[j]) * unscreened


@njit(cache=True, nogil=True)
def _add_up(values):
    total = 0.0
    for j in range(values.size):
        total += np.float64(values[j])
    return total


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _absorbed_block(first, light, out):
    n, m = out.shape[0], light.curve_birth.shape[1]
    shared_birth, shared_screen = light.curve_birth.shape[0] == 1, light.curve_screen.shape[0] == 1
    c_screened, c_clouded = light.screened[first : first + BLOCK], light.clouded[first : first + BLOCK]
    screened, clouded = np.empty((BLOCK, TILE), dtype=np.float32), np.empty((BLOCK, TILE), dtype=np.float32)
    birth, screen = np.empty(TILE, dtype=np.float32), np.empty(TILE, dtype=np.float32)
    for tile in range(light.screened_vectors.shape[0]):
        low, high = tile * TILE, min((tile + 1) * TILE, m)
        width = high - low
        multiply_rows(c_screened, light.screened_vectors[tile], screened)
        multiply_rows(c_clouded, light.clouded_vectors[tile], clouded)
        for i in range(first, min(first + BLOCK, n)):
            k_birth = light.curve_birth[0 if shared_birth else i, low:high]
            k_screen = light.curve_screen[0 if shared_screen else i, low:high]
            tau, at = (_F(light.tau_birth[i]), _F(light.tau_screen[i])), i - first
            _absorb(screened[at], clouded[at], tau[0], k_birth, tau[1], k_screen, birth[:width], screen[:width])
            out[i, 0] += _add_up(birth[:width])
            out[i, 1] += _add_up(screen[:width])


@njit(cache=True, nogil=True, parallel=True)
def absorbed_energy(light, out):
    """Energies ``out`` (n, 2) float64 absorbed in birth clouds and screen, of a `ColumnLight` of the bolometer."""
    for block in prange(light.screened.shape[0] // BLOCK):
        first = block * BLOCK
        out[first : min(first + BLOCK, out.shape[0])] = 0.0
        _absorbed_block(first, light, out)
