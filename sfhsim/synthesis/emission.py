"""What a source of light gives the simulator for a batch of galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Emission:
    """Light of n galaxies, per Msun formed, before dust.

    ``coefficients`` (n, k) of a source's vectors for each panel; ``lines`` (n, n_line) Lsun of those that detectors
    take one by one, None for none.
    """

    coefficients: dict[str, np.ndarray]
    lines: np.ndarray | None = None
