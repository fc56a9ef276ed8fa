"""Magnitudes of bins from images on the cube's spaxels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError
from sfhmodel.inference.magnitudes import find_band
from sfhmodel.mapping.binning import BinMap
from sfhmodel.mapping.extinction import attenuation_mag
from sfhmodel.mapping.options import MapOptions
from sfhmodel.mapping.photometry.images import read_band_image
from sfhmodel.mapping.photometry.reproject import on_spaxels
from sfhmodel.mapping.sky_frame import SkyFrame
from sfhmodel.mapping.survey import Survey

_LEAST_SHARE = 0.5  # of a bin's light that an image has to cover
_FLOOR_MAG = 0.02  # no calibration of colours is better, nor was any that the model learnt from


@dataclass(frozen=True, eq=False)
class BinMagnitudes:
    """AB magnitudes of bins in the bands of a model.

    Attributes
    ----------
    magnitudes : (n_bin, n_band) float32, NaN where there is none.
    errors : (n_bin, n_band) float32, NaN where unknown.
    """

    magnitudes: np.ndarray
    errors: np.ndarray


def magnitudes_of_bins(
    options: MapOptions,
    description: ModelDescription,
    bin_map: BinMap,
    survey: Survey,
    frame: SkyFrame,
    ebv_mag: np.ndarray | None,
) -> BinMagnitudes:
    """Of the images that the user names.

    Parameters
    ----------
    ebv_mag : (n_bin,) foreground E(B-V), taken out; or None.

    Raises
    ------
    InputError
        A band that the model does not know; see `read_band_image` and `on_spaxels`.
    """
    bands = description.band_names
    errors = {find_band(band, bands): Path(path).expanduser() for band, path in options.image_errors.items()}
    shape = bin_map.n_bin, len(bands)
    mags, sigmas = np.full(shape, np.nan), np.full(shape, np.nan)
    seen: dict[int, str] = {}
    for band, path in options.images.items():
        k = find_band(band, bands)
        if k in seen:
            raise InputError(f"{seen[k]!r} and {band!r} are the same band {bands[k]}: give one image")
        seen[k] = band
        pivot_aa = float(description.bands[k]["pivot_wave_aa"])
        image = read_band_image(Path(path).expanduser(), pivot_aa, errors.get(k))
        image = on_spaxels(image, frame, bin_map.bin_id.shape, str(path))
        mags[:, k], sigmas[:, k] = _of_band(image.flux, image.error, bin_map, survey)
        if ebv_mag is not None:
            mags[:, k] -= attenuation_mag(options.extinction_curve, np.array([pivot_aa]))[0] * ebv_mag
    if extra := set(errors) - set(seen):
        raise InputError(f"errors are given for {bands[min(extra)]}, but no image (--image)")
    return BinMagnitudes(mags.astype(np.float32), sigmas.astype(np.float32))


def _of_band(flux: np.ndarray, error: np.ndarray | None, bin_map: BinMap, survey: Survey):
    """Magnitudes and errors (n_bin,); what an image does not cover of a bin is as the rest of it."""
    covered = np.isfinite(flux)
    share = bin_map.sum(np.where(covered, survey.brightness, 0.0)) / bin_map.sum(survey.brightness)
    total = bin_map.sum(np.where(covered, flux, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        good = (share >= _LEAST_SHARE) & (total > 0.0)
        magnitude = np.where(good, -2.5 * np.log10(total / share), np.nan)
        if error is None:
            return magnitude, np.full(total.shape, np.nan)
        variance = bin_map.sum(np.where(covered & np.isfinite(error), np.square(error), 0.0))
        sigma = 2.5 / np.log(10.0) * np.sqrt(variance) / total
    return magnitude, np.where(good, np.hypot(sigma, _FLOOR_MAG), np.nan)
