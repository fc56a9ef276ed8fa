"""From mixing coefficients to attenuated light, and from light to noisy spectra.

    light = exp(-tau_s k_s) [C_old V_old + exp(-tau_b k_b) C_young V_young]

A block of BLOCK galaxies is multiplied at a time: always the same shape, so that BLAS sums every row in the same order
wherever in a batch it stands, and small enough that the product is still in the cache when the dust is applied. The
exponential is 2^n times a polynomial in float32, to 2e-7 (1 + tau k). Loops are kept apart, and division follows IEEE,
so that each runs on vector registers.

The callers (sfhsim.synthesis) validate, hold BLAS to one thread, and pad the galaxies to whole blocks.
"""

import math

import numpy as np
from numba import njit, prange

from sfhsim.kernels.mixing import BLOCK
from sfhsim.kernels.random import fill_words, normals_from_words

NO_NOISE, CONSTANT, POISSON, PROPORTIONAL = 0, 1, 2, 3

_F = np.float32
_LOG2E = _F(1.0 / math.log(2.0))
_FLOOR = _F(0.01)  # of the median flux, as in sfhsim.instrument.noise


def _exp2_coefficients() -> list[np.float32]:
    """2^r for |r| <= 1/2: the Chebyshev interpolant of degree 6, to 1e-8."""
    node = 0.5 * np.cos(np.pi * (np.arange(7) + 0.5) / 7)
    return [_F(c) for c in np.polynomial.polynomial.polyfit(node, 2.0**node, 6)]


_E0, _E1, _E2, _E3, _E4, _E5, _E6 = _exp2_coefficients()


@njit(cache=True, nogil=True)
def _exp_parts(tau, curve, power_bits, rest):
    for j in range(curve.size):
        y = max(-tau * curve[j] * _LOG2E, _F(-126.0))
        whole = np.floor(y + _F(0.5))
        power_bits[j] = (np.int32(whole) + np.int32(127)) << np.int32(23)
        rest[j] = y - whole


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exp_product(power, rest, out):
    for j in range(out.size):
        r = rest[j]
        out[j] = power[j] * (_E0 + r * (_E1 + r * (_E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * _E6))))))


@njit(cache=True, nogil=True)
def transmission(tau, curve, scratch, out):
    """exp(-tau curve) (m,) float32; ``scratch`` (2, m) float32."""
    _exp_parts(_F(tau), curve, scratch[0].view(np.int32), scratch[1])
    _exp_product(scratch[0], scratch[1], out)


@njit(cache=True, nogil=True)
def _through_dust(old, young, birth, screen, out):
    for j in range(out.size):
        out[j] = screen[j] * (old[j] + birth[j] * young[j])


@njit(cache=True, nogil=True)
def _attenuate_block(first, c_old, v_old, c_young, v_young, tau_birth, curve_birth, tau_screen, curve_screen, out):
    """One block of `attenuated_light`."""
    n, m = out.shape
    shared_birth, shared_screen = curve_birth.shape[0] == 1, curve_screen.shape[0] == 1
    old, young = np.empty((BLOCK, m), dtype=np.float32), np.empty((BLOCK, m), dtype=np.float32)
    np.dot(c_old[first : first + BLOCK], v_old, old)
    np.dot(c_young[first : first + BLOCK], v_young, young)
    work = np.empty((4, m), dtype=np.float32)
    for i in range(first, min(first + BLOCK, n)):
        transmission(tau_birth[i], curve_birth[0 if shared_birth else i], work[2:], work[0])
        transmission(tau_screen[i], curve_screen[0 if shared_screen else i], work[2:], work[1])
        _through_dust(old[i - first], young[i - first], work[0], work[1], out[i])


