"""Units of spectral axes and of flux densities: astropy's parser and equivalencies, and the spellings it does not know.

The model does not depend on the scale of a spectrum, so solid angles, fibres and powers of ten only need to be the
same along it; what matters is per what the flux is: wavelength, frequency, photon, or nothing (lambda F_lambda).
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

import numpy as np

from sfhmodel.errors import InputError

_ANGSTROM = ("", "a", "aa", "ang", "angstrom", "angstroms", "ångström", "ångströms", "å", "å")
_LOGARITHM_OF = re.compile(r"(log10|log_10|log|dex|ln)\s*[(\[]\s*(.+?)\s*[)\]]", flags=re.IGNORECASE)
LOGARITHMS = {"log10": "log10", "log": "log10", "loglam": "log10", "ln": "ln", "loge": "ln"}

# what a range of numbers would be, were they in this unit: name, option, to Angstrom
_LOOKS_LIKE = (
    ("nanometres", "nm", lambda x: 10.0 * x),
    ("micrometres", "um", lambda x: 1e4 * x),
    ("metres", "m", lambda x: 1e10 * x),
    ("log10 of Angstrom", "log10", lambda x: 10.0 ** np.minimum(x, 30.0)),
    ("natural logarithms of Angstrom", "ln", lambda x: np.exp(np.minimum(x, 30.0))),
)

# spellings of files -> of astropy; matched as whole words
_WORDS = {
    "a": "Angstrom",
    "ang": "Angstrom",
    "angs": "Angstrom",
    "angstrom": "Angstrom",
    "angstroms": "Angstrom",
    "å": "Angstrom",
    "ångström": "Angstrom",
    "ergs": "erg",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "micron": "um",
    "microns": "um",
    "micrometer": "um",
    "nanometer": "nm",
    "nanometers": "nm",
    "lsun": "solLum",
    "l_sun": "solLum",
    "solar_luminosity": "solLum",
    "l_sol": "solLum",
    "photons": "ph",
    "photon": "ph",
    "phot": "ph",
    "jansky": "Jy",
    "janskys": "Jy",
    "jy": "Jy",
    "mjy": "mJy",  # MJy is told by its capital, see `_word`
    "ujy": "uJy",
    "njy": "nJy",
    "microjansky": "uJy",
    "hertz": "Hz",
    "hz": "Hz",
    "watt": "W",
    "watts": "W",
    "maggies": "mgy",
    "maggy": "mgy",
    "nanomaggies": "nmgy",
    "nanomaggy": "nmgy",
    "nmgy": "nmgy",
    "mgy": "mgy",
    "flam": "erg s-1 cm-2 Angstrom-1",
    "fnu": "erg s-1 cm-2 Hz-1",
    "ab": "ABmag",
    "abmag": "ABmag",
    "ab_mag": "ABmag",
}
# what a flux is per besides: the same for all pixels of a spectrum
_SAME_FOR_ALL = (
    r"sr|steradian|beam|spaxel|spaxels|spax|pix|pixel|pixels|fiber|fibre|fib|lenslet|aperture|arcsec(?:\^?\*{0,2}2|2)?|"
    r"arcsec|arcmin(?:\^?\*{0,2}2|2)?|deg(?:\^?\*{0,2}2|2)?|square_arcsec|sq_arcsec"
)
_SAYS_NOTHING = ("", "none", "unknown", "n/a", "na", "-", "flux", "unitless", "dimensionless", "arbitrary", "arb")
_OPTION = "give the unit (flux_unit, --flux-unit), e.g. 'erg/s/cm2/A', 'Jy', 'MJy/sr'"


def to_angstrom(values: np.ndarray, unit: str | None) -> np.ndarray:
    """Wavelengths in Angstrom.

    Parameters
    ----------
    values : of any shape, in ``unit``.
    unit : a length, frequency, energy or wavenumber that astropy knows, 'log10' or 'ln' (of Angstrom); None or '' for
        Angstrom.

    Raises
    ------
    InputError
        A unit that is not known or of something else.
    """
    values = np.asarray(values, dtype=np.float64)
    name = (unit or "").strip()
    if name.lower() in _ANGSTROM:
        return values
    if logarithm := LOGARITHMS.get(name.lower()):
        with np.errstate(over="ignore"):
            return np.exp(values) if logarithm == "ln" else 10.0**values
    if inside := _LOGARITHM_OF.fullmatch(name):
        with np.errstate(over="ignore"):
            return to_angstrom(np.exp(values) if inside[1].lower() == "ln" else 10.0**values, inside[2])
    from astropy import units

    parsed = parsed_unit(name)
    try:
        with np.errstate(divide="ignore"):
            return parsed.to(units.AA, values, equivalencies=units.spectral())
    except (ValueError, TypeError, AttributeError, units.UnitsError) as error:
        raise InputError(
            f"wavelengths in {name!r}: not a length that can be converted to Angstrom; give the unit "
            "(wave_unit, --wave-unit): Angstrom, nm, um, log10 or ln"
        ) from error


def is_of_vacuum(unit: str | None) -> bool:
    """Whether a spectral axis in this unit (frequency, energy or wavenumber) means wavelengths in vacuum."""
    from astropy import units

    name = (unit or "").strip()
    if inside := _LOGARITHM_OF.fullmatch(name):
        return is_of_vacuum(inside[2])
    if name.lower() in (*_ANGSTROM, *LOGARITHMS):
        return False
    parsed = parsed_unit(name)
    return parsed is not None and any(parsed.is_equivalent(other) for other in (units.Hz, units.eV, 1 / units.m))


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


@lru_cache(maxsize=256)
def parsed_unit(text: str):
    """The astropy unit of a string as files write it, or None when it cannot be read.

    Powers of ten, Angstrom as ``A``, ``erg/s/cm^2/Ang/spaxel``, ``10**(-20)*erg/...`` and the like are understood;
    what is the same for all pixels of a spectrum (sr, arcsec2, spaxel, fibre, beam) is left away.
    """
    from astropy import units
    from astropy.units import photometric

    text = _plain(text)
    with warnings.catch_warnings(), units.add_enabled_units([photometric]):
        warnings.simplefilter("ignore")  # astropy's remarks on several slashes
        for candidate in (text, _spelled(text)):
            for form in (None, "cds", "ogip"):
                try:
                    unit = units.Unit(candidate, format=form)
                except (ValueError, TypeError, AttributeError, ArithmeticError):
                    continue
                return _without_ampere(unit)
    return None


def _plain(text: str) -> str:
    """One spelling of powers, products and numbers."""
    text = str(text).strip().strip("[]").strip()
    text = text.replace("−", "-").replace("Å", "Angstrom").replace("Å", "Angstrom").replace("µ", "u").replace("μ", "u")
    text = re.sub(r"[{}]", "", text)
    text = re.sub(r"^flam(\d+)$", r"1e-\1 erg s-1 cm-2 Angstrom-1", text, flags=re.IGNORECASE)  # Keck's
    text = re.sub(r"\)\s*(?=[A-Za-z])", ") ", text)
    power = r"\s*(?:\*\*|\^)?\s*\(?{}\)?"
    over = rf"\s*/\s*\(?(?:{_SAME_FOR_ALL})(?:{power.format('[124]')})?\)?(?![A-Za-z0-9])"
    text = re.sub(over, "", text, flags=re.IGNORECASE)
    times = rf"[\s.*]+(?:{_SAME_FOR_ALL}){power.format('-[124]')}"
    text = re.sub(times, "", text, flags=re.IGNORECASE)
    # powers of ten only scale
    text = re.sub(r"^\(?\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\s*(?:\*\*|\^)\s*\(?[-+]?\d+\)?)?\)?"
                  r"\s*[*.x ]?\s*(?=[A-Za-z(])", _scale, text)  # fmt: skip
    return text.strip(" .*")


def _scale(found: re.Match) -> str:
    """A number before a unit is kept as a power of ten that astropy reads; other forms are left as they are."""
    numbers = re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", found[0])
    value = float(numbers[0]) ** (float(numbers[1]) if len(numbers) > 1 else 1.0)
    return f"{value:.17g} " if np.isfinite(value) and value > 0.0 else ""


def _spelled(text: str) -> str:
    """With words as astropy spells them, powers as ``**`` and dots as products."""
    text = re.sub(r"\^", "**", text)
    text = re.sub(r"\*\*\s*\(?\s*([-+]?\d+)\s*\)?", r"**\1", text)
    text = re.sub(r"\bper\b", "/", text)
    text = re.sub(r"(?<=[A-Za-z)\d])\.(?=[A-Za-z(])", " ", text)
    text = re.sub(r"(?<=[A-Za-z)\d])\s+\*\s*(?=[A-Za-z(])", " ", text)
    return re.sub(r"[^\W\d]+(?:_[^\W\d]+)*", _word, text)


def _word(found: re.Match) -> str:
    word = found[0]
    if word in ("MJy", "mJy", "Mjy"):
        return "MJy" if word[0] == "M" else "mJy"
    return _WORDS.get(word.lower(), word)


def _without_ampere(unit):
    """What is written A is Angstrom: no flux is per ampere."""
    from astropy import units

    if unit.is_equivalent(units.AA) or units.A not in getattr(unit.decompose(), "bases", ()):
        return unit
    bases = [units.AA if base == units.A else base for base in unit.bases]
    return units.CompositeUnit(unit.scale, bases, unit.powers)


def says_nothing(unit) -> bool:
    """Whether a unit is absent, or a word that says as much."""
    return unit is None or str(unit).strip().strip("[]").lower() in _SAYS_NOTHING


def per_angstrom_factor(unit, wave_aa: np.ndarray, where: str = "the flux") -> np.ndarray | float:
    """By what to multiply flux densities in ``unit`` at ``wave_aa`` (..., m) to have them per Angstrom.

    Flux and luminosity densities per wavelength, frequency or photon, lambda F_lambda, and maggies are known; 1 where
    the unit says nothing.

    Raises
    ------
    InputError
        Another quantity (counts, km/s, magnitudes and other logarithms), or a unit that cannot be read.
    """
    if says_nothing(unit):
        return 1.0
    from astropy import units

    parsed = unit if isinstance(unit, units.UnitBase) else parsed_unit(str(unit))
    if parsed is None:
        raise InputError(f"{where} has the unit {str(unit)!r}, which cannot be read: {_OPTION}")
    refusal = (  # text, not yet an error: one in a variable of its own traceback would keep all arrays of its callers
        f"{where} is in {str(unit)!r}, which is no flux density that can be converted to F_lambda: "
        f"convert the file, or {_OPTION}"
    )
    if isinstance(parsed, units.function.FunctionUnitBase):  # magnitudes and other logarithms
        raise InputError(refusal)
    f_lambda, l_lambda = units.erg / units.s / units.cm**2 / units.AA, units.erg / units.s / units.AA
    for angle in (units.sr, units.beam, units.pix, units.bin):
        for power in (1, 2, -1, -2):
            if angle in parsed.bases and (parsed * angle**power).decompose().bases != parsed.decompose().bases:
                parsed = _dropped(parsed, angle)
    maggy = units.mgy
    if parsed.is_equivalent(maggy):
        parsed = units.Unit(parsed.to(maggy) * 3631.0 * units.Jy)
    for target in (f_lambda, l_lambda, f_lambda / units.sr):
        if parsed.is_equivalent(target):
            return float(parsed.to(target))
        try:
            return np.asarray(
                parsed.to(target, np.ones(np.shape(wave_aa)), equivalencies=units.spectral_density(wave_aa * units.AA))
            )
        except units.UnitsError:
            continue
    raise InputError(refusal)


def _dropped(unit, base):
    """A unit without one of its bases."""
    from astropy import units

    kept = [(b, p) for b, p in zip(unit.bases, unit.powers, strict=True) if b != base]
    return units.CompositeUnit(unit.scale, [b for b, _ in kept], [p for _, p in kept])


def unit_in_name(name: str) -> tuple[str, str]:
    """A column's name without its unit, and the unit: ``Flux (uJy)``, ``flux[Jy]``, ``wave_nm``; '' without one."""
    if found := re.fullmatch(r"\s*(.*?)\s*[\[(]\s*(.+?)\s*[\])]\s*", name):
        return found[1], found[2]
    if found := re.fullmatch(r"(.+?)_(aa|angstroms?|nm|um|microns?|[unm]?jy|hz|ghz)", name, flags=re.IGNORECASE):
        unit = found[2]
        unit = {"aa": "Angstrom", "hz": "Hz", "ghz": "GHz"}.get(unit.lower(), unit)
        return found[1], unit
    return name, ""
