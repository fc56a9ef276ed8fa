"""Maps of a galaxy before any light: mass, age, metals, dust and motions of each spaxel.

Disc: Sigma ~ exp(-R / h) with Re = 1.678 h; bulge: Sigma ~ exp(-b_n (r / re)^(1/n)), b_n = 2 n - 1/3 + 4/(405 n)
(Ciotti & Bertin 1999, A&A 352, 447). Arms: ridges at azimuth = phase + cot(pitch) ln(R / Re) + 2 pi k / number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sfhsim.constants import C_KMS
from sfhsim.cubes.layout import DiscPlane, Grid, spaxel_means, subsampled
from sfhsim.cubes.model import Arms, Bulge, Disc
from sfhsim.errors import RecipeError

_RE_OVER_H = 1.6783469900166605  # (1 + x) exp(-x) = 1/2


@dataclass(frozen=True)
class GalaxyMaps:
    """What each spaxel (n_y, n_x) of a grid holds.

    Attributes
    ----------
    mass_msun : formed, in the spaxel.
    log10_age_yr : mass-weighted mean, without the burst.
    log10_metallicity : of the mean mass fraction Z.
    screen_a_v_mag : of the screen.
    burst_mass_fraction : of the burst of the arms.
    velocity_kms : relative to the galaxy.
    dispersion_kms : of the stars.
    radius_re : in the plane of the disc, over the effective radius.
    """

    mass_msun: np.ndarray
    log10_age_yr: np.ndarray
    log10_metallicity: np.ndarray
    screen_a_v_mag: np.ndarray
    burst_mass_fraction: np.ndarray
    velocity_kms: np.ndarray
    dispersion_kms: np.ndarray
    radius_re: np.ndarray

    def redshift(self, of_galaxy: float) -> np.ndarray:
        """1 + z = (1 + z_galaxy) (1 + v / c)."""
        return (1.0 + of_galaxy) * (1.0 + self.velocity_kms / C_KMS) - 1.0


def galaxy_maps(disc: Disc, grid: Grid) -> GalaxyMaps:
    """The maps of a galaxy on a grid.

    Raises
    ------
    RecipeError
        When a part of it would be nearer than redshift 0.
    """
    plane = DiscPlane.of(grid, disc)
    radius_re = plane.radius_arcsec / disc.effective_radius_arcsec
    ridge = _ridge(disc.arms, radius_re, plane.azimuth)
    fine, sub = subsampled(grid, disc)
    of_disc = spaxel_means(_disc_density(disc, fine), sub)
    of_bulge = spaxel_means(_bulge_density(disc.bulge, fine.sky_radius_arcsec), sub)
    area = grid.field.pixel_arcsec**2 * disc.total_mass_msun
    mass_of_disc = area * (1.0 - disc.bulge.mass_share) * of_disc * (1.0 + disc.arms.mass_contrast * ridge)
    mass_of_bulge = area * disc.bulge.mass_share * of_bulge
    mass = mass_of_disc + mass_of_bulge
    bulge = mass_of_bulge / np.where(mass > 0.0, mass, 1.0)
    screen = disc.screen_a_v_mag.at(radius_re) * (1.0 + (disc.arms.dust_factor - 1.0) * ridge)
    maps = GalaxyMaps(
        mass_msun=mass,
        log10_age_yr=(1 - bulge) * disc.log10_age_yr.at(radius_re) + bulge * disc.bulge.log10_age_yr,
        log10_metallicity=(1 - bulge) * disc.log10_metallicity.at(radius_re) + bulge * disc.bulge.log10_metallicity,
        screen_a_v_mag=np.maximum(screen, 0.0),
        burst_mass_fraction=(1 - bulge) * disc.arms.burst_mass_fraction * ridge,
        velocity_kms=_rotation_kms(disc, radius_re, plane.azimuth),
        dispersion_kms=_dispersion_kms(disc, radius_re),
        radius_re=radius_re,
    )
    slowest = float(maps.redshift(disc.redshift).min())
    if not slowest > 0.0:
        raise RecipeError(
            f"galaxy: a redshift of {disc.redshift:g} less its rotation comes to {slowest:g}: it must stay above 0, "
            "raise galaxy.redshift (with galaxy.distance_mpc, if it is nearer) or lower galaxy.kinematics.v_max_kms"
        )
    return maps


def _disc_density(disc: Disc, plane: DiscPlane) -> np.ndarray:
    """Per arcsec^2 on the sky, 1 over all of it."""
    scale = disc.effective_radius_arcsec / _RE_OVER_H
    return np.exp(-plane.radius_arcsec / scale) / (2.0 * np.pi * scale**2 * disc.axis_ratio)


def _bulge_density(bulge: Bulge, radius_arcsec: np.ndarray) -> np.ndarray:
    """Per arcsec^2 on the sky, 1 over all of it."""
    n, re = bulge.sersic_index, bulge.effective_radius_arcsec
    b = 2.0 * n - 1.0 / 3.0 + 4.0 / (405.0 * n)
    total = 2.0 * np.pi * n * re**2 * math.gamma(2.0 * n) / b ** (2.0 * n)
    return np.exp(-b * (radius_arcsec / re) ** (1.0 / n)) / total


def _ridge(arms: Arms, radius_re: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """1 on the ridges of the arms, falling to 0 between them, and in the centre, where arms wind up."""
    if arms.number == 0:
        return np.zeros(radius_re.shape)
    winding = np.log(np.maximum(radius_re, 1e-3)) / np.tan(np.radians(arms.pitch_deg))
    turns = arms.number * (azimuth - np.radians(arms.phase_deg) - winding) / (2.0 * np.pi)
    from_ridge = turns - np.round(turns)  # in distances between arms
    begins = 1.0 / (1.0 + np.exp(-(radius_re - 0.4) / 0.08))
    return begins * np.exp(-4.0 * np.log(2.0) * (from_ridge / arms.width) ** 2)


def _rotation_kms(disc: Disc, radius_re: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Along the line of sight, positive on the side that recedes."""
    motions = disc.kinematics
    speed = motions.v_max_kms * radius_re / np.hypot(radius_re, motions.turnover_re)
    return speed * np.sin(np.radians(disc.inclination_deg)) * np.cos(azimuth)


def _dispersion_kms(disc: Disc, radius_re: np.ndarray) -> np.ndarray:
    motions = disc.kinematics
    excess = motions.centre_dispersion_kms - motions.outer_dispersion_kms
    return motions.outer_dispersion_kms + excess * np.exp(-radius_re / motions.scale_re)
