"""Velocities and dispersions of spaxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class VelocityField:
    """Of every spaxel, (n_y, n_x) each, km/s; NaN where not known.

    Attributes
    ----------
    velocity : c ln(l / l0) relative to the galaxy's redshift.
    velocity_error : or None.
    dispersion, dispersion_error : of the stars, or None.
    """

    velocity: np.ndarray
    velocity_error: np.ndarray | None = None
    dispersion: np.ndarray | None = None
    dispersion_error: np.ndarray | None = None

    @classmethod
    def constant(cls, velocity_kms: float, shape: tuple[int, int]) -> VelocityField:
        """The same everywhere."""
        return cls(np.full(shape, float(velocity_kms)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Those that are known, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}
