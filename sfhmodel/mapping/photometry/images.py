"""An image of a band in maggies (3631 Jy) per pixel, whatever its unit.

Flux densities per wavelength or frequency, per pixel or per area; AB magnitudes; counts or electrons (per second) with
HST's PHOTFLAM and PHOTPLAM, or with a zero point ABZP, MAGZP or ZP_AB in the header.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.source import open_source
from sfhmodel.spectra.units import parsed_unit, says_nothing

_AB_JY = 3631.0
_C_AA_S = 2.99792458e18
_ZERO_POINTS = ("ABZP", "MAGZP", "ZP_AB", "ZPAB", "MAGZERO", "PHOTZP")
_COUNTS = r"\b(electrons?|counts?|cts?|adu|e-?|dn)\b"
_ERROR_NAMES = ("ERROR", "ERR", "SIGMA", "RMS")


@dataclass(frozen=True, eq=False)
class BandImage:
    """An image and its errors.

    Attributes
    ----------
    flux : (n_y, n_x) maggies per pixel; NaN without data.
    error : (n_y, n_x) one sigma, or None.
    wcs : astropy's celestial WCS, or None.
    pixel_sr : solid angle of a pixel, or None.
    """

    flux: np.ndarray
    error: np.ndarray | None
    wcs: Any
    pixel_sr: float | None

    def cut(self, rows: slice, columns: slice) -> BandImage:
        """A part of it."""
        error = None if self.error is None else self.error[rows, columns]
        return replace(self, flux=self.flux[rows, columns], error=error, wcs=self.wcs[rows, columns])


def read_band_image(path: Path, pivot_wave_aa: float, error_path: Path | None = None) -> BandImage:
    """Read an image.

    Parameters
    ----------
    path : FITS; the first image of two axes, and its extension ERROR, if any.
    pivot_wave_aa : of the band, where the header has no PHOTPLAM.
    error_path : FITS image of one sigma in the unit of the image.

    Raises
    ------
    InputError
        No image, a unit that says nothing without a zero point, errors of another shape.
    """
    with open_source(path) as source:
        flat = _images(source.hdus)
        if not flat:
            raise InputError(f"{path} holds no image of two axes")
        hdu = next((h for h in flat if h.name.upper() not in _ERROR_NAMES), flat[0])
        data, header = np.asarray(hdu.data, dtype=np.float64), _whole_header(hdu, source.hdus)
        own = next((h for h in flat if h.name.upper() in _ERROR_NAMES and h is not hdu), None)
        error = None if own is None else np.asarray(own.data, dtype=np.float64)
    if error_path is not None:
        with open_source(error_path) as source:
            flat = _images(source.hdus)
            if not flat:
                raise InputError(f"{error_path} holds no image of two axes")
            error = np.asarray(flat[0].data, dtype=np.float64)
    if error is not None and error.shape != data.shape:
        raise InputError(f"{error_path or path}: the errors have shape {error.shape}, the image {data.shape}")
    wcs, pixel_sr = _sky(header)
    unit = str(header.get("BUNIT", ""))
    if re.fullmatch(r"(ab)?[ _]?mags?(nitudes?)?([ _(]?ab\)?)?", unit.strip().lower()):
        flux = 10.0 ** (-0.4 * data)
        sigma = None if error is None else flux * error * 0.4 * np.log(10.0)
    else:
        factor = maggies_per_unit(header, unit, pivot_wave_aa, pixel_sr, str(path))
        flux, sigma = data * factor, None if error is None else error * factor
    return BandImage(np.where(np.isfinite(flux), flux, np.nan), sigma, wcs, pixel_sr)


def maggies_per_unit(header, unit: str, pivot_wave_aa: float, pixel_sr: float | None, where: str) -> float:
    """By what to multiply the values of an image to have maggies per pixel."""
    pivot = float(header.get("PHOTPLAM", pivot_wave_aa))
    per_f_lambda = pivot**2 / _C_AA_S * 1e23 / _AB_JY  # erg/s/cm2/A to maggies
    factor = _of_flux_density(unit, per_f_lambda)
    if factor is None and "PHOTFLAM" in header and (says_nothing(unit) or re.search(_COUNTS, unit.lower())):
        is_rate = says_nothing(unit) or re.search(r"/\s*s|s-1|s\^-1|s\*\*-1|per s", unit.lower()) is not None
        return float(header["PHOTFLAM"]) * per_f_lambda / (1.0 if is_rate else float(header.get("EXPTIME", 1.0)))
    zero_point = next((float(header[key]) for key in _ZERO_POINTS if key in header), None)
    if factor is None and zero_point is not None:
        return 10.0 ** (-0.4 * zero_point)
    if factor is None:
        raise InputError(
            f"{where}: its unit is {unit!r}, which is no flux density, and the header has neither PHOTFLAM nor a zero "
            f"point ({', '.join(_ZERO_POINTS[:3])}): give one of them"
        )
    lower = unit.lower()
    if "arcsec" in lower or re.search(r"\bsr\b|steradian|/sr", lower):
        if pixel_sr is None:
            raise InputError(f"{where}: its unit {unit!r} is one per area, and the header has no WCS")
        factor *= pixel_sr / ((np.pi / 180.0 / 3600.0) ** 2 if "arcsec" in lower else 1.0)
    return factor


def _of_flux_density(unit: str, per_f_lambda: float) -> float | None:
    from astropy import units

    parsed = None if says_nothing(unit) else parsed_unit(unit)
    if parsed is None:
        return None
    f_lambda = units.erg / units.s / units.cm**2 / units.AA
    if parsed.is_equivalent(f_lambda):
        return float(parsed.to(f_lambda)) * per_f_lambda
    if parsed.is_equivalent(units.Jy):
        return float(parsed.to(units.Jy)) / _AB_JY
    if parsed.is_equivalent(units.mgy):
        return float(parsed.to(units.mgy))
    return None


def _images(hdus) -> list:
    return [h for h in hdus or () if getattr(h, "is_image", False) and h.header.get("NAXIS", 0) == 2]


def _whole_header(hdu, hdus):
    """With what only the primary header says: HST's photometric keywords."""
    header = hdu.header.copy()
    for key in ("PHOTFLAM", "PHOTPLAM", "EXPTIME", "BUNIT", *_ZERO_POINTS):
        if key not in header and key in hdus[0].header:
            header[key] = hdus[0].header[key]
    return header


def _sky(header) -> tuple[Any, float | None]:
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_area

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(header)
            if not wcs.has_celestial:
                return None, None
            return wcs.celestial, float(proj_plane_pixel_area(wcs.celestial)) * (np.pi / 180.0) ** 2
        except Exception:  # wcslib has many kinds for headers that contradict themselves
            return None, None
