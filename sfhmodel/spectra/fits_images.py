"""Which image of a FITS file is the flux, and which are its wavelengths, errors and mask.

By the keywords ERRDATA and QUALDATA of ESO's and SDSS' convention, and by the names of HDUs (`names`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfhmodel.spectra import vocabulary
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.source import SourceFile

INVERSE_ERROR = "inverse_error"
_KIND_OF_CLASS = {"MSE": "variance", "RMSE": "error", "INVMSE": "inverse_variance", "INVRMSE": INVERSE_ERROR}
_WAVE_UNITS = {"log10_wave": "log10", "ln_wave": "ln", "wave": ""}
_ERRORS = ("error", "variance", "inverse_variance")
_NO_FLUX = (*_ERRORS, "mask", "redshift", "wdisp", *_WAVE_UNITS)


@dataclass(frozen=True)
class Image:
    """An HDU with an image, and what its name means."""

    hdu: Any
    number: int
    role: str
    rank: int

    @property
    def where(self) -> str:
        return f"HDU {self.hdu.name}" if self.hdu.name else f"HDU {self.number}"

    @property
    def shape(self) -> tuple[int, ...]:
        """As of a numpy array, without touching the data."""
        header = self.hdu.header
        return tuple(int(header[f"NAXIS{k}"]) for k in range(int(header["NAXIS"]), 0, -1))

    def values(self, kind: str = "") -> Values:
        return Values(self.hdu.data, str(self.hdu.header.get("BUNIT", "")), self.where, kind)


def images_of(source: SourceFile) -> list[Image]:
    """All images with data."""
    found = []
    for number, hdu in enumerate(source.hdus):
        header = hdu.header
        if not getattr(hdu, "is_image", False) or not header.get("NAXIS"):
            continue
        if any(header[f"NAXIS{k + 1}"] == 0 for k in range(header["NAXIS"])):
            continue
        role, rank = vocabulary.role_of(hdu.name) or ("", 9)
        if str(header.get("HDUCLAS2", "")).strip() in ("ERROR", "QUALITY") and role not in _NO_FLUX:
            role = "error" if header["HDUCLAS2"].strip() == "ERROR" else "mask"
        found.append(Image(hdu, number, role, rank))
    return found


def flux_image(images: list[Image]) -> Image | None:
    """The flux: an HDU whose name says so, else the first that is nothing else; None without one."""
    named = [image for image in images if image.role == "flux"]
    if named:
        return min(named, key=lambda image: (image.rank, -len(long_axes(image.shape)), image.number))
    return next((image for image in images if image.role not in _NO_FLUX), None)


def say_unused(images: list[Image], flux: Image, notes: list[str]) -> None:
    """Name the images of the flux's shape of which nothing says what they are: errors, perhaps."""
    unused = [i.where for i in images if i is not flux and i.role == "" and i.shape == flux.shape]
    if unused:
        notes.append(f"not used, as nothing says what they hold: {', '.join(unused[:6])}")


def same_named(images: list[Image], flux: Image) -> list[Image]:
    """The flux, and the other images of its name (EXTVER 2 ...) with as many axes."""
    alike = [i for i in images if i.hdu.name and i.hdu.name == flux.hdu.name and len(i.shape) == len(flux.shape)]
    return alike or [flux]


def belonging_to(flux: Image, images: list[Image]) -> list[Image]:
    """The flux, and of what goes with fluxes that of its EXTVER; what there is only one of belongs to all."""
    single = [image for image in images if sum(other.hdu.name == image.hdu.name for other in images) == 1]
    return [flux, *(i for i in images if i.role in _NO_FLUX and (i.hdu.ver == flux.hdu.ver or i in single))]


