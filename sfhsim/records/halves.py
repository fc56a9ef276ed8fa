"""Spectra as scaled half floats, to half the size, and back.

    value = half * scale + correction

A half float has 11 significant bits, so rounding changes a value by up to 2^-11 = 4.9e-4 of itself, as long as it is
larger than 2^-14. The scale, a power of two, takes the largest value of a spectrum between 2^14 and 2^15: values down
to 1.9e-9 of it keep their 11 bits, and none overflows. What is fainter, or so well measured that 4.9e-4 is more than a
tenth of its noise (beyond S/N 200), gets a correction in float32: then the value is exact. So for every value v with
noise s, or s = 0 for none,

    |rounded - v| <= 5e-4 |v|   and   |rounded - v| <= 0.1 s where s > 0,

and the same without the second for the errors s themselves. NaN and infinity stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records import _halves
from sfhsim.records.schema import CORRECTION, CORRECTION_INDEX, HALVES, SCALE

# below the bounds that are promised, so that rounding in the comparison does not matter
_MOST_RELATIVE, _MOST_OF_NOISE = 4.9e-4, 0.099
_LARGEST = 2.0**127  # twice as much is no float32


def to_halves(spectrum: np.ndarray, error: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What records hold of spectra and their errors, (n, n_pixel) float32-convertible each.

    Returns
    -------
    (dict, (n,) int32)
        The stored features, each (n, length), by name; and how many corrections each record needs. These fill the
        first columns of theirs, the rest are 0.

    Raises
    ------
    DatasetError
        When a value is beyond 2^127.
    """
    values = [np.ascontiguousarray(array, dtype="<f4") for array in (spectrum, error)]
    n, n_pixel = values[0].shape
    noises = values[1], np.zeros((1, n_pixel), dtype=np.float32)
    halves = [np.empty((n, n_pixel), dtype=np.uint16) for _ in values]
    scale, counts = np.empty((n, 2), dtype="<f4"), np.empty((2, n), dtype=np.int32)
    bounds = _MOST_RELATIVE, _MOST_OF_NOISE
    for k in range(2):
        _halves.round_rows(values[k], noises[k], *bounds, halves[k], scale, k, counts[k])
    if n and scale.max() * 2.0**14 >= _LARGEST:
        raise DatasetError("a flux density or error beyond 1.7e38 cannot be written with precision float16")
    needed = counts.sum(axis=0, dtype=np.int32)
    room = int(rooms(needed.max(initial=0), 2 * n_pixel))
    index, correction = np.zeros((n, room), dtype="<i4"), np.zeros((n, room), dtype="<f4")
    if room:
        places = np.zeros(n, dtype=np.int32), counts[0]
        for k in range(2):
            _halves.find_corrections(
                values[k], noises[k], *bounds, scale, k, counts[k], places[k], k * n_pixel, index, correction
            )
    stored = {name: half.view("<f2") for name, half in zip(HALVES, halves, strict=True)}
    return stored | {SCALE: scale, CORRECTION_INDEX: index, CORRECTION: correction}, needed


def from_halves(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Spectra and errors (n, n_pixel) float32 of what records hold, as of `to_halves`.

    Raises
    ------
    DatasetError
        When features are missing or do not fit together.
    """
    try:
        both = np.concatenate([stored[name] * stored[SCALE][:, k, None] for k, name in enumerate(HALVES)], axis=1)
        index, correction = stored[CORRECTION_INDEX], stored[CORRECTION]
        if index.size and not 0 <= index.min() <= index.max() < both.shape[1]:
            raise IndexError(f"{CORRECTION_INDEX} reaches beyond the spectrum")
        if index.size:
            np.add.at(both, (np.arange(len(both))[:, None], index), correction)
        return dict(zip(HALVES, np.split(both, 2, axis=1), strict=True))
    except (KeyError, IndexError, ValueError) as problem:
        raise DatasetError(f"not a record of precision float16: {problem}") from problem


def rooms(needed, most: int):
    """For how many corrections records have room that need so many: none, or a power of two, at most ``most``."""
    powers = 1 << np.arange(most.bit_length() + 1)
    steps = np.concatenate([[0], powers[powers < most], [most]])
    return steps[np.searchsorted(steps, needed)]
