"""From mixing coefficients to attenuated light, and from light to noisy spectra.

    light = exp(-tau_s k_s) [C_screened V_screened + exp(-tau_b k_b) C_clouded V_clouded] + C_bare V_bare

BLOCK galaxies and TILE columns are multiplied at a time (`sfhsim.kernels.products`): so few that the products are still
in the fastest cache when the dust is applied. The exponential is arithmetic, to 2e-7 (1 + tau k). Loops are kept apart,
and division follows IEEE, so that each runs on vector registers.

The callers (sfhsim.synthesis) validate, pad the galaxies to whole blocks, and cut the vectors into tiles.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma
from sfhsim.kernels.elementary import exp_single
from sfhsim.kernels.mixing import BLOCK
from sfhsim.kernels.products import multiply_rows
from sfhsim.kernels.random import fill_words, normals_from_words

TILE = 128
NO_NOISE, CONSTANT, POISSON, PROPORTIONAL = 0, 1, 2, 3

_F = np.float32
_FLOOR = _F(0.01)  # of the median flux, as in sfhsim.instrument.noise
_SAMPLE = 33  # values from which the search of the median begins


class ColumnLight(NamedTuple):
    """Light of n galaxies at m columns, before multiplication and dust: behind the screen, in birth clouds behind it,
    and before all dust.

    ``screened``, ``clouded`` and ``bare`` (n_padded, k) float32 coefficients of ``screened_vectors`` ... (n_tile, k,
    TILE) float32, zero beyond the m columns; k may be 0. ``tau_birth`` and ``tau_screen`` (n,) float64; ``curve_birth``
    and ``curve_screen`` (1 or n, m) float32.
    """

    screened: np.ndarray
    screened_vectors: np.ndarray
    clouded: np.ndarray
    clouded_vectors: np.ndarray
    tau_birth: np.ndarray
    curve_birth: np.ndarray
    tau_screen: np.ndarray
    curve_screen: np.ndarray
    bare: np.ndarray
    bare_vectors: np.ndarray


class Observation(NamedTuple):
    """How n spectra of m pixels are observed.

    ``scale`` (n,) float32 from light to flux. ``lines`` (n, n_line) of fixed profiles: pixels from ``profile_start``
    (n_line,) on, ``profiles`` (n_line, width) float32. ``seed``, ``sample_id`` (n,) and ``stream`` of the random
    numbers; noise ``model``; ``snr`` (n,); ``inverse_curve`` (m,) float32, 1 over the relative S/N, all 1 unless
    ``has_curve``.
    """

    scale: np.ndarray
    lines: np.ndarray
    profile_start: np.ndarray
    profiles: np.ndarray
    seed: np.uint64
    sample_id: np.ndarray
    stream: np.uint32
    model: int
    snr: np.ndarray
    inverse_curve: np.ndarray
    has_curve: bool


@njit(cache=True, nogil=True)
def _through_dust(screened, clouded, tau_birth, curve_birth, tau_screen, curve_screen, out):
    for j in range(out.size):
        unscreened = fma(exp_single(-tau_birth * curve_birth[j]), clouded[j], screened[j])
        out[j] = exp_single(-tau_screen * curve_screen[j]) * unscreened


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _attenuate_block(first, light, out):
    """Attenuated columns of one block of galaxies."""
    n, m = out.shape
    shared_birth, shared_screen = light.curve_birth.shape[0] == 1, light.curve_screen.shape[0] == 1
    c_screened, c_clouded = light.screened[first : first + BLOCK], light.clouded[first : first + BLOCK]
    screened, clouded = np.empty((BLOCK, TILE), dtype=np.float32), np.empty((BLOCK, TILE), dtype=np.float32)
    for tile in range(light.screened_vectors.shape[0]):
        low, high = tile * TILE, min((tile + 1) * TILE, m)
        multiply_rows(c_screened, light.screened_vectors[tile], screened)
        multiply_rows(c_clouded, light.clouded_vectors[tile], clouded)
        for i in range(first, min(first + BLOCK, n)):
            k_birth = light.curve_birth[0 if shared_birth else i, low:high]
            k_screen = light.curve_screen[0 if shared_screen else i, low:high]
            tau = _F(light.tau_birth[i]), _F(light.tau_screen[i])
            at = i - first
            _through_dust(screened[at], clouded[at], tau[0], k_birth, tau[1], k_screen, out[i, low:high])
    if light.bare.shape[1] > 0:
        _add_bare_block(first, light, out)


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _add_bare_block(first, light, out):
    """Light before all dust, onto the columns of one block of galaxies."""
    n, m = out.shape
    c_bare, bare = light.bare[first : first + BLOCK], np.empty((BLOCK, TILE), dtype=np.float32)
    for tile in range(light.bare_vectors.shape[0]):
        low, high = tile * TILE, min((tile + 1) * TILE, m)
        multiply_rows(c_bare, light.bare_vectors[tile], bare)
        for i in range(first, min(first + BLOCK, n)):
            for j in range(high - low):
                out[i, low + j] += bare[i - first, j]


@njit(cache=True, nogil=True)
def _count_up_to(keys, limit):
    beyond = np.int32(limit + np.int32(1))
    count = np.int32(0)
    for j in range(keys.size):  # -1 for each, by its sign bit; kept at 32 bits: twice as many in a register
        count = np.int32(count + (np.int32(keys[j] - beyond) >> np.int32(31)))
    return -count


@njit(cache=True, nogil=True)
def _smallest_above(keys, limit):
    best = np.int32(0x7FFFFFFF)
    for j in range(keys.size):
        best = min(best, keys[j] if keys[j] > limit else np.int32(0x7FFFFFFF))
    return best


@njit(cache=True, nogil=True)
def _positive_part(values, out):
    for j in range(values.size):
        out[j] = max(values[j], _F(0.0))


@njit(cache=True, nogil=True)
def _sorted_sample(keys, sample):
    """Fill ``sample`` with evenly spaced keys in increasing order."""
    for k in range(sample.size):
        key = keys[(2 * k + 1) * keys.size // (2 * sample.size)]
        at = k
        while at > 0 and sample[at - 1] > key:
            sample[at] = sample[at - 1]
            at -= 1
        sample[at] = key


@njit(cache=True, nogil=True)
def median_of_row(values, scratch):
    """Median of ``values`` (m,) float32, negative ones counted as 0; ``scratch`` (m,) float32.

    Floats that are not negative are ordered as their bits are: the middle one is found by narrowing an interval of
    integers, each step a count over the row, until one value is left in it. The first two guesses are a little below
    and above the median of a sample.
    """
    m = values.size
    _positive_part(values, scratch)
    keys = scratch.view(np.int32)
    sample = np.empty(_SAMPLE, dtype=np.int32)
    _sorted_sample(keys, sample)
    rank = (m + 1) // 2
    low, high = np.int64(-1), np.int64(0x7F7FFFFF)  # count(<= low) < rank <= count(<= high)
    n_low, n_high = 0, m
    step = 0
    while high - low > 1 and n_high - n_low > 1:
        if step < 2:
            guess = np.int64(sample[_SAMPLE // 2 - 4 + 8 * step])
        elif step % 4 == 3:
            guess = low + (high - low) // 2
        else:  # where the rank would be if the keys between were evenly spread
            guess = low + (high - low) * (2 * (rank - n_low) - 1) // (2 * (n_high - n_low))
        middle = min(max(guess, low + 1), high - 1)
        count = _count_up_to(keys, np.int32(middle))
        if count >= rank:
            high, n_high = middle, count
        else:
            low, n_low = middle, count
        step += 1
    if n_high - n_low == 1:
        high = np.int64(_smallest_above(keys, np.int32(low)))
    bits = np.empty(2, dtype=np.int32)
    bits[0] = bits[1] = np.int32(high)
    if m % 2 == 0 and _count_up_to(keys, np.int32(high)) == rank:
        bits[1] = _smallest_above(keys, np.int32(high))
    pair = bits.view(np.float32)
    return _F(0.5) * pair[0] + _F(0.5) * pair[1]


@njit(cache=True, nogil=True)
def _noise_shape(flux, inverse_median, model, inverse_curve, shape):
    if model == CONSTANT:
        for j in range(flux.size):
            shape[j] = inverse_curve[j]
    elif model == POISSON:
        for j in range(flux.size):
            shape[j] = np.sqrt(max(flux[j] * inverse_median, _FLOOR)) * inverse_curve[j]
    else:
        for j in range(flux.size):
            shape[j] = max(flux[j] * inverse_median, _FLOOR) * inverse_curve[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _snr_of_shape(flux, inverse_median, shape, out):
    for j in range(flux.size):
        out[j] = flux[j] * inverse_median / shape[j]


@njit(cache=True, nogil=True)
def _add_noise(flux, amplitude, shape, normal, noisy, error):
    for j in range(flux.size):
        sigma = amplitude * shape[j]
        error[j] = sigma
        noisy[j] = fma(sigma, normal[j], flux[j])


@njit(cache=True, nogil=True)
def _add_profile(amplitude, profile, flux):
    for j in range(profile.size):
        flux[j] = fma(amplitude, profile[j], flux[j])


@njit(cache=True, nogil=True)
def _scale_and_add_lines(flux, scale, lines, profile_start, profiles):
    for j in range(flux.size):
        flux[j] *= scale
    width = profiles.shape[1]
    for line in range(profile_start.size):
        start = profile_start[line]
        _add_profile(_F(lines[line]) * scale, profiles[line], flux[start : start + width])


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _observe_one(i, observation, flux, noisy, error):
    """Galaxy i of a batch; returns whether it has light in its median pixel."""
    _scale_and_add_lines(
        flux, observation.scale[i], observation.lines[i], observation.profile_start, observation.profiles
    )
    if observation.model == NO_NOISE:
        return True
    m = flux.size
    shape, work = np.empty(m, dtype=np.float32), np.empty(m, dtype=np.float32)
    words = np.empty((4, (m + 3) // 4), dtype=np.uint32)
    normals = np.empty(words.size, dtype=np.float32)
    median = median_of_row(flux, work)
    inverse = _F(1.0) / max(median, _F(1e-37))
    _noise_shape(flux, inverse, observation.model, observation.inverse_curve, shape)
    amplitude = median / _F(observation.snr[i])
    if observation.has_curve:
        _snr_of_shape(flux, inverse, shape, normals[:m])
        amplitude *= median_of_row(normals[:m], work)
    fill_words(observation.seed, observation.sample_id[i], observation.stream, words)
    normals_from_words(words.reshape(-1), normals)
    _add_noise(flux, amplitude, shape, normals, noisy, error)
    return median > _F(0.0)


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _observe_block(first, light, observation, flux, noisy, error, lit):
    _attenuate_block(first, light, flux)
    for i in range(first, min(first + BLOCK, flux.shape[0])):
        lit[i] = _observe_one(i, observation, flux[i], noisy[i], error[i])


# bodies are functions of their own: the parallel loops then compile in half the time
@njit(cache=True, nogil=True, parallel=True)
def attenuated_light(light, out):
    """Attenuated columns ``out`` (n, m) float32 of a `ColumnLight`."""
    for block in prange(light.screened.shape[0] // BLOCK):
        _attenuate_block(block * BLOCK, light, out)


@njit(cache=True, nogil=True, parallel=True)
def observe_spectra(observation, flux, noisy, error, lit):
    """Scale spectra, add lines of fixed profiles, and add noise, as an `Observation` says.

    ``flux`` (n, m) float32 is changed in place from rest-frame light to noise-free flux; ``noisy`` and ``error``
    (n, m) are filled unless the model is NO_NOISE. ``lit`` (n,) bool tells which galaxies have light in their median
    pixel.
    """
    for i in prange(flux.shape[0]):
        lit[i] = _observe_one(i, observation, flux[i], noisy[i], error[i])


@njit(cache=True, nogil=True, parallel=True)
def observe_light(light, observation, flux, noisy, error, lit):
    """`attenuated_light` into ``flux`` and `observe_spectra` at once, while the spectra are in the cache."""
    for block in prange(light.screened.shape[0] // BLOCK):
        _observe_block(block * BLOCK, light, observation, flux, noisy, error, lit)
