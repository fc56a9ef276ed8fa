"""FITS images of spectra: one (IRAF, SAURON, linetools, pyCASSO), or a row each (CALIFA RSS, IRAF, stacks).

Wavelengths from the header or an HDU of their own; errors and masks from HDUs, or from rows that the header names
(IRAF's BANDID, SDSS' ARRAY and ROW cards).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sfhmodel.spectra import fits_images, vocabulary
from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.columns import UnclearLayoutError
from sfhmodel.spectra.fits_axis import Axis, has_bands, spectral_axis
from sfhmodel.spectra.multispec import is_multispec, multispec_wavelengths
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile, plain_name

DESCRIPTION = "FITS image of one spectrum or a row each, wavelengths in the header or an HDU; errors and masks in HDUs"

_ROW_CARDS = ("BANDID", "ARRAY", "ROW", "PLANE")


def recognises(source: SourceFile) -> bool:
    """A FITS file whose flux is an image of one or two axes, or of IRAF's bands."""
    flux = fits_images.flux_image(fits_images.images_of(source)) if source.kind == "fits" else None
    return flux is not None and (len(fits_images.long_axes(flux.shape)) in (1, 2) or has_bands(flux.hdu.header))


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """The spectrum or spectra of the flux image."""
    found = fits_images.images_of(source)
    flux = fits_images.flux_image(found)
    if flux is None or (len(fits_images.long_axes(flux.shape)) not in (1, 2) and not has_bands(flux.hdu.header)):
        raise UnclearLayoutError("there is no image of one spectrum, or of rows of spectra, in it")
    fluxes = fits_images.same_named(found, flux)
    fits_images.say_unused(found, flux, source.notes)
    if len(fluxes) == 1:
        return _spectra_of(flux, found, source, options)
    source.notes.append(f"{len(fluxes)} images called {flux.hdu.name}")
    spectra = []
    for one in fluxes:
        spectra += _spectra_of(one, fits_images.belonging_to(one, found), source, options)
    return [replace(one, name=f"{plain_name(source.path)}-{k + 1}") for k, one in enumerate(spectra)]


def _spectra_of(flux: fits_images.Image, found: list[fits_images.Image], source: SourceFile, options: ReadOptions):
    """The spectrum or spectra of one image."""
    planes = _planes(flux)
    axis = _axis(source, found, flux, planes)
    data, error, mask = flux.values(), None, None
    if planes:
        cube = np.asarray(data.values)
        data = Values(cube[planes["flux"]], data.unit, f"{flux.where}, row {planes['flux'] + 1}")
        for role in ("error", "variance", "inverse_variance"):
            if role in planes:
                error = Values(
                    cube[planes[role]], data.unit if role == "error" else "", f"row {planes[role] + 1}", role
                )
        if "mask" in planes:
            mask = Values(cube[planes["mask"]], "", f"row {planes['mask'] + 1}", "ignore")
    else:
        error, mask = fits_images.error_values(found, flux), fits_images.mask_values(found, flux, axis.index)
    raw = RawSpectra(
        axis.wave,
        *(_rows(values, flux.shape, axis, bool(planes)) for values in (data, error, mask)),
        medium=axis.medium,
    )
    if raw.flux.values.ndim == 2 and raw.flux.values.shape[0] > 1:
        source.notes.append(f"{raw.flux.values.shape[0]} rows of {flux.where}, each taken to be a spectrum")
    return observed_spectra(raw, source, options)


def _axis(source: SourceFile, found: list[fits_images.Image], flux: fits_images.Image, planes: dict[str, int]) -> Axis:
    """Wavelengths of a row, of an HDU, of IRAF's multispec, or of the header."""
    if "wave" in planes:
        row = np.asarray(flux.hdu.data)[planes["wave"]]
        return Axis(len(flux.shape) - 1, Values(row, "", f"{flux.where}, row {planes['wave'] + 1}"))
    if (wave := fits_images.wavelength_values(source, found, flux.shape)) is not None:
        n = wave.values.shape[-1]
        index = max(k for k, length in enumerate(flux.shape) if length == n)
        return Axis(index, wave, vocabulary.medium_of(wave.where))
    header = flux.hdu.header
    if is_multispec(header):
        shape = flux.shape
        rows = multispec_wavelengths(header, shape[-2] if len(shape) > 1 else 1, shape[-1])
        unit = re.search(r"units=(\w+)", str(header.get("WAT1_001", "")))
        return Axis(len(shape) - 1, Values(rows if len(rows) > 1 else rows[0], unit[1] if unit else "", flux.where))
    return spectral_axis(flux.hdu, source.hdus, flux.where)


def _rows(values: Values | None, shape: tuple[int, ...], axis: Axis, is_plane: bool) -> Values | None:
    """With the spectral axis last and no axes of one element."""
    if values is None:
        return None
    data = np.asarray(values.values)
    if not is_plane and data.shape == shape:
        data = np.moveaxis(data, axis.index, -1)
    data = data.reshape(-1, data.shape[-1]) if data.ndim != 1 else data
    return Values(data[0] if data.ndim == 2 and len(data) == 1 else data, values.unit, values.where, values.kind)


def _planes(flux: fits_images.Image) -> dict[str, int]:
    """{role: number} of the rows (or bands) that the header names, if it names a flux among them."""
    header, roles = flux.hdu.header, {}
    for card in _ROW_CARDS:
        for k in range(flux.shape[0] if len(flux.shape) > 1 else 0):
            words = re.split(r"\s*-\s*", str(header.get(f"{card}{k + 1}", "")), maxsplit=1)[0]
            role = vocabulary.role_of(words)
            if role is not None and role[0] not in roles:
                roles[role[0]] = k
    return roles if "flux" in roles and (len(roles) > 1 or has_bands(flux.hdu.header)) else {}
