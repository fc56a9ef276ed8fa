"""What a source of light gives the simulator for a batch of galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.errors import RecipeError


@dataclass(frozen=True)
class Emission:
    """Light of n galaxies, per Msun formed, before dust.

    ``coefficients`` (n, k) of a source's vectors for each panel; ``lines`` (n, n_line) Lsun of those that detectors
    take one by one, None for none.
    """

    coefficients: dict[str, np.ndarray]
    lines: np.ndarray | None = None


def checked(owner: str, what: str, values, shape: tuple[int | None, ...]) -> np.ndarray:
    """What a source gave, as float64; RecipeError where it has another shape or is not finite."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or any(want not in (None, have) for want, have in zip(shape, values.shape, strict=True)):
        expected = " x ".join("k" if size is None else str(size) for size in shape)
        raise RecipeError(f"{owner}: {what} of shape {values.shape}, expected {expected}")
    if not np.isfinite(values).all():
        raise RecipeError(f"{owner}: {what} are not all finite")
    return values
