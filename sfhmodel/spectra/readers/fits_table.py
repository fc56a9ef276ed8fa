"""FITS tables with columns of wavelength and flux: a row per pixel, or arrays in the cells (ESO, JWST x1d, nGIST).

All tables with the columns of the first are read (JWST's EXTRACT1D); wavelengths may stand in an HDU of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sfhmodel.spectra import fits_images, vocabulary
from sfhmodel.spectra.astropy_tables import spectra_of_table
from sfhmodel.spectra.columns import UnclearLayoutError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.units import unit_in_name

DESCRIPTION = "FITS table with columns of wavelength, flux and perhaps error and mask"


def recognises(source: SourceFile) -> bool:
    """A FITS file with a table of spectra, or whose first HDU with data is a table."""
    if source.kind != "fits":
        return False
    return bool(_tables(source)) or _first_with_data(source) is not None


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """All spectra of the tables."""
    from astropy.table import Table

    chosen = _tables(source) or [hdu for hdu in [_first_with_data(source)] if hdu is not None]
    if not chosen:
        raise UnclearLayoutError("there is no table in it")
    spectra: list[ObservedSpectrum] = []
    for hdu in chosen:
        units = {column.name: column.unit or "" for column in hdu.columns}
        table = Table.read(hdu, mask_invalid=False)
        where = f"HDU {hdu.name}, " if hdu.name and len(chosen) > 1 else ""
        wave, medium = _wavelengths_elsewhere(hdu, table, source), _medium(hdu)
        found = spectra_of_table(table, source, options, where=where, units=units, wave=wave, medium=medium)
        if len(chosen) == 1:
            return found
        spectra += found
    source.notes.append(f"{len(chosen)} tables of spectra")
    return [replace(one, name=f"{plain_name(source.path)}-{k + 1}") for k, one in enumerate(spectra)]


def _tables(source: SourceFile) -> list:
    """The first table with wavelengths and fluxes, and all others with its columns and name."""
    found: list = []
    for hdu in source.hdus:
        if getattr(hdu, "columns", None) is None or not hdu.header.get("NAXIS2"):
            continue
        roles = vocabulary.roles_of([unit_in_name(name)[0] for name in hdu.columns.names])
        has_wave = bool({"wave", "log10_wave", "ln_wave"} & roles.keys())
        is_like_first = not found or (hdu.columns.names == found[0].columns.names and hdu.name == found[0].name)
        if "flux" not in roles or not is_like_first or (hdu.header["NAXIS2"] == 1 and _is_scalar(hdu, roles["flux"])):
            continue
        if has_wave or _vector_flux(hdu, roles["flux"], source):
            found.append(hdu)
    return found


def _vector_flux(hdu, name: str, source: SourceFile) -> bool:
    """Whether the cells of a flux hold arrays, for which wavelengths stand elsewhere."""
    if name not in hdu.columns.names:
        return False
    repeat = _length(hdu.columns[name])
    return repeat > 1 and fits_images.wavelength_values(source, fits_images.images_of(source), (repeat,)) is not None


def _is_scalar(hdu, bare_name: str) -> bool:
    """Whether the cells of a column, its name without unit, hold one number."""
    column = next(c for c in hdu.columns if unit_in_name(c.name)[0] == bare_name)
    return _length(column) == 1 and not {"P", "Q"} & set(str(column.format))


def _length(column) -> int:
    digits = "".join(character for character in str(column.format) if character.isdigit())
    return int(digits) if digits and "P" not in str(column.format) and "Q" not in str(column.format) else 1


def _wavelengths_elsewhere(hdu, table, source: SourceFile) -> Values | None:
    """Wavelengths of an HDU of their own, where the table has none."""
    roles = vocabulary.roles_of([unit_in_name(name)[0] for name in table.colnames])
    if {"wave", "log10_wave", "ln_wave"} & roles.keys() or "flux" not in roles or roles["flux"] not in table.colnames:
        return None
    shape = table[roles["flux"]].shape
    return fits_images.wavelength_values(source, fits_images.images_of(source), shape[1:] or shape)


def _medium(hdu) -> str | None:
    """Of the UCD of the wavelengths: ESO's ``em.wl;obs.atmos`` is air, ``em.wl`` alone vacuum."""
    for number, column in enumerate(hdu.columns, start=1):
        role = vocabulary.role_of(unit_in_name(column.name)[0])
        if role is not None and role[0] == "wave":
            ucd = str(hdu.header.get(f"TUCD{number}", "")).strip().lower().replace(" ", "")
            if ucd.startswith("em.wl"):
                return "air" if "obs.atmos" in ucd else "vacuum"
    return None


def _first_with_data(source: SourceFile):
    for hdu in source.hdus:
        if hdu.header.get("NAXIS", 0) > 0:
            return hdu if hdu.header.get("XTENSION", "").strip() in ("BINTABLE", "TABLE") else None
    return None
