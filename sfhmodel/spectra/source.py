"""A file of unknown layout, opened once for all readers that look at it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import redshifts, size_limits
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.vocabulary import medium_of

_MAGIC = ((b"SIMPLE  =", "fits"), (b"\x89HDF", "hdf5"), (b"PK\x03\x04", "npz"))
_PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".fz")
_FITS_ENDINGS = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.bz2", ".fits.xz", ".fits.fz")
_VACUUM_TELESCOPES = ("JWST", "HST", "SDSS 2.5-M", "DESI", "EUCLID")


class Notes(list):
    """Sentences for the user, each once."""

    def append(self, note: str) -> None:
        if note not in self:
            super().append(note)


@dataclass
class SourceFile:
    """What readers are given.

    Attributes
    ----------
    path : of the file.
    kind : 'fits', 'hdf5', 'npz' or 'text', by its first bytes.
    hdus : the opened FITS file, else None.
    meta : metadata of a table of text, filled by its reader.
    content : of a file that was packed, else None.
    notes : what was assumed, for the user; readers add to it.
    """

    path: Path
    kind: str
    hdus: Any = None
    content: bytes | None = None
    meta: Mapping = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)

    def open(self):
        """The content, unpacked, as a binary file."""
        return io.BytesIO(self.content) if self.content is not None else open(self.path, "rb")

    def header_value(self, *names: str, hdu: int | None = None):
        """The first of these keywords that is in the header of ``hdu``, or of any HDU; None when there is none."""
        for one in self.hdus if hdu is None else [self.hdus[hdu]]:
            for name in names:
                if name in one.header:
                    return one.header[name]
        return None

    def redshift(self, n: int = 1) -> tuple[Any, str] | None:
        """What the file says of n spectra, (number or (n,), where), or None."""
        if self.hdus is None:
            return redshifts.in_metadata(self.meta)
        for hdu in self.hdus:
            if (out := redshifts.at_rest(hdu.header)) is not None:
                self.notes.append(
                    f"the header says that a redshift of {out:g} was taken out already: taken to be at rest"
                )
                return 0.0, "the header"
        return redshifts.in_tables(self.hdus, n) or redshifts.in_headers(self.hdus)

    def medium(self, options: ReadOptions, default: str, said: str | None = None) -> str:
        """What the user says, else what the layout found, else the header, else the default."""
        if options.medium is not None:
            return options.medium
        if said is not None:
            return said
        if (found := self._medium_of_header()) is not None:
            return found
        self.notes.append(f"wavelengths taken to be in {default} (--medium)")
        return default

    def _medium_of_header(self) -> str | None:
        if self.hdus is None:
            return medium_of(" ".join(map(str, [*self.meta.get("comments", ()), *self._medium_words()])))
        said = self.header_value("VACUUM", "AIRORVAC")
        if said is not None:
            return "vacuum" if str(said).strip().lower() in ("true", "t", "1", "vac", "vacuum") else "air"
        if str(self.header_value("TELESCOP") or "").strip().upper() in _VACUUM_TELESCOPES:
            self.notes.append("wavelengths in vacuum, as of this telescope (--medium)")
            return "vacuum"
        return None

    def _medium_words(self) -> list[str]:
        return [f"{key} {value}" for key, value in self.meta.items() if medium_of(str(key)) or key == "medium"]

    def spectrum(self, wave_aa, flux, flux_error=None, mask=None, *, name: str = "", **rest) -> ObservedSpectrum:
        """The spectrum with increasing wavelengths, the file's name and the notes."""
        order = slice(None, None, -1) if len(wave_aa) > 1 and wave_aa[0] > wave_aa[-1] else slice(None)
        if (fwhm_aa := rest.pop("resolution_fwhm_aa", None)) is not None:
            rest["resolution_fwhm_aa"] = _native(fwhm_aa)[order]
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
    for ending in _PACKED_ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return Path(name).stem


@contextmanager
def open_source(path: Path) -> Iterator[SourceFile]:
    """Open a file; closes it afterwards, and keeps astropy's remarks on headers to itself.

    Raises
    ------
    InputError
        No such file, no permission, packed beyond reason, or a FITS file that is damaged or asks for more than it has.
    """
    size = size_limits.file_size(path)
    content = size_limits.unpacked(path)
    first = size_limits.first_bytes(path) if content is None else content[:16]
    kind = next((kind for magic, kind in _MAGIC if first.startswith(magic)), "text")
    if path.name.lower().endswith(_FITS_ENDINGS):
        kind = "fits"
    source = SourceFile(path, kind, content=content)
    if kind != "fits":
        yield source
        return
    from astropy.io import fits

    with warnings.catch_warnings(), source.open() as file:
        warnings.simplefilter("ignore")
        try:
            source.hdus = fits.open(file, memmap=False)
            _check_sizes(source.hdus, size if content is None else len(content))
            source.hdus.verify("silentfix")
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except Exception as error:  # a damaged header can go wrong in any way
            raise InputError(f"{path} is a damaged FITS file: {str(error) or type(error).__name__}") from error
        with source.hdus:
            yield source


def _check_sizes(hdus, size: int) -> None:
    """That no HDU asks for more than the file holds, or grows beyond reason when it is unpacked."""
    for number, hdu in enumerate(hdus):
        place = hdu.fileinfo() or {}
        end = place.get("datLoc", 0) + max(place.get("datSpan", 0) - 2879, 0)
        if end > size:
            raise InputError(
                f"damaged FITS file: the header of HDU {number} ({hdu.name or 'no name'}) needs {end} bytes, the file "
                f"has {size}"
            )
        shape = [int(hdu.header.get(f"NAXIS{k + 1}", 1)) for k in range(int(hdu.header.get("NAXIS", 0)))]
        if type(hdu).__name__ == "CompImageHDU" and shape:
            size_limits.check_growth(size, int(np.prod(shape, dtype=float)) * 4, f"HDU {number}")


def _native(values) -> np.ndarray:
    """As float64 in the byte order of this machine; masked values become NaN."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    return np.asarray(values, dtype=np.float64)