@njit(cache=True, nogil=True, parallel=True)
def attenuated_light(
    old_coefficients,
    old_vectors,
    young_coefficients,
    young_vectors,
    tau_birth,
    curve_birth,
    tau_screen,
    curve_screen,
    out,
):
    """Attenuated columns ``out`` (n, m) float32.

    Coefficients (n_padded, k) and vectors (k, m) float32; tau (n,) float64; curves (1 or n, m) float32.
    """
    for block in prange(old_coefficients.shape[0] // BLOCK):
        _attenuate_block(
            block * BLOCK,
            old_coefficients,
            old_vectors,
            young_coefficients,
            young_vectors,
            tau_birth,
            curve_birth,
            tau_screen,
            curve_screen,
            out,
        )


@njit(cache=True, nogil=True)
def _count_up_to(keys, limit):
    count = np.int32(0)
    for j in range(keys.size):
        count = np.int32(count + np.int32(keys[j] <= limit))  # kept at 32 bits: twice as many in a register
    return count


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
def median_of_row(values, scratch):
    """Median of ``values`` (m,) float32, negative ones counted as 0; ``scratch`` (m,) float32.

    Floats that are not negative are ordered as their bits are: the middle one is found by narrowing an interval of
    integers, each step a count over the row, until one value is left in it.
    """
    m = values.size
    _positive_part(values, scratch)
    keys = scratch.view(np.int32)
    rank = (m + 1) // 2
    low, high = np.int32(-1), np.int32(0x7F7FFFFF)  # count(<= low) < rank <= count(<= high)
    n_low, n_high = 0, m
    step = 0
    while high - low > 1 and n_high - n_low > 1:
        if step == 0:
            guess = np.int64(keys[m // 2])
        elif step % 3 == 0:
            guess = np.int64(low) + (np.int64(high) - np.int64(low)) // 2
        else:  # where the rank would be if the keys between were evenly spread
            guess = np.int64(low) + (np.int64(high) - np.int64(low)) * (rank - n_low) // (n_high - n_low)
        middle = np.int32(min(max(guess, np.int64(low) + 1), np.int64(high) - 1))
        count = _count_up_to(keys, middle)
        if count >= rank:
            high, n_high = middle, count
        else:
            low, n_low = middle, count
        step += 1
    if n_high - n_low == 1:
        high = _smallest_above(keys, low)
    bits = np.empty(2, dtype=np.int32)
    bits[0] = high
    bits[1] = high if m % 2 == 1 or _count_up_to(keys, high) > rank else _smallest_above(keys, high)
    pair = bits.view(np.float32)
    return _F(0.5) * pair[0] + _F(0.5) * pair[1]


@njit(cache=True, nogil=True, error_model="numpy")
def _noise_shape(flux, inverse_median, model, curve, shape):
    for j in range(flux.size):
        scaled = max(flux[j] * inverse_median, _FLOOR)
        if model == CONSTANT:
            scaled = _F(1.0)
        elif model == POISSON:
            scaled = np.sqrt(scaled)
        shape[j] = scaled / curve[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _snr_of_shape(flux, inverse_median, shape, out):
    for j in range(flux.size):
        out[j] = flux[j] * inverse_median / shape[j]


@njit(cache=True, nogil=True)
def _add_noise(flux, amplitude, shape, normal, noisy, error):
    for j in range(flux.size):
        error[j] = amplitude * shape[j]
    for j in range(flux.size):
        noisy[j] = flux[j] + amplitude * shape[j] * normal[j]


@njit(cache=True, nogil=True)
def _scale_and_add_lines(flux, scale, lines, profile_start, profiles):
    for j in range(flux.size):
        flux[j] *= scale
    width = profiles.shape[1]
    for line in range(profile_start.size):
        amplitude = _F(lines[line]) * scale
        start = profile_start[line]
        for j in range(width):
            flux[start + j] += amplitude * profiles[line, j]


@njit(cache=True, nogil=True)
def _finish_one(
    scale, lines, profile_start, profiles, seed, sample, stream, model, snr, curve, has_curve, row, noisy, error
):
    """One galaxy of `finish_spectra`; returns whether it has light."""
    _scale_and_add_lines(row, scale, lines, profile_start, profiles)
    if model == NO_NOISE:
        return True
    m = row.size
    work = np.empty((5, m), dtype=np.float32)
    words = np.empty((4, (m + 3) // 4), dtype=np.uint32)
    median = median_of_row(row, work[0])
    inverse = _F(1.0) / max(median, _F(1e-37))
    _noise_shape(row, inverse, model, curve, work[4])
    amplitude = median / _F(snr)
    if has_curve:
        _snr_of_shape(row, inverse, work[4], work[0])
        amplitude *= median_of_row(work[0], work[1])
    fill_words(seed, sample, stream, words)
    normals_from_words(words.reshape(-1)[:m], work[:3], work[3])
    _add_noise(row, amplitude, work[4], work[3], noisy, error)
    return median > _F(0.0)


@njit(cache=True, nogil=True, parallel=True)
def finish_spectra(
    scale,
    lines,
    profile_start,
    profiles,
    seed,
    sample_id,
    stream,
    model,
    snr,
    curve,
    has_curve,
    flux,
    noisy,
    error,
    lit,
):
    """Scale spectra, add lines of fixed profiles, and add noise.

    ``flux`` (n, m) float32 is changed in place from rest-frame light to noise-free flux; ``noisy`` and ``error``
    (n, m) are filled unless ``model`` is NO_NOISE. ``scale`` (n,) float32, ``lines`` (n, n_line), ``profile_start``
    (n_line,) and ``profiles`` (n_line, width) float32; ``snr`` (n,), ``curve`` (m,) float32 relative S/N. ``lit`` (n,)
    bool tells which galaxies have light in their median pixel.
    """
    # the body is a function of its own: the parallel loop then compiles in half the time
    for i in prange(flux.shape[0]):
        lit[i] = _finish_one(
            scale[i],
            lines[i],
            profile_start,
            profiles,
            seed,
            sample_id[i],
            stream,
            model,
            snr[i],
            curve,
            has_curve,
            flux[i],
            noisy[i],
            error[i],
        )
