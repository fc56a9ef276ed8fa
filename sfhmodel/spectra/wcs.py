"""Wavelengths of an axis of a FITS image, from its header."""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.units import to_angstrom

# CTYPE of Greisen et al. 2006, A&A 446, 747; what astropy.wcs evaluates itself
_STANDARD = ("WAVE", "AWAV", "FREQ", "ENER", "WAVN", "VRAD", "VOPT", "ZOPT", "VELO", "BETA")
_MEDIUM = {"AWAV": "air", "WAVE": "vacuum"}


def axis_wavelengths(header, axis: int, wave_unit: str | None = None) -> tuple[np.ndarray, str | None]:
    """Wavelengths [Angstrom] (m,) of an axis, and their medium when the header says it.

    Linear (CRVAL, CDELT or CD, CRPIX), log10 (DC-FLAG = 1 or a CTYPE with LOG10, as IRAF writes it), and the
    standard's WAVE, AWAV and their -LOG forms.

    Parameters
    ----------
    header : FITS header.
    axis : from 1 on.
    wave_unit : overrides what the header says.

    Raises
    ------
    InputError
        No CRVAL or step, or a quantity that is not a wavelength.
    """
    n = int(header[f"NAXIS{axis}"])
    ctype = str(header.get(f"CTYPE{axis}", "")).strip().upper()
    quantity, _, algorithm = ctype.partition("-")
    algorithm = algorithm.strip("-")
    if quantity in _STANDARD and quantity not in _MEDIUM:
        raise InputError(f"CTYPE{axis} is {ctype}: only axes of wavelength are read (WAVE, AWAV); convert the file")
    medium = _MEDIUM.get(quantity)
    step = header.get(f"CDELT{axis}", None)
    step = header.get(f"CD{axis}_{axis}", step)
    if f"CRVAL{axis}" not in header or step is None:
        raise InputError(
            f"the header has no CRVAL{axis} with CDELT{axis} or CD{axis}_{axis}: its wavelengths are unknown"
        )
    if not step:
        raise InputError(f"the step of axis {axis} is 0 in the header: its wavelengths are unknown")
    start, offset = float(header[f"CRVAL{axis}"]), np.arange(1.0, n + 1.0) - float(header.get(f"CRPIX{axis}", 1.0))
    unit = wave_unit or str(header.get(f"CUNIT{axis}", ""))
    if algorithm == "LOG" and quantity in _MEDIUM:
        return to_angstrom(start * np.exp(float(step) * offset / start), unit), medium
    values = start + float(step) * offset
    if wave_unit is None and (int(header.get("DC-FLAG", 0)) == 1 or "LOG10" in ctype or ctype == "LOG-LINEAR"):
        unit = "log10"
    return to_angstrom(values, unit), medium
