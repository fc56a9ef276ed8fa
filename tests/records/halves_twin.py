"""The readable twin of the compiled rounding to scaled half floats."""

import numpy as np

MOST_RELATIVE, MOST_OF_NOISE = np.float32(4.9e-4), np.float32(0.099)


def scale_of(row: np.ndarray) -> np.float32:
    """The power of two that takes the largest finite value between 2^14 and 2^15."""
    largest = np.abs(row[np.isfinite(row)]).max(initial=0.0)
    if largest == 0:
        return np.float32(1)
    return np.float32(2.0 ** max(np.frexp(largest)[1] - 1 - 14, -112))


def rounded(row: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.float32, np.ndarray, np.ndarray]:
    """Half floats (n,) of float32 values, their scale, and where which corrections are needed."""
    scale = scale_of(row)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        halves = (row / scale).astype(np.float16)
        error = np.abs(row - halves.astype(np.float32) * scale)
        most = np.where(noise > 0, MOST_OF_NOISE * noise, np.float32(np.inf))
        index = np.flatnonzero((error > MOST_RELATIVE * np.abs(row)) | (error > most))
    return halves, scale, index, row[index] - halves[index].astype(np.float32) * scale


def stored(spectrum: np.ndarray, error: np.ndarray) -> dict[str, np.ndarray]:
    """What a record holds of one spectrum and its error."""
    of_flux, of_error = rounded(spectrum, error), rounded(error, np.zeros_like(error))
    index = np.concatenate([of_flux[2], spectrum.size + of_error[2]])
    room = 0 if index.size == 0 else min(1 << int(np.ceil(np.log2(index.size))), 2 * spectrum.size)
    filled = np.zeros(room, np.int32), np.zeros(room, np.float32)
    filled[0][: index.size], filled[1][: index.size] = index, np.concatenate([of_flux[3], of_error[3]])
    return {
        "spectrum": of_flux[0],
        "spectrum_error": of_error[0],
        "spectrum_scale": np.array([of_flux[1], of_error[1]], np.float32),
        "spectrum_correction_index": filled[0],
        "spectrum_correction": filled[1],
    }
