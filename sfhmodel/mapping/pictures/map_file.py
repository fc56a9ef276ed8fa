"""A file of maps as pictures need it."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import InputError


@dataclass(frozen=True, eq=False)
class MapFile:
    """What is in a file of maps.

    Attributes
    ----------
    images : {extension: (n_y, n_x) or (n_age_bin, n_y, n_x)}
    units : {extension: BUNIT}
    bins, spectra : tables as arrays with fields.
    checked : the table of spectra made again; None in maps that were not checked.
    age_edges_yr : (n_age_bin + 1,)
    cards : of the primary header.
    provenance : see `MapContents`.
    wcs : celestial, or None.
    """

    images: dict[str, np.ndarray]
    units: dict[str, str]
    bins: Any
    spectra: Any
    age_edges_yr: np.ndarray
    cards: dict[str, Any]
    provenance: dict[str, Any]
    wcs: Any
    checked: Any = None

    @property
    def pixel_arcsec(self) -> float | None:
        """Side of a spaxel, None where it is not known."""
        return float(self.cards.get("PIXSCALE", 0.0)) or None

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the centre: mean by light of the brightest tenth of the spaxels in bins, pixels from 0 on."""
        flux = np.where(self.images["BIN_ID"] >= 0, self.images["FLUX"], np.nan)
        bright = flux >= np.nanpercentile(flux, 90.0)
        y, x = np.nonzero(bright)
        weight = flux[bright]
        return float(np.average(x, weights=weight)), float(np.average(y, weights=weight))


def read_maps(path: Path) -> MapFile:
    """Read a file that `sfhmodel map` wrote.

    Raises
    ------
    InputError
        It is no such file.
    """
    from astropy.io import fits
    from astropy.wcs import WCS

    try:
        with fits.open(path, memmap=False) as hdus:
            names = {hdu.name for hdu in hdus}
            if missing := {"BIN_ID", "FLUX", "BINS", "AGE_BINS", "PROVENANCE"} - names:
                raise InputError(f"{path} is no file of maps of `sfhmodel map`: it has no {', '.join(sorted(missing))}")
            flat = [hdu for hdu in hdus if hdu.is_image and hdu.data is not None]
            ages, stored = hdus["AGE_BINS"].data, hdus["PROVENANCE"].data
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wcs = WCS(hdus["BIN_ID"].header)
            return MapFile(
                images={hdu.name: np.asarray(hdu.data).astype(hdu.data.dtype.newbyteorder("=")) for hdu in flat},
                units={hdu.name: str(hdu.header.get("BUNIT", "")) for hdu in flat},
                bins=np.array(hdus["BINS"].data),
                spectra=np.array(hdus["SPECTRA"].data),
                age_edges_yr=np.append(ages["AGE_LOW"], ages["AGE_HIGH"][-1]).astype(np.float64),
                cards=dict(hdus[0].header),
                provenance={k: json.loads(v) for k, v in zip(stored["key"], stored["value"], strict=True)},
                wcs=wcs if wcs.has_celestial else None,
                checked=np.array(hdus["CHECK"].data) if "CHECK" in names else None,
            )
    except OSError as error:
        raise InputError(f"cannot read {path}: {error}") from error
