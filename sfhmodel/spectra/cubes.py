"""One spectrum of a cube: a spaxel, or the sum of all spaxels with data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sfhmodel.errors import InputError

_GOOD_SHARE = 0.5  # of its wavelengths that a spaxel needs, and of its spaxels that a wavelength needs


def spectrum_of_cube(
    flux: np.ndarray,
    error: np.ndarray | None,
    good: np.ndarray,
    spaxel: tuple[int, int] | None,
    notes: list[str],
    covariance_factor: Callable[[int], float] | None = None,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Flux, error and mask (m,).

    Parameters
    ----------
    flux, error, good : (m, n_y, n_x); error may be None.
    spaxel : (x, y), from 0 on; None: the sum, where bad spaxels of a wavelength are replaced by the mean of the good.
    notes : gets what was done.
    covariance_factor : by which the error of a sum of n spaxels is larger than that of independent ones.

    Raises
    ------
    InputError
        A spaxel outside of the cube or without data; a cube without data.
    """
    n_y, n_x = flux.shape[1:]
    if spaxel is not None:
        x, y = spaxel
        if not (0 <= x < n_x and 0 <= y < n_y):
            raise InputError(f"there is no spaxel {x},{y}: x goes from 0 to {n_x - 1}, y from 0 to {n_y - 1}")
        if not good[:, y, x].any():
            raise InputError(f"spaxel {x},{y} has no good data: choose another")
        return flux[:, y, x], None if error is None else error[:, y, x], good[:, y, x]
    with_data = good.mean(axis=0) >= _GOOD_SHARE
    n_spaxel = int(with_data.sum())
    if n_spaxel == 0:
        raise InputError("no spaxel of the cube has good data at half of its wavelengths")
    good = good[:, with_data]
    count = good.sum(axis=1)
    enough = count >= _GOOD_SHARE * n_spaxel
    weight = n_spaxel / np.maximum(count, 1)
    total = np.sum(flux[:, with_data], axis=1, where=good, dtype=np.float64) * weight
    notes.append(f"sum of {n_spaxel} spaxels (--spaxel x,y for one)")
    if error is not None:
        factor = covariance_factor(n_spaxel) if covariance_factor else 1.0
        squares = np.square(error[:, with_data], dtype=np.float64)
        error = np.sqrt(np.sum(squares, axis=1, where=good)) * weight * factor
        error = np.where(enough, error, np.nan)
    return np.where(enough, total, np.nan), error, enough
