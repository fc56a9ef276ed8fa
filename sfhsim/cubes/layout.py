"""Where the spaxels are: on the sky, and in the plane of the disc.

    u = n cos PA + e sin PA,   w = -n sin PA + e cos PA,   R = sqrt(u^2 + (w / q)^2)

e and n are offsets to east and north of the galaxy's centre, PA the position angle of the receding side, q the axis
ratio. x runs to the west, y to the north.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.cubes.model import Disc, SkyField

_SUB = 5  # points per side of a spaxel, where light is concentrated


@dataclass(frozen=True)
class Grid:
    """Spaxels of a field with ``margin`` more on every side, from which the PSF brings light in."""

    field: SkyField
    margin: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(n_y, n_x) with the margins."""
        return self.field.n_y + 2 * self.margin, self.field.n_x + 2 * self.margin

    @property
    def inner(self) -> tuple[slice, slice]:
        """The field within the grid."""
        return tuple(slice(self.margin, self.margin + n) for n in (self.field.n_y, self.field.n_x))  # type: ignore

    def offsets_arcsec(self, sub: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """East (1, n_x sub) and north (n_y sub, 1) of the middle of the field, of ``sub`` points a spaxel and axis."""
        east, north = (self._axis(n, sub) for n in (self.field.n_x, self.field.n_y))
        return -east[None, :], north[:, None]

    def _axis(self, n: int, sub: int) -> np.ndarray:
        count = (n + 2 * self.margin) * sub
        return self.field.pixel_arcsec * ((np.arange(count) + 0.5) / sub - 0.5 * count / sub)


@dataclass(frozen=True)
class DiscPlane:
    """Radius (arcsec, deprojected), azimuth from the receding side (rad), and radius on the sky of points."""

    radius_arcsec: np.ndarray
    azimuth: np.ndarray
    sky_radius_arcsec: np.ndarray

    @classmethod
    def of(cls, grid: Grid, disc: Disc, sub: int = 1) -> DiscPlane:
        """Of the spaxels of a grid (n_y, n_x), or of ``sub`` points per side of each."""
        east, north = grid.offsets_arcsec(sub)
        east, north = east - disc.centre_arcsec[0], north - disc.centre_arcsec[1]
        angle = np.radians(disc.position_angle_deg)
        along = north * np.cos(angle) + east * np.sin(angle)
        across = (-north * np.sin(angle) + east * np.cos(angle)) / disc.axis_ratio
        return cls(np.hypot(along, across), np.arctan2(across, along), np.hypot(east, north))


def spaxel_means(values: np.ndarray, sub: int) -> np.ndarray:
    """(n_y, n_x) means of ``sub`` points per side of each spaxel."""
    n_y, n_x = values.shape[0] // sub, values.shape[1] // sub
    return values.reshape(n_y, sub, n_x, sub).mean(axis=(1, 3))


def subsampled(grid: Grid, disc: Disc) -> tuple[DiscPlane, int]:
    """Several points of each spaxel, and how many per side."""
    return DiscPlane.of(grid, disc, _SUB), _SUB
