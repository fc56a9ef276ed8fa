"""Which column of a table, or array of a file, is what: by the user's word, by its name, or by its place."""

from __future__ import annotations

from dataclasses import dataclass

from sfhmodel.errors import InputError
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.units import unit_in_name
from sfhmodel.spectra.vocabulary import is_no_flux, role_of, roles_of


class UnclearLayoutError(InputError):
    """A file in which wavelengths and fluxes cannot be told: another reader may know it."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns; None where there is none."""

    wave: str
    flux: str
    error: str | None = None
    error_is: str = "error"
    mask: str | None = None
    redshift: str | None = None
    wdisp: str | None = None
    wave_unit: str = ""


_ERROR_ROLES = ("error", "variance", "inverse_variance")


def find_columns(names: list[str], options: ReadOptions, notes: list[str]) -> Columns:
    """The columns of a table with these names; what was chosen is added to ``notes``.

    Raises
    ------
    UnclearLayoutError
        The wavelengths or fluxes cannot be told.
    InputError
        A column that the user names is not there.
    """
    bare = {name: unit_in_name(name)[0] for name in names}
    by_bare = roles_of(bare.values())
    roles = {role: next(n for n in names if bare[n] == found) for role, found in by_bare.items()}
    wave = _named(options.wave_column, names) or _first(roles, ("wave", "log10_wave", "ln_wave"), bare)
    flux = _named(options.flux_column, names) or roles.get("flux")
    error, error_role = _error(options, names, roles)
    mask = _named(options.mask_column, names) or roles.get("mask")
    nameless = not any(role_of(bare[name]) or is_no_flux(bare[name]) for name in names[:2])
    if nameless and not {"wave", "log10_wave", "ln_wave", "flux"} & roles.keys() and 2 <= len(names) <= 4:
        wave, flux = wave or names[0], flux or names[1]
        if error is None and len(names) > 2:
            error, error_role = names[2], "error"
            if options.error_is is None:
                notes.append("third column taken to be one-sigma errors (--error-is)")
        if mask is None and len(names) > 3 and options.mask_column is None:
            mask = names[3]
    second = bare[names[1]] if 2 <= len(names) <= 4 else ""
    if flux is None and wave == names[0] and second and role_of(second) is None and not is_no_flux(second):
        flux = names[1]
        notes.append(f"second column, {flux!r}, taken to be the flux (--flux-column)")
    if wave is None or flux is None:
        missing = " and ".join(what for what, name in (("wavelengths", wave), ("fluxes", flux)) if name is None)
        raise UnclearLayoutError(
            f"cannot tell the column of the {missing} among {', '.join(map(str, names))}: name it (--wave-column, "
            "--flux-column)"
        )
    unit = {roles.get("log10_wave"): "log10", roles.get("ln_wave"): "ln"}.get(wave, "")
    if len(names) > 2 or roles:
        notes.append(_what_was_chosen(wave, flux, error, mask))
    return Columns(wave, flux, error, error_role or "error", mask, roles.get("redshift"), roles.get("wdisp"), unit)


def _first(roles: dict[str, str], wanted: tuple[str, ...], bare: dict[str, str]) -> str | None:
    """Of several roles the name that says its own most exactly."""
    found = [(_rank(bare[roles[role]]), k, roles[role]) for k, role in enumerate(wanted) if role in roles]
    return min(found)[2] if found else None


def _rank(name: str) -> int:
    """How exactly a name says its role: 0 is exact."""
    role = role_of(name)
    return 9 if role is None else role[1]


def _error(options: ReadOptions, names: list[str], roles: dict[str, str]) -> tuple[str | None, str | None]:
    """The column of the errors and what its name says they are."""
    if options.error_column is not None:
        name = _column(options.error_column, names)
        said = role_of(unit_in_name(name)[0])
        return name, said[0] if said and said[0] in _ERROR_ROLES else "error"
    found = [(_rank(unit_in_name(roles[role])[0]), k, role) for k, role in enumerate(_ERROR_ROLES) if role in roles]
    if not found:
        return None, None
    role = min(found)[2]
    return roles[role], role


def _what_was_chosen(wave: str, flux: str, error: str | None, mask: str | None) -> str:
    said = f"wavelengths from {wave!r}, flux from {flux!r}"
    said += f", errors from {error!r}" if error is not None else ""
    return said + (f", mask from {mask!r}" if mask is not None else "")


def _named(wanted: str | None, names: list[str]) -> str | None:
    """The column the user named, if any."""
    return None if wanted is None else _column(wanted, names)


def _column(wanted: str, names: list[str]) -> str:
    """A column by its name or its number from 1 on."""
    if wanted in names:
        return wanted
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    if same := [name for name in names if name.lower() == wanted.lower()]:
        return same[0]
    raise InputError(f"there is no column {wanted!r}: there are {', '.join(map(str, names))}")
