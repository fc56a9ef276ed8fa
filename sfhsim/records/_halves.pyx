# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Rounds rows of float32 to scaled half floats: the hot loop of `sfhsim.records.halves`, which validates.

Rounding is done on the bits, to nearest and to even, and scales are powers of two, so that every processor makes the
same bytes. Where GCC can, the loops are compiled for AVX2 as well.
"""

from libc.stdint cimport int32_t, uint16_t, uint32_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define FOR_THIS_PROCESSOR __attribute__((target_clones("avx2", "default")))
    #else
    #define FOR_THIS_PROCESSOR
    #endif

    #define MAGNITUDE 0x7fffffffu
    #define INFINITE 0x7f800000u       /* bits of the float32 infinity */
    #define SMALLEST_NORMAL 0x38800000u /* of 2^-14, the smallest normal half float */
    #define LARGEST_EXPONENT 14         /* the largest value of a row becomes 2^14 or more, and less than 2^15 */
    #define LEAST_EXPONENT -112         /* of a scale: below, its inverse would overflow with that of the row */

    static inline uint32_t bits_of(float value) { uint32_t bits; memcpy(&bits, &value, 4); return bits; }
    static inline float float_of(uint32_t bits) { float value; memcpy(&value, &bits, 4); return value; }

    /* The half float next to ``scaled``, and in *rounded the magnitude it stands for. */
    static inline uint32_t half_of(float scaled, float *rounded) {
        uint32_t bits = bits_of(scaled), magnitude = bits & MAGNITUDE;
        uint32_t carried = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
        int normal = (int32_t)magnitude >= (int32_t)SMALLEST_NORMAL;
        float lifted = float_of(normal ? 0 : magnitude) + 0.5f; /* its last bit is 2^-24, a half float's smallest */
        uint32_t half = normal ? (carried - 0x38000000u) >> 13 : bits_of(lifted) - 0x3f000000u;
        half = (int32_t)magnitude > (int32_t)INFINITE ? 0x7e00u : half;
        half = magnitude == INFINITE ? 0x7c00u : half;
        *rounded = normal ? float_of(carried & ~0x1fffu) : lifted - 0.5f;
        return half | ((bits >> 16) & 0x8000u);
    }

    /* The power of two that a row's half floats are multiplied by. */
    FOR_THIS_PROCESSOR
    static float scale_of(const float *values, Py_ssize_t n) {
        int32_t largest = 0, exponent;
        for (Py_ssize_t i = 0; i < n; i++) {
            int32_t magnitude = (int32_t)(bits_of(values[i]) & MAGNITUDE);
            magnitude = magnitude < (int32_t)INFINITE ? magnitude : 0;
            largest = magnitude > largest ? magnitude : largest;
        }
        if (largest == 0) return 1.0f;
        exponent = (largest >> 23) - 127 - LARGEST_EXPONENT;
        exponent = exponent < LEAST_EXPONENT ? LEAST_EXPONENT : exponent;
        return float_of((uint32_t)(exponent + 127) << 23);
    }

    /* Whether a value lost too much; ``rounded`` is a magnitude. Never of NaN and infinity, which half floats hold. */
    static inline int lost(float value, float rounded, float most_relative, float most) {
        float magnitude = float_of(bits_of(value) & MAGNITUDE);
        float error = float_of(bits_of(magnitude - rounded) & MAGNITUDE);
        return (error > most_relative * magnitude) | (error > most);
    }

    /* Round a row; the number of values that lost too much. */
    FOR_THIS_PROCESSOR
    static int32_t round_row(
        const float *values, const float *noise, Py_ssize_t n, float scale, float most_relative, float most_of_noise,
        uint16_t *out
    ) {
        float inverse = 1.0f / scale, rounded;
        int32_t count = 0;
        for (Py_ssize_t i = 0; i < n; i++) {
            float most = noise[i] > 0.0f ? most_of_noise * noise[i] : float_of(INFINITE);
            out[i] = (uint16_t)half_of(values[i] * inverse, &rounded);
            count += lost(values[i], rounded * scale, most_relative, most);
        }
        return count;
    }

    /* Which values of a row lost too much, and what is to be added to them. */
    static void correct_row(
        const float *values, const float *noise, Py_ssize_t n, float scale, float most_relative, float most_of_noise,
        int32_t first, int32_t *index, float *correction
    ) {
        float inverse = 1.0f / scale, rounded;
        Py_ssize_t k = 0;
        for (Py_ssize_t i = 0; i < n; i++) {
            float most = noise[i] > 0.0f ? most_of_noise * noise[i] : float_of(INFINITE);
            half_of(values[i] * inverse, &rounded);
            rounded *= scale;
            if (lost(values[i], rounded, most_relative, most)) {
                index[k] = first + (int32_t)i;
                correction[k] = values[i] - (values[i] < 0.0f ? -rounded : rounded);
                k++;
            }
        }
    }
    """
    float scale_of(const float* values, Py_ssize_t n) nogil
    int32_t round_row(
        const float* values, const float* noise, Py_ssize_t n, float scale, float most_relative, float most_of_noise,
        uint16_t* out
    ) nogil
    void correct_row(
        const float* values, const float* noise, Py_ssize_t n, float scale, float most_relative, float most_of_noise,
        int32_t first, int32_t* index, float* correction
    ) nogil


def round_rows(
    const float[:, ::1] values,
    const float[:, ::1] noise,
    float most_relative,
    float most_of_noise,
    uint16_t[:, ::1] out,
    float[:, ::1] scale,
    Py_ssize_t column,
    int32_t[::1] counts,
):
    """Round rows of values to half floats.

    Parameters
    ----------
    values : (n, length), length > 0.
    noise : (n, length) of the values, or (1, length) for all rows; 0 where there is none.
    most_relative, most_of_noise : what rounding may change a value by, in units of the value and of its noise.
    out : (n, length) the bits of the half floats.
    scale : (n, columns) whose ``column`` gets the factors of the half floats.
    counts : (n,) gets the numbers of values that rounding changed by more.
    """
    cdef Py_ssize_t i, several = noise.shape[0] > 1
    with nogil:
        for i in range(values.shape[0]):
            scale[i, column] = scale_of(&values[i, 0], values.shape[1])
            counts[i] = round_row(
                &values[i, 0], &noise[several * i, 0], values.shape[1], scale[i, column], most_relative,
                most_of_noise, &out[i, 0],
            )


def find_corrections(
    const float[:, ::1] values,
    const float[:, ::1] noise,
    float most_relative,
    float most_of_noise,
    const float[:, ::1] scale,
    Py_ssize_t column,
    const int32_t[::1] counts,
    const int32_t[::1] places,
    int32_t first,
    int32_t[:, ::1] index,
    float[:, ::1] correction,
):
    """Write what is to be added to the values that `round_rows` counted.

    Parameters
    ----------
    values, noise, most_relative, most_of_noise, scale, column, counts : as for `round_rows`, after it.
    places : (n,) the columns of ``index`` and ``correction`` from which on each row has room for its count.
    first : number of the first value of a row.
    index, correction : (n, columns) get the number of each value, and what is to be added to it.
    """
    cdef Py_ssize_t i, several = noise.shape[0] > 1
    with nogil:
        for i in range(values.shape[0]):
            if counts[i] > 0:
                correct_row(
                    &values[i, 0], &noise[several * i, 0], values.shape[1], scale[i, column], most_relative,
                    most_of_noise, first, &index[i, places[i]], &correction[i, places[i]],
                )
