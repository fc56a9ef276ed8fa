"""The last look at wavelengths before they are believed: converted where certain and said, refused otherwise."""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.units import LOGARITHMS, looks_like, to_angstrom

LOWEST_AA, HIGHEST_AA = 500.0, 5e6  # 0.05 to 500 um
_TYPICAL_AA = (3000.0, 25000.0)
_FINEST_R = 1.5e4  # wavelength over pixel of linear spectra in um; logarithmic axes of optical spectra are finer
_OPTION = "give their unit (wave_unit, --wave-unit): Angstrom, nm, um, m, log10 or ln"


def wavelengths_aa(wave: Values, options: ReadOptions, notes: list[str]) -> np.ndarray:
    """Wavelengths in Angstrom, of any shape; not finite where the file has no number.

    Raises
    ------
    InputError
        A unit that is none of wavelengths; values that are no wavelengths of 0.05-500 um in it.
    """
    values = np.ma.filled(np.ma.asarray(wave.values, dtype=np.float64), np.nan)
    inside = values[np.isfinite(values) & (values != 0.0)]
    if inside.size == 0:
        raise InputError(f"{wave.where}: no wavelength is a number")
    low, high = float(inside.min()), float(inside.max())
    unit = options.wave_unit or wave.unit
    if options.wave_unit is None:
        unit = _certain_unit(unit, values, low, high, wave.where, notes)
    if unit and to_angstrom(np.ones(1), unit)[0] != 1.0:
        notes.append(f"wavelengths in {unit} ({wave.where})")
    wave_aa = to_angstrom(np.where(values == 0.0, np.nan, values), unit)
    finite = wave_aa[np.isfinite(wave_aa)]
    shown = f"{wave.where}: the wavelengths run from {low:g} to {high:g}{f' {unit}' if unit else ''}"
    if finite.size == 0 or finite.min() <= 0.0:
        return wave_aa  # `check_wavelengths` names what is wrong
    if finite.min() < LOWEST_AA or finite.max() > HIGHEST_AA:
        guess = looks_like(low, high, *_TYPICAL_AA) if not unit else None
        hint = f"they look like {guess[0]}: --wave-unit {guess[1]}" if guess else _OPTION
        raise InputError(
            f"{shown}, which in {unit or 'Angstrom'} lie outside of 0.05-500 um: this is no spectrum (a file of "
            f"maps?), or {hint}"
        )
    return wave_aa


def _certain_unit(unit: str, values: np.ndarray, low: float, high: float, where: str, notes: list[str]) -> str:
    """The unit that the numbers can only be in, where the file says nothing or contradicts them."""
    if LOGARITHMS.get(unit.lower()) or unit == "ln":
        return _certain_logarithm(unit, low, high, where, notes)
    if unit.strip():
        return unit
    if low > 0.0 and 5e-8 <= high < 5e-4:
        notes.append(f"{where}: wavelengths of {low:g}-{high:g} without a unit taken to be metres (--wave-unit)")
        return "m"
    for name, words, first, last in (("log10", "log10", 3.0, 4.7), ("ln", "natural logarithms", 6.9, 10.9)):
        if first <= low < high <= last and _is_fine(values):
            notes.append(f"{where}: wavelengths of {low:g}-{high:g} without a unit taken to be {words} of Angstrom "
                         "(--wave-unit)")  # fmt: skip
            return name
    return unit


def _is_fine(values: np.ndarray) -> bool:
    """Whether the pixels of these wavelengths, were they linear, would be finer than spectrographs make them."""
    values = np.ravel(values)[np.isfinite(np.ravel(values))]
    step = float(np.median(np.abs(np.diff(values)))) if values.size > 1 else 0.0
    return step > 0.0 and float(np.median(values)) / step > _FINEST_R


def _certain_logarithm(unit: str, low: float, high: float, where: str, notes: list[str]) -> str:
    """What numbers called logarithms are: files call natural logarithms, and even wavelengths, LOGLAM."""
    if low > LOWEST_AA:
        notes.append(f"{where} holds {low:g}-{high:g}: no logarithms, but wavelengths in Angstrom")
        return "Angstrom"
    if low > 6.2 and high < 15.5:
        if LOGARITHMS.get(unit.lower()) != "ln":
            notes.append(f"{where} holds {low:g}-{high:g}: natural logarithms of Angstrom, not of base 10")
        return "ln"
    return unit


def valid_range(wave_aa: np.ndarray) -> slice:
    """Of wavelengths (m,) those between padding (NaN, 0) at the ends; what is between is for `check_wavelengths`.

    Padding may repeat: zeros, NaN, or the last wavelength over and over.
    """
    good = np.isfinite(wave_aa) & (wave_aa > 0.0)
    if not good.any():
        return slice(0, 0)
    first, last = np.flatnonzero(good)[[0, -1]]
    while last > first and wave_aa[last] == wave_aa[last - 1]:
        last -= 1
    while first < last and wave_aa[first] == wave_aa[first + 1]:
        first += 1
    return slice(int(first), int(last) + 1)
