"""Wavelengths of an axis of a FITS image, from its header: what astropy.wcs knows, and the conventions it does not.

astropy evaluates PC, CD and CDELT, CUNIT, and the spectral types of Greisen et al. 2006, A&A 446, 747: WAVE and AWAV,
their -LOG forms, gratings, tables (-TAB), frequencies, energies, wavenumbers, velocities. By hand: IRAF's logarithms
(DC-FLAG = 1, CTYPE with LOG10; Valdes 1993, ADASS II, 467), its ``multispec`` (`sfhmodel.spectra.multispec`), and
SDSS' COEFF0, COEFF1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.units import to_angstrom

_MEDIUM = {"AWAV": "air", "WAVE": "vacuum"}
# in vacuum by definition, converted by astropy's equivalencies
_OTHER = ("FREQ", "ENER", "WAVN", "VRAD", "VOPT", "ZOPT", "VELO", "BETA")
_LOG10_TYPES = ("LOG-LINEAR", "LOG10", "LOGLAM", "WAVE-LOG10", "AWAV-LOG10", "LOG-WAVE")
_STEP_KEYS = ("CDELT{0}", "CD{0}_{0}", "PC{0}_{0}", "COEFF1")


@dataclass(frozen=True)
class Axis:
    """The spectral axis of an image.

    Attributes
    ----------
    index : of the numpy array.
    wave : (m,) raw numbers and their unit.
    medium : 'air' or 'vacuum' where the header says it.
    """

    index: int
    wave: Values
    medium: str | None = None


def spectral_axis(hdu, hdus=None, where: str = "") -> Axis:
    """The spectral axis of an image.

    Parameters
    ----------
    hdu : with an image.
    hdus : the file it is in, for tables of wavelengths (-TAB).
    where : the HDU in words.

    Raises
    ------
    InputError
        No CRVAL or step, or a quantity that no wavelength can be made of.
    """
    header = hdu.header
    number = spectral_axis_number(header)
    n = int(header[f"NAXIS{number}"])
    index = int(header["NAXIS"]) - number
    ctype = str(header.get(f"CTYPE{number}", "")).strip().upper()
    quantity = ctype.partition("-")[0].strip()
    medium = _MEDIUM.get(quantity)
    if (logarithmic := _log10_axis(header, number, n, where)) is not None:
        return Axis(index, logarithmic, medium)
    _check_step(header, number, ctype, where)
    unit = str(header.get(f"CUNIT{number}", "")).strip()
    if not unit or unit.lower() in ("pixel", "pixels", "pix"):
        unit = _iraf_unit(header, number)
    try:
        if quantity in _OTHER:
            return Axis(index, Values(_converted(header, number, quantity, n), "Angstrom", where), "vacuum")
        needs_si = ctype.partition("-")[2].strip("-") not in ("", "LOG", "TAB")
        system = _system(header, number, hdus, with_unit=needs_si)
        values = system.wcs_pix2world(np.arange(n, dtype=np.float64), 0)[0]
    except InputError:
        raise
    except Exception as error:  # wcslib has many kinds for headers that contradict themselves
        raise InputError(f"{where}: its wavelength axis cannot be read: {error}") from error
    return Axis(index, Values(values, "m" if needs_si else unit, where), medium)


def _system(header, number: int, hdus, with_unit: bool):
    """astropy's WCS of one axis; without its unit, values are in the header's own, however it is spelled."""
    from astropy.io import fits
    from astropy.wcs import WCS

    one = fits.Header({"NAXIS": 1, "NAXIS1": header[f"NAXIS{number}"], "WCSAXES": 1})
    one["CRPIX1"] = 1.0  # what headers without one mean, though the standard's default is 0
    is_pc = f"PC{number}_{number}" in header
    for key in ("CRVAL", "CRPIX", "CTYPE", "CDELT", *(["CUNIT"] if with_unit else [])):
        if f"{key}{number}" in header:
            one[f"{key}1"] = header[f"{key}{number}"]
    if is_pc or f"CD{number}_{number}" in header:
        key = "PC" if is_pc else "CD"
        one[f"{key}1_1"] = header[f"{key}{number}_{number}"]
        if not is_pc:
            one.pop("CDELT1", None)
    for key in header:
        if key.startswith((f"PV{number}_", f"PS{number}_")):
            one[key[:2] + "1" + key[3:]] = header[key]
    for key in ("RESTWAV", "RESTFRQ", "RESTFREQ"):
        if key in header:
            one[key] = header[key]
    return WCS(one, hdus)


def has_bands(header) -> bool:
    """Whether a header's third axis are IRAF's bands: spectrum, background, sigma of the same aperture."""
    return "BANDID1" in header and int(header["NAXIS"]) == 3 and header.get("DISPAXIS", 1) == 1


def spectral_axis_number(header) -> int:
    """The number (from 1 on) of the spectral axis: by its CTYPE, DISPAXIS, or by habit 3 of three and 1 of two."""
    n_axis = int(header["NAXIS"])
    if has_bands(header):
        return 1
    long_ones = [k for k in range(1, n_axis + 1) if header[f"NAXIS{k}"] > 1]
    for k in long_ones:
        quantity = str(header.get(f"CTYPE{k}", "")).strip().upper().partition("-")[0].strip()
        if quantity in _MEDIUM or quantity in _OTHER or quantity in ("LAMBDA", "WAVELENGTH", "LOGLAM", "LOG10"):
            return k
    if len(long_ones) == 1:
        return long_ones[0]
    dispersion = header.get("DISPAXIS")
    if isinstance(dispersion, int) and dispersion in long_ones:
        return dispersion
    return 3 if n_axis >= 3 else 1


def _log10_axis(header, number: int, n: int, where: str) -> Values | None:
    """Wavelengths of axes that say they are in log10 of Angstrom."""
    ctype = str(header.get(f"CTYPE{number}", "")).strip().upper()
    coefficients = "COEFF0" in header and "COEFF1" in header and header["NAXIS"] <= 2
    flagged = str(header.get("DC-FLAG", 0)).strip() in ("1", "T", "True")
    says_so = ctype in _LOG10_TYPES or (flagged and not ctype.startswith(("WAVE-LOG", "AWAV-LOG")))
    by_coefficients = coefficients and f"CRVAL{number}" not in header
    if not says_so and not by_coefficients:
        return None
    if by_coefficients:
        start, step = float(header["COEFF0"]), float(header["COEFF1"])
        return Values(start + step * np.arange(n), "log10", where)
    _check_step(header, number, ctype, where)
    step = _number(header, number)
    offset = np.arange(1.0, n + 1.0) - float(header.get(f"CRPIX{number}", 1.0))
    return Values(float(header[f"CRVAL{number}"]) + step * offset, "log10", where)


def _number(header, number: int) -> float:
    """The step of a linear axis: CD, or CDELT times PC."""
    if f"CD{number}_{number}" in header:
        return float(header[f"CD{number}_{number}"])
    return float(header.get(f"CDELT{number}", 1.0)) * float(header.get(f"PC{number}_{number}", 1.0))


def _check_step(header, number: int, ctype: str, where: str) -> None:
    """That there is a reference value and a step."""
    if ctype.endswith("-TAB"):
        return
    present = [key for key in (form.format(number) for form in _STEP_KEYS[:3]) if key in header]
    if f"CRVAL{number}" not in header or not present:
        raise InputError(
            f"{where}: the header has no CRVAL{number} with CDELT{number}, CD{number}_{number} or "
            f"PC{number}_{number}: its wavelengths are unknown"
        )
    if all(not header[key] for key in present) or _number(header, number) == 0.0:
        raise InputError(f"{where}: the step of axis {number} is 0 in the header: its wavelengths are unknown")


def _iraf_unit(header, number: int) -> str:
    """The unit of IRAF's WATn_001 ('units=Angstroms'), '' without one."""
    text = str(header.get(f"WAT{number}_001", ""))
    return next((word.partition("=")[2] for word in text.split() if word.lower().startswith("units=")), "")


