"""Redshifts: of the user, or of the file (header, column, HDU, metadata). Tables beside it: `redshift_tables`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.vocabulary import role_of, roles_of

_KEYWORDS = (
    "REDSHIFT",
    "Z",
    "ZSPEC",
    "Z_SPEC",
    "SPECZ",
    "SPEC_Z",
    "ZBEST",
    "Z_BEST",
    "ZOBJ",
    "Z_OBJ",
    "OBJ_Z",
    "ZGAL",
    "Z_GAL",
    "NSA_Z",
    "ZHELIO",
    "Z_HELIO",
)
LOWEST, HIGHEST = -0.1, 20.0  # of a galaxy; beyond is a sentinel


def cleaned(values, n: int, notes: list[str], where: str) -> np.ndarray:
    """Redshifts (n,), NaN where missing: not finite, or a sentinel like -999 or 99.

    Raises
    ------
    InputError
        Neither one number nor one for each spectrum, or no numbers.
    """
    values = np.ma.filled(np.ma.asarray(values), np.nan if np.ma.asarray(values).dtype.kind == "f" else -999)
    try:
        values = np.ravel(np.asarray(values)).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the redshifts of {where} are no numbers") from error
    if values.size not in (1, n):
        raise InputError(f"there are {values.size} redshifts and {n} spectra: give one, or one each")
    values = np.broadcast_to(values, (n,)).copy()
    missing = ~((values > LOWEST) & (values < HIGHEST))
    if missing.any():
        shown = values[missing][0]
        notes.append(f"redshift {shown:g} of {where} means that it is missing")
    values[missing] = np.nan
    return values


def in_headers(hdus, first=None) -> tuple[float, str] | None:
    """The redshift in a header, that of ``first`` before the others, and where it stands."""
    ordered = ([first] if first is not None else []) + [hdu for hdu in hdus if hdu is not first]
    for hdu in ordered:
        for keyword in _keywords(hdu.header):
            value = _number(hdu.header[keyword])
            if value is not None:
                return value, f"keyword {keyword}"
    return None


def _keywords(header):
    """Keywords of redshifts, plain ones first, then those of ESO's and others' hierarchies."""
    yield from (key for key in _KEYWORDS if key in header)
    for key in header:
        words = str(key).split()
        if len(words) > 1 and words[-1] in ("REDSHIFT", "ZSPEC") and not at_rest(header):
            yield key


def at_rest(header) -> float | None:
    """The redshift that was taken out already, where the header says so (IRAF's dopcor, pyCASSO), else None."""
    for key in header:
        if key == "PYCASSO REDSHIFT":
            return _number(header[key])
        if str(key).startswith("DOPCOR"):
            return _number(str(header[key]).split()[0])
    return None


def _number(value) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def in_tables(hdus, n: int) -> tuple[np.ndarray, str] | None:
    """Redshifts of n spectra (or one for all) in a table beside the spectra, or in an HDU called Z or REDSHIFT."""
    for number, hdu in enumerate(hdus):
        name = hdu.name or f"HDU {number}"
        if (columns := getattr(hdu, "columns", None)) is not None and hdu.header.get("NAXIS2", 0) in (1, n):
            found = roles_of(columns.names).get("redshift")
            said = None if found is None else role_of(found)
            if said is not None and said[1] < 2 and np.ndim(hdu.data[found]) == 1:
                return hdu.data[found], f"column {found} of {name}"
        named = role_of(hdu.name) if hdu.name else None
        is_named = named is not None and named[0] == "redshift" and getattr(hdu, "is_image", False)
        if is_named and hdu.data is not None and hdu.data.size in (1, n):
            return hdu.data, f"HDU {name}"
    return None


def in_metadata(meta: Mapping, depth: int = 3) -> tuple[float, str] | None:
    """The redshift in the metadata of a table, also inside of mappings (``truths: {redshift: ...}``)."""
    lowered = {str(key).lower(): key for key in meta}
    for key in ("redshift", *(k.lower() for k in _KEYWORDS[1:])):
        if key in lowered and (value := _number(meta[lowered[key]])) is not None:
            return value, f"{lowered[key]} of the metadata"
    if depth:
        for key, inner in meta.items():
            if isinstance(inner, Mapping) and (found := in_metadata(inner, depth - 1)):
                return found[0], f"{key}.{found[1]}"
    return None
