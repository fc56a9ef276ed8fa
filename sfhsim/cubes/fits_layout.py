"""FITS files of cubes as MUSE's: DATA, STAT and DQ, written plane by plane into their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from sfhsim.cubes.model import SkyField

FLUX_UNIT = 1.0e-20  # erg/s/cm2/A
FLUX = "10**(-20)*erg/s/cm**2/Angstrom"  # that, as MUSE writes it
_BLOCK = 2880
_TYPES = {-32: np.dtype(">f4"), 32: np.dtype(">i4")}
_ROLES = {
    "DATA": ("DATA", None, FLUX, -32),
    "STAT": ("ERROR", "MSE", f"({FLUX})**2", -32),
    "DQ": ("QUALITY", "FLAG32BIT", None, 32),
}


def celestial_cards(field: SkyField) -> list[tuple]:
    """The WCS of the field's two axes: gnomonic, north up, east left."""
    side = field.pixel_arcsec / 3600.0
    return [
        ("WCSAXES", 2, "axes of the WCS"),
        ("RADESYS", "ICRS", ""),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRPIX1", 0.5 * (field.n_x + 1), ""),
        ("CRPIX2", 0.5 * (field.n_y + 1), ""),
        ("CRVAL1", field.ra_deg, ""),
        ("CRVAL2", field.dec_deg, ""),
        ("CD1_1", -side, "[deg] x runs to the west"),
        ("CD1_2", 0.0, ""),
        ("CD2_1", 0.0, ""),
        ("CD2_2", side, "[deg] y runs to the north"),
    ]


def spectral_cards(field: SkyField) -> list[tuple]:
    """The third axis: wavelength in air."""
    zero = [(name, 0.0, "") for name in ("CD1_3", "CD2_3", "CD3_1", "CD3_2")]
    return [
        ("CTYPE3", "AWAV", "wavelength in air"),
        ("CUNIT3", "Angstrom", ""),
        ("CRPIX3", 1.0, ""),
        ("CRVAL3", float(field.start_aa), ""),
        ("CD3_3", float(field.step_aa), ""),
        *zero,
    ]


class CubeFile:
    """A cube in the making at ``path``, with all its headers; planes are written in any order.

    Parameters
    ----------
    path : of a file that does not exist.
    field : the grid.
    cards : of the primary header: (name, value, comment).
    """

    def __init__(self, path: Path, field: SkyField, cards: list[tuple]):
        self._shape = (field.wave_aa.size, field.n_y, field.n_x)
        self._stream = path.open("xb")
        self._begins: dict[str, int] = {}
        self._write_header(fits.PrimaryHDU(header=fits.Header(cards)).header)
        for name in _ROLES:
            self._write_header(self._header(name, field))
            self._begins[name] = self._stream.tell()
            size = self._itemsize(name) * int(np.prod(self._shape))
            self._stream.seek(size + -size % _BLOCK, 1)
        self._stream.truncate()

    def _header(self, name: str, field: SkyField) -> fits.Header:
        role, kind, unit, bitpix = _ROLES[name]
        cards: list[tuple] = [
            ("XTENSION", "IMAGE", "image extension"),
            ("BITPIX", bitpix, ""),
            ("NAXIS", 3, ""),
            *((f"NAXIS{k + 1}", n, "") for k, n in enumerate(reversed(self._shape))),
            ("PCOUNT", 0, ""),
            ("GCOUNT", 1, ""),
            ("EXTNAME", name, ""),
            ("HDUCLASS", "ESO", "class name"),
            ("HDUDOC", "DICD", "document with class description"),
            ("HDUVERS", "DICD version 6", ""),
            ("HDUCLAS1", "IMAGE", ""),
            ("HDUCLAS2", role, ""),
        ]
        cards += [("HDUCLAS3", kind, "")] if kind else []
        links = {"DATA": "SCIDATA", "STAT": "ERRDATA", "DQ": "QUALDATA"}
        cards += [(key, other, "") for other, key in links.items() if other != name]
        cards += [("BUNIT", unit, "")] if unit else []
        cards += [("WCSAXES", 3, "axes of the WCS"), *celestial_cards(field)[1:], *spectral_cards(field)]
        return fits.Header(cards)

    def _itemsize(self, name: str) -> int:
        return _TYPES[_ROLES[name][3]].itemsize

    def _write_header(self, header: fits.Header) -> None:
        self._stream.write(header.tostring().encode("ascii"))

    def write(self, name: str, first: int, planes: np.ndarray) -> None:
        """Planes (n, n_y, n_x) of an extension from plane ``first`` on."""
        values = np.ascontiguousarray(planes, dtype=_TYPES[_ROLES[name][3]])
        self._stream.seek(self._begins[name] + first * int(np.prod(self._shape[1:])) * values.itemsize)
        self._stream.write(values.data)

    def __enter__(self) -> CubeFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
