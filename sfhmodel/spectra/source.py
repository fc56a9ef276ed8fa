"""A file of unknown layout, opened once for all readers that look at it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions

_MAGIC = ((b"SIMPLE  =", "fits"), (b"\x89HDF", "hdf5"), (b"PK\x03\x04", "npz"))
_FITS_ENDINGS = (".fits.gz", ".fit.gz", ".fits.bz2", ".fits.fz")


@dataclass
class SourceFile:
    """What readers are given.

    Attributes
    ----------
    path : of the file.
    kind : 'fits', 'hdf5', 'npz' or 'text', by its first bytes.
    hdus : the opened FITS file, else None.
    notes : what was assumed, for the user; readers add to it.
    """

    path: Path
    kind: str
    hdus: Any = None
    notes: list[str] = field(default_factory=list)

    def header_value(self, *names: str, hdu: int | None = None):
        """The first of these keywords that is in the header of ``hdu``, or of any HDU; None when there is none."""
        for one in self.hdus if hdu is None else [self.hdus[hdu]]:
            for name in names:
                if name in one.header:
                    return one.header[name]
        return None

    def redshift(self, options: ReadOptions) -> float | None:
        """What the user says, else what the header does."""
        if options.redshift is not None:
            return options.redshift
        found = self.header_value("REDSHIFT", "Z") if self.hdus is not None else None
        try:
            return None if found is None else float(found)
        except (TypeError, ValueError):
            return None

    def medium(self, options: ReadOptions, default: str) -> str:
        """What the user says, else what the header does, else the default of the layout."""
        if options.medium is not None:
            return options.medium
        said = self.header_value("VACUUM", "AIRORVAC") if self.hdus is not None else None
        if said is not None:
            return "vacuum" if str(said).strip().lower() in ("true", "t", "1", "vac", "vacuum") else "air"
        self.notes.append(f"wavelengths taken to be in {default} (--medium)")
        return default

    def spectrum(self, wave_aa, flux, flux_error=None, mask=None, *, name: str = "", **rest) -> ObservedSpectrum:
        """The spectrum with increasing wavelengths, the file's name and the notes."""
        order = slice(None, None, -1) if len(wave_aa) > 1 and wave_aa[0] > wave_aa[-1] else slice(None)
        return ObservedSpectrum(
            wave_aa=_native(wave_aa)[order],
            flux=_native(flux)[order],
            flux_error=None if flux_error is None else _native(flux_error)[order],
            mask=None if mask is None else np.asarray(mask, dtype=bool)[order],
            name=name or plain_name(self.path),
            notes=tuple(self.notes),
            **rest,
        )


def plain_name(path: Path) -> str:
    """The name of a file without its endings."""
    name = path.name
    for ending in _FITS_ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return path.stem


@contextmanager
def open_source(path: Path) -> Iterator[SourceFile]:
    """Open a file; closes it afterwards, and keeps astropy's remarks on headers to itself.

    Raises
    ------
    InputError
        No such file, no permission, or a FITS file that is damaged.
    """
    try:
        with open(path, "rb") as file:
            first = file.read(16)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    kind = next((kind for magic, kind in _MAGIC if first.startswith(magic)), "text")
    if path.name.lower().endswith(_FITS_ENDINGS):
        kind = "fits"
    if kind != "fits":
        yield SourceFile(path, kind)
        return
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(path, memmap=False) as hdus:
                hdus.verify("silentfix")
                yield SourceFile(path, kind, hdus)
        except (OSError, TypeError) as error:
            raise InputError(f"{path} is a damaged FITS file: {error}") from error


def _native(values) -> np.ndarray:
    """As float64 in the byte order of this machine; masked values become NaN."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    return np.asarray(values, dtype=np.float64)