def _converted(header, number: int, quantity: str, n: int) -> np.ndarray:
    """Vacuum wavelengths [Angstrom] of frequencies, energies, wavenumbers and velocities."""
    from astropy import constants, units

    system = _system(header, number, None, with_unit=True)
    values = system.wcs_pix2world(np.arange(n, dtype=np.float64), 0)[0]
    unit = system.wcs.cunit[0]
    if quantity in ("FREQ", "ENER", "WAVN"):
        return to_angstrom(values, str(unit) or {"FREQ": "Hz", "ENER": "J", "WAVN": "1 / m"}[quantity])
    rest_aa = system.wcs.restwav * 1e10
    if not rest_aa and system.wcs.restfrq:
        rest_aa = (constants.c / (system.wcs.restfrq * units.Hz)).to_value(units.AA)
    if not rest_aa:
        raise InputError(f"CTYPE is {quantity}, and there is no RESTWAV or RESTFRQ to make wavelengths of it")
    if quantity == "ZOPT":
        return rest_aa * (1.0 + values)
    speed = values * (constants.c if quantity == "BETA" else unit if str(unit) else units.m / units.s)
    convention = {"VRAD": units.doppler_radio, "VOPT": units.doppler_optical}.get(quantity, units.doppler_relativistic)
    return speed.to_value(units.AA, equivalencies=convention(rest_aa * units.AA))
