"""Where the spaxels of a cube are on the sky, and how large they are."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfhmodel.mapping.cube import Cube
from sfhmodel.spectra.units import parsed_unit, says_nothing

_ARCSEC2_SR = (np.pi / 180.0 / 3600.0) ** 2


@dataclass(frozen=True)
class SkyFrame:
    """Of a cube.

    Attributes
    ----------
    wcs : astropy's celestial WCS, or None where the header has none.
    pixel_sr : solid angle of a spaxel; None without a WCS.
    """

    wcs: Any
    pixel_sr: float | None

    @property
    def pixel_arcsec(self) -> float | None:
        """Side of a square spaxel of the same area."""
        return None if self.pixel_sr is None else float(np.sqrt(self.pixel_sr / _ARCSEC2_SR))

    def header(self):
        """A FITS header with the celestial WCS, or an empty one."""
        from astropy.io.fits import Header

        return Header() if self.wcs is None else self.wcs.to_header(relax=True)

    @classmethod
    def of(cls, cube: Cube) -> SkyFrame:
        """Of the header of the fluxes."""
        from astropy.wcs import WCS
        from astropy.wcs.utils import proj_plane_pixel_area

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                wcs = WCS(cube.header)
                if not wcs.has_celestial:
                    raise ValueError
                celestial = wcs.celestial
                area_deg2 = float(proj_plane_pixel_area(celestial))
            except Exception:  # wcslib has many kinds for headers that contradict themselves
                cube.notes.append("no celestial coordinates in the header: maps have none, and no masses per area")
                return cls(None, None)
        return cls(celestial, area_deg2 * 3600.0**2 * _ARCSEC2_SR)


def cgs_per_spaxel(cube: Cube, frame: SkyFrame) -> float | None:
    """By what to multiply the cube's fluxes to have erg/s/cm2/A of a spaxel; None where the unit does not say.

    A unit per arcsec2 or sr is one per area; all others are taken to be those of a spaxel.
    """
    from astropy import units

    parsed = None if says_nothing(cube.unit) else parsed_unit(cube.unit)
    if parsed is None or frame.pixel_sr is None:
        return None
    per_wave, per_frequency = units.erg / units.s / units.cm**2 / units.AA, units.Jy
    if parsed.is_equivalent(per_wave):
        factor = float(parsed.to(per_wave))
    elif parsed.is_equivalent(per_frequency):
        factor = 1.0  # converted on reading
    else:
        return None
    lower = cube.unit.lower()
    if "arcsec" in lower:
        return factor * frame.pixel_sr / _ARCSEC2_SR
    return factor * frame.pixel_sr if re.search(r"sr|steradian", lower) else factor
