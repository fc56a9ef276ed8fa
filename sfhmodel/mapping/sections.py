"""The images of a cube that hold fluxes, errors and mask, read by sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.mapping.planes import section
from sfhmodel.spectra import fits_images
from sfhmodel.spectra.fits_axis import Axis
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.readers import cube as cube_reader
from sfhmodel.spectra.readers import manga
from sfhmodel.spectra.source import SourceFile


@dataclass(frozen=True)
class _Part:
    """An image of a cube, or of its spaxels, and what its values are."""

    hdu: Any
    kind: str
    where: str
    unit: str
    bits: int = 0


@dataclass(frozen=True)
class Sections:
    """What of a file is read.

    Attributes
    ----------
    shape : (n_y, n_x)
    axis : the spectral one.
    unit : of the fluxes, '' where nothing is said.
    header : of the fluxes.
    is_manga, has_errors : of the layout.
    fwhm_aa : (m,) or None.
    """

    shape: tuple[int, int]
    axis: Axis
    unit: str
    header: Any
    is_manga: bool
    has_errors: bool
    fwhm_aa: np.ndarray | None
    _flux: _Part
    _error: _Part | None
    _mask: _Part | None
    _full: tuple[int, ...]
    _content: bytes | None

    def read(self, rows: slice, window: slice) -> tuple[Values, Values | None, Values | None]:
        """Flux, errors and mask (n_row n_x, m) of some rows and wavelengths, as the file holds them."""
        flux, error, mask = (None if p is None else self._values(p, rows, window) for p in self._parts())
        assert flux is not None
        return flux, error, mask

    def _parts(self) -> tuple[_Part, _Part | None, _Part | None]:
        return self._flux, self._error, self._mask

    def _values(self, part: _Part, rows: slice, window: slice) -> Values:
        index, full = self.axis.index, self._full
        spatial = [k for k, n in enumerate(full) if n > 1 and k != index]
        wanted: list = [0] * len(full)
        wanted[index], wanted[spatial[0]], wanted[spatial[1]] = window, rows, slice(None)
        of_spaxels = len(part.hdu.shape) < len(full)
        if of_spaxels:
            wanted = [w for k, w in enumerate(wanted) if k != index]
        data = section(part.hdu, tuple(wanted), self._content)
        if of_spaxels:
            data = np.repeat(np.expand_dims(data, -1), window.stop - window.start, axis=-1)
        else:
            data = np.moveaxis(data, index - sum(k < index for k in range(len(full)) if full[k] == 1), -1)
        if part.bits:
            data = (data.astype(np.int64) & part.bits) != 0
        return Values(data.reshape(-1, data.shape[-1]), part.unit, part.where, part.kind)


def sections_of(source: SourceFile, options: ReadOptions) -> Sections:
    """The sections of an opened file.

    Raises
    ------
    InputError
        It holds no cube, or one without two spatial axes.
    """
    if source.hdus is None:
        raise InputError(f"{source.path} is no FITS file: a cube is needed")
    found = fits_images.images_of(source)
    if manga.recognises(source) and len(source.hdus["FLUX"].shape) == 3:
        return _manga(source, options)
    flux = cube_reader.cube_image(found)
    if flux is None:
        shown = ", ".join(f"{i.where} {'x'.join(map(str, i.shape[::-1]))}" for i in found[:6]) or "no images"
        raise InputError(f"{source.path} holds no cube of spectra, but {shown}")
    fits_images.say_unused(found, flux, source.notes)
    axis = cube_reader.cube_axis(source, found, flux)
    hdu: Any = flux.hdu
    error, mask = fits_images.error_image(found, flux), fits_images.mask_image(found, flux, axis.index)
    return Sections(
        shape=_spatial(flux.shape, axis.index, source),
        axis=axis,
        unit=_unit(flux.hdu, source),
        header=hdu.header,
        is_manga=False,
        has_errors=error is not None,
        fwhm_aa=None,
        _flux=_Part(flux.hdu, "", flux.where, _unit(flux.hdu, source)),
        _error=None if error is None else _part(*error),
        _mask=None if mask is None else _part(*mask),
        _full=flux.shape,
        _content=source.content,
    )


def _manga(source: SourceFile, options: ReadOptions) -> Sections:
    """FLUX, IVAR and MASK with its bits."""
    hdus = source.hdus
    full = tuple(hdus["FLUX"].shape)
    wave = Values(np.asarray(hdus["WAVE"].data), str(hdus["WAVE"].header.get("BUNIT", "")), "HDU WAVE")
    mask = None
    if "MASK" in hdus:
        whole = options.mask_means is not None or hdus["MASK"].header["BITPIX"] < 0
        where = "HDU MASK" if whole else "HDU MASK, bits NOCOV, FORESTAR, DONOTUSE"
        mask = _Part(hdus["MASK"], "ignore", where, "", 0 if whole else manga.BAD_BITS)
    unit = str(hdus["FLUX"].header.get("BUNIT", ""))
    return Sections(
        shape=full[1:],
        axis=Axis(0, wave, None),
        unit=unit,
        header=hdus["FLUX"].header,
        is_manga=True,
        has_errors=True,
        fwhm_aa=manga.fwhm_aa(source),
        _flux=_Part(hdus["FLUX"], "", "HDU FLUX", unit),
        _error=_Part(hdus["IVAR"], "inverse_variance", "HDU IVAR", str(hdus["IVAR"].header.get("BUNIT", ""))),
        _mask=mask,
        _full=full,
        _content=source.content,
    )


def _part(image: fits_images.Image, kind: str) -> _Part:
    hdu: Any = image.hdu
    return _Part(hdu, kind, image.where, str(hdu.header.get("BUNIT", "")))


def _unit(hdu, source: SourceFile) -> str:
    """BUNIT of the fluxes, else that of the primary header."""
    return str(hdu.header.get("BUNIT") or source.hdus[0].header.get("BUNIT", ""))


def _spatial(full: tuple[int, ...], index: int, source: SourceFile) -> tuple[int, int]:
    lengths = tuple(n for k, n in enumerate(full) if n > 1 and k != index)
    if len(lengths) != 2:
        raise InputError(f"{source.path}: the cube has {len(lengths)} spatial axes of more than one spaxel, two are "
                         "needed")  # fmt: skip
    return lengths
