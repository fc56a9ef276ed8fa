"""Tables of redshifts beside the spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.source import open_source
from sfhmodel.spectra.text_tables import catalogue_of
from sfhmodel.spectra.vocabulary import roles_of

_ID_NAMES = ("targetid", "name", "names", "id", "object", "file", "filename", "source", "source_id")


def read_redshifts(path: Path, names: list[str], n: int) -> tuple[np.ndarray, str]:
    """Redshifts (n,) of a table (FITS, ECSV, CSV, text): by name where it has a column of names, else in order.

    Raises
    ------
    InputError
        No table of redshifts, a name that is not in it, or another number of rows.
    """
    from astropy.table import Table

    table: Any = None
    with open_source(path) as source:
        if source.kind == "fits":
            table = next((Table.read(hdu) for hdu in source.hdus if getattr(hdu, "columns", None) is not None
                          and roles_of(hdu.columns.names).get("redshift")), None)  # fmt: skip
        elif source.kind == "text":
            table = catalogue_of(source)
        column = roles_of(table.colnames).get("redshift") if table is not None else None
        if column is None and table is not None and len(table.colnames) == 1:
            column = table.colnames[0]
        if column is None:
            raise InputError(f"{path} holds no column of redshifts (z, redshift)")
        values = np.ma.filled(np.ma.asarray(table[column]).astype(np.float64), np.nan)
        ids = next((name for name in table.colnames if name.lower() in _ID_NAMES), None)
        if ids is None:
            if len(values) not in (1, n):
                raise InputError(f"{path} has {len(values)} redshifts and there are {n} spectra: give one, or one each")
            return np.broadcast_to(values, (n,)), f"{path.name}"
        known = {str(key).strip(): value for key, value in zip(table[ids], values, strict=True)}
    if missing := [name for name in names if name not in known]:
        raise InputError(
            f"{path} has no redshift of {missing[0]!r}: its column {ids} holds {', '.join(list(known)[:5])}"
        )
    return np.array([known[name] for name in names]), f"{path.name}"
