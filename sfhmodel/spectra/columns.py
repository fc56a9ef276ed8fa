"""Which column of a table is what: by the user's word, by its name, or by its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfhmodel.errors import InputError
from sfhmodel.spectra.options import ReadOptions

_NAMES = {
    "wave": r"(wave(length)?|lambda|lam|wl|awav)(_(aa|air|vac|obs))?|(.*_)?(wave|wavelength|lambda)",
    "log10_wave": r"loglam(bda)?|log(10)?_?(wave|wavelength|lambda|lam)(_aa)?",
    "flux": r"flux(_density)?|spec(trum)?|f_?lam(bda)?|f_nu|fnu|intensity|(.*_)?(flux|spec)",
    "error": r"(flux_?)?(err(or)?|sigma|std|unc(ertainty)?|noise)|e_flux|(.*_)?(err|error|sigma)",
    "variance": r"(flux_?)?var(iance)?|stat|(.*_)var(iance)?",
    "inverse_variance": r"(flux_?)?(ivar|invvar|inverse_variance|inv_var)|(.*_)ivar",
    "mask": r"mask|good|use",
}
_ORDER = ("log10_wave", "inverse_variance", "variance", "error", "mask", "wave", "flux")


@dataclass(frozen=True)
class Columns:
    """Names of the columns; None where there is none."""

    wave: str
    flux: str
    error: str | None = None
    error_is: str = "error"
    mask: str | None = None
    wave_is_log10: bool = False


def find_columns(names: list[str], options: ReadOptions, notes: list[str]) -> Columns:
    """The columns of a table with these names; what was guessed is added to ``notes``.

    Raises
    ------
    InputError
        The wavelengths or fluxes cannot be told, a named column is not there, or a third column has no name and
        nothing says whether it holds errors or variances.
    """
    kinds: dict[str, str] = {}
    for name in names:
        for kind in _ORDER:
            if kind not in kinds and re.fullmatch(_NAMES[kind], name.strip().lower().replace(" ", "_")):
                kinds[kind] = name
                break
    by_place = not {"wave", "log10_wave", "flux"} & kinds.keys() and 2 <= len(names) <= 4
    wave = _named(options.wave_column, names) or kinds.get("wave") or kinds.get("log10_wave")
    flux = _named(options.flux_column, names) or kinds.get("flux")
    error_kind = next((kind for kind in ("error", "variance", "inverse_variance") if kind in kinds), None)
    error = _named(options.error_column, names) or (kinds[error_kind] if error_kind else None)
    mask = _named(options.mask_column, names) or kinds.get("mask")
    if by_place:
        wave, flux = wave or names[0], flux or names[1]
        if error is None and len(names) > 2:
            error = names[2]
            if options.error_is is None:
                notes.append("third column taken to be one-sigma errors (--error-is)")
    if wave is None or flux is None:
        missing = " and ".join(what for what, name in (("wavelengths", wave), ("fluxes", flux)) if name is None)
        raise InputError(
            f"cannot tell the column of the {missing} among {', '.join(names)}: name it (--wave-column, --flux-column)"
        )
    error_is = options.error_is or (error_kind if error_kind and error == kinds[error_kind] else "error")
    return Columns(wave, flux, error, error_is, mask, wave_is_log10=wave == kinds.get("log10_wave"))


def _named(wanted: str | None, names: list[str]) -> str | None:
    """The column the user named, by its name or its number from 1 on."""
    if wanted is None:
        return None
    if wanted in names:
        return wanted
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise InputError(f"there is no column {wanted!r}: there are {', '.join(names)}")