def long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without axes of one element."""
    return tuple(n for n in shape if n > 1)


def companion(images: list[Image], flux: Image, keyword: str, roles: tuple[str, ...], shapes) -> Image | None:
    """The image that goes with the flux: the one its header names, else one whose name has such a role."""
    named = str(flux.hdu.header.get(keyword, "")).strip().upper()
    fitting = [image for image in images if image is not flux and image.shape in shapes]
    for image in fitting:
        if named and image.hdu.name.upper() == named:
            return image
    role_ones = [image for image in fitting if image.role in roles]
    return min(role_ones, key=lambda image: (image.rank, roles.index(image.role), image.number), default=None)


def error_values(images: list[Image], flux: Image) -> Values | None:
    """The errors of the flux, with the kind that name or class say."""
    found = error_image(images, flux)
    if found is None:
        return None
    image, kind = found
    return squared_inverse_error(image.values(kind)) if kind == INVERSE_ERROR else image.values(kind)


def error_image(images: list[Image], flux: Image) -> tuple[Image, str] | None:
    """The image of the flux's errors and their kind, one of `Values` or `INVERSE_ERROR`; None without one."""
    image = companion(images, flux, "ERRDATA", _ERRORS, _shapes_like(flux))
    if image is None:
        return None
    said = _KIND_OF_CLASS.get(str(image.hdu.header.get("HDUCLAS3", "")).strip().upper())
    return image, said or (image.role if image.role in _ERRORS else "error")


def squared_inverse_error(values: Values) -> Values:
    """Inverse variances, of the inverse errors that a file holds."""
    return Values(np.square(np.asarray(values.values, dtype=np.float64)), "", values.where, "inverse_variance")


def _shapes_like(flux: Image) -> set[tuple[int, ...]]:
    """Shapes of what goes with a flux: its own, and where it has one or two long axes those without axes of one."""
    bare = long_axes(flux.shape)
    return {flux.shape} | ({bare, bare[-1:]} if len(bare) < 3 else set())


def mask_values(images: list[Image], flux: Image, spectral_index: int) -> Values | None:
    """The mask of the flux, of its shape, or of its spaxels, spread along the spectral axis."""
    found = mask_image(images, flux, spectral_index)
    if found is None:
        return None
    image, kind = found
    values = image.values(kind)
    if image.shape == _spatial(flux, spectral_index):
        spread = np.broadcast_to(np.expand_dims(values.values, spectral_index), flux.shape)
        return Values(spread, "", values.where, values.kind)
    return values


def mask_image(images: list[Image], flux: Image, spectral_index: int) -> tuple[Image, str] | None:
    """The image that masks the flux or its spaxels, and what non-zero means in it; None without one."""
    shapes = (_shapes_like(flux) | {_spatial(flux, spectral_index)}) - {()}
    image = companion(images, flux, "QUALDATA", ("mask",), shapes)
    if image is None:
        return None
    is_one_good = str(image.hdu.header.get("HDUCLAS3", "")).strip().upper() == "MASKONE"
    of_spaxels = image.shape == _spatial(flux, spectral_index)
    return image, "use" if is_one_good and not of_spaxels else vocabulary.mask_means(image.hdu.name)


def _spatial(flux: Image, spectral_index: int) -> tuple[int, ...]:
    return tuple(n for k, n in enumerate(flux.shape) if k != spectral_index)


def wavelength_values(source: SourceFile, images: list[Image], flux_shape: tuple[int, ...]) -> Values | None:
    """Wavelengths of an HDU of their own: an image (m,) or of the flux's shape, or a table of one such column.

    None where there is none, or where a header refers to it (-TAB), which astropy's WCS follows.
    """
    for image in images:
        if image.role in _WAVE_UNITS and (long_axes(image.shape) in {(n,) for n in flux_shape} | {flux_shape}):
            values = image.values()
            unit = values.unit or str(image.hdu.header.get("CUNIT1", "")) or _WAVE_UNITS[image.role]
            data = values.values if image.shape == flux_shape else np.ravel(values.values)
            return Values(data, unit, image.where)
    referred = {
        str(hdu.header[key]).upper() for hdu in source.hdus for key in hdu.header if re.fullmatch(r"PS\d_0", key)
    }
    for number, hdu in enumerate(source.hdus):
        columns = None if hdu.name.upper() in referred else getattr(hdu, "columns", None)
        for column in columns or ():
            role = vocabulary.role_of(column.name)
            if role is None or role[0] not in _WAVE_UNITS:
                continue
            data = np.squeeze(np.asarray(hdu.data[column.name]))
            if data.ndim == 1 and data.size in flux_shape:
                where = f"column {column.name!r} of HDU {hdu.name or number}"
                return Values(data, column.unit or _WAVE_UNITS[role[0]], where)
    return None
