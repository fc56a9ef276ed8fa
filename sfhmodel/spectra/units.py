"""Units of wavelengths and of errors: converted when known, refused when they look wrong."""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError

_ANGSTROM = ("", "a", "aa", "ang", "angstrom", "angstroms", "ångström", "å")

# what a range of numbers would be, were they in this unit: name, option, to Angstrom
_LOOKS_LIKE = (
    ("nanometres", "nm", lambda x: 10.0 * x),
    ("micrometres", "um", lambda x: 1e4 * x),
    ("metres", "m", lambda x: 1e10 * x),
    ("log10 of Angstrom", "log10", lambda x: 10.0 ** np.minimum(x, 30.0)),
    ("natural logarithms of Angstrom", "ln", lambda x: np.exp(np.minimum(x, 30.0))),
)


def to_angstrom(values: np.ndarray, unit: str | None) -> np.ndarray:
    """Wavelengths in Angstrom.

    Parameters
    ----------
    values : of any shape, in ``unit``.
    unit : a length that astropy knows, 'log10' or 'ln' (of Angstrom); None or '' for Angstrom.

    Raises
    ------
    InputError
        A unit that is not known or not a length.
    """
    values = np.asarray(values, dtype=np.float64)
    name = (unit or "").strip()
    if name.lower() in _ANGSTROM:
        return values
    if name.lower() in ("log10", "log", "ln"):
        return np.exp(values) if name.lower() == "ln" else 10.0**values
    from astropy import units

    try:
        return units.Unit(name).to(units.AA, values)
    except (ValueError, TypeError, units.UnitsError) as error:
        raise InputError(
            f"wavelengths in {name!r}: not a length that can be converted to Angstrom; give the unit "
            "(wave_unit, --wave-unit): Angstrom, nm, um, log10 or ln"
        ) from error


def looks_like(low: float, high: float, needed_low_aa: float, needed_high_aa: float) -> tuple[str, str] | None:
    """What wavelengths from ``low`` to ``high`` are, if in Angstrom they miss the needed range and otherwise reach it.

    Returns
    -------
    (words, unit for `to_angstrom`), or None.
    """
    if low < needed_high_aa and high > needed_low_aa:
        return None
    for words, unit, convert in _LOOKS_LIKE:
        if convert(low) < needed_high_aa and convert(high) > needed_low_aa:
            return words, unit
    return None


def to_error(values: np.ndarray, kind: str) -> np.ndarray:
    """One sigma, of 'error', 'variance' or 'inverse_variance'; NaN where that is not a positive finite number."""
    values = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "variance":
            return np.sqrt(np.where(values > 0.0, values, np.nan))
        if kind == "inverse_variance":
            return 1.0 / np.sqrt(np.where(values > 0.0, values, np.nan))
    return values


def per_angstrom(values: np.ndarray, unit, wave_aa: np.ndarray) -> np.ndarray:
    """Flux densities per Angstrom, of those in ``unit``; other units than densities per frequency stay as they are.

    The model does not depend on the scale of a spectrum, so only the conversion from F_nu to F_lambda matters.

    Parameters
    ----------
    values : (..., m)
    unit : an astropy unit, a string, or None.
    wave_aa : (m,)
    """
    if unit is None or str(unit).strip() == "":
        return values
    from astropy import units

    parsed = units.Unit(str(unit), parse_strict="silent")
    if not parsed.is_equivalent(units.Jy):
        return values
    f_lambda = units.erg / units.s / units.cm**2 / units.AA
    return parsed.to(f_lambda, values, equivalencies=units.spectral_density(wave_aa * units.AA))
