"""One FITS file of maps: an extension a quantity, with unit and celestial WCS; histories as cubes; tables; provenance.

Extensions are written one after the other, so that only one is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.files import written_whole
from sfhmodel.mapping.binning.bins import BinMap
from sfhmodel.mapping.flags import MEANINGS
from sfhmodel.mapping.quantities import Quantity

ERROR_ENDING = "_ERR"


class MapWriter:
    """Adds extensions to a FITS file in the making; made by `MapWriter.begin`.

    Parameters
    ----------
    path : of the file.
    bin_map : of the bins.
    header : with the celestial WCS of the cube.
    """

    def __init__(self, path: Path, bin_map: BinMap, header):
        self._path, self._bins, self._header = path, bin_map, header

    def begin(self, cards: Mapping[str, tuple[Any, str]]) -> None:
        """The primary HDU, with provenance in its header."""
        from astropy.io import fits

        header = fits.Header()
        for key, (value, comment) in cards.items():
            header[key] = (value, comment)
        fits.PrimaryHDU(header=header).writeto(self._path)

    def image(self, name: str, data: np.ndarray, unit: str = "", comment: str = "", **cards) -> None:
        """An image (n_y, n_x) or cube (n, n_y, n_x)."""
        from astropy.io import fits

        header = self._header.copy()
        if data.ndim == 3:
            header["WCSAXES"] = 3
            header["CTYPE3"], header["CRPIX3"], header["CRVAL3"], header["CDELT3"] = "AGE_BIN", 1.0, 1.0, 1.0
        header["EXTNAME"] = name
        if unit:
            header["BUNIT"] = unit
        if comment:
            header["COMMENT"] = comment
        for key, value in cards.items():
            header[key] = value
        kind = data.dtype.newbyteorder("=")
        self._append(fits.ImageHDU(np.asarray(data, dtype=kind), header=header))

    def quantity(self, quantity: Quantity) -> None:
        """The map of a quantity, and that of its error."""
        self.image(quantity.name, self._map(quantity.values), quantity.unit, quantity.comment)
        if quantity.error is not None:
            comment = f"half the 68% interval of {quantity.name}"
            unit = "dex" if quantity.unit.startswith("dex") else quantity.unit
            self.image(quantity.name + ERROR_ENDING, self._map(quantity.error), unit, comment)

    def flags(self, flags: np.ndarray) -> None:
        """FLAG (n_y, n_x), with the meaning of each bit in the header."""
        cards = {f"BIT{int(bit).bit_length() - 1}": text for bit, text in MEANINGS.items()}
        self.image("FLAG", flags.astype(np.int32), "", "sum of bits, each explained by its keyword BITn", **cards)

    def history(self, name: str, values: np.ndarray, comment: str) -> None:
        """A cube (n_age_bin, n_y, n_x) of values of bins (n_bin, n_age_bin)."""
        planes = [self._map(values[:, k]) for k in range(values.shape[1])]
        self.image(name, np.stack(planes), "", comment)

    def table(self, name: str, columns: Mapping[str, tuple[np.ndarray, str]]) -> None:
        """A binary table of columns with units."""
        from astropy.io import fits

        made = [
            fits.Column(name=label, array=values, format=_format(values), unit=unit or None)
            for label, (values, unit) in columns.items()
        ]
        self._append(fits.BinTableHDU.from_columns(made, name=name))

    def provenance(self, content: Mapping[str, Any]) -> None:
        """A table with a key and a JSON value a row."""
        texts = [json.dumps(value) for value in content.values()]
        columns = {"key": (np.array(list(content), dtype=str), ""), "value": (np.array(texts, dtype=str), "")}
        self.table("PROVENANCE", columns)

    def _map(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values)
        return self._bins.image(values.astype(np.float32) if values.dtype.kind == "f" else values)

    def _append(self, hdu) -> None:
        from astropy.io import fits

        fits.append(str(self._path), hdu.data, hdu.header, verify=False)


def _format(values: np.ndarray) -> str:
    """FITS' format of a column."""
    width = int(np.prod(values.shape[1:], dtype=int)) if values.ndim > 1 else 1
    if values.dtype.kind == "U":
        return f"{max(values.dtype.itemsize // 4, 1)}A"
    kind = {"f4": "E", "f8": "D", "i4": "J", "i8": "K", "b1": "L"}[values.dtype.str[1:]]
    return f"{width if width > 1 else ''}{kind}"


def write_maps(
    path: Path,
    overwrite: bool,
    bin_map: BinMap,
    header,
    cards: Mapping[str, tuple[Any, str]],
    contents: Iterable,
) -> Path:
    """Write the file, whole or not at all.

    Parameters
    ----------
    contents : functions that each get the `MapWriter` and add something; they are called in turn.
    """
    with written_whole(path, overwrite) as partial:
        writer = MapWriter(partial, bin_map, header)
        writer.begin(cards)
        for add in contents:
            add(writer)
    return path
