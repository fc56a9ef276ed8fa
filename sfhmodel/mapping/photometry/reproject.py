"""Images on the spaxels of a cube, conserving flux, by the package reproject (spherical polygons: exact overlaps)."""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import ConfigError, InputError
from sfhmodel.mapping.photometry.images import BandImage
from sfhmodel.mapping.sky_frame import SkyFrame

_EDGE = 4  # pixels of an image around the cube that are kept


def on_spaxels(image: BandImage, frame: SkyFrame, shape: tuple[int, int], where: str) -> BandImage:
    """Maggies per spaxel (n_y, n_x), NaN where the image does not cover a spaxel.

    Raises
    ------
    InputError
        Without coordinates of both, shapes that differ; no overlap.
    ConfigError
        The package is not installed.
    """
    if image.wcs is None or frame.wcs is None:
        if image.flux.shape != shape:
            missing = "the image" if image.wcs is None else "the cube"
            raise InputError(
                f"{where}: {missing} has no celestial coordinates, and the image has {image.flux.shape[1]} x "
                f"{image.flux.shape[0]} pixels, the cube {shape[1]} x {shape[0]}"
            )
        return image
    try:
        from reproject import reproject_exact
    except ImportError:
        raise ConfigError("images need reproject: pip install 'sfhsim[maps]'") from None
    image = _around(image, frame, shape, where)
    assert image.pixel_sr is not None
    assert frame.pixel_sr is not None
    ratio = frame.pixel_sr / image.pixel_sr

    def moved(values: np.ndarray) -> np.ndarray:
        """Means over spaxels; where less than all of one is covered, NaN."""
        mean, footprint = reproject_exact((values, image.wcs), frame.wcs, shape_out=shape)
        return np.where(footprint > 0.99, mean, np.nan)

    flux = moved(image.flux) * ratio
    if image.error is None:
        return BandImage(flux, None, frame.wcs, frame.pixel_sr)
    # variances of pixels add up; a spaxel smaller than a pixel gets its share, and sums over spaxels are right again
    variance = moved(np.square(image.error)) * ratio
    return BandImage(flux, np.sqrt(np.maximum(variance, 0.0)), frame.wcs, frame.pixel_sr)


def _around(image: BandImage, frame: SkyFrame, shape: tuple[int, int], where: str) -> BandImage:
    """The part of an image that the cube is on."""
    y = np.array([-0.5, -0.5, shape[0] - 0.5, shape[0] - 0.5])
    x = np.array([-0.5, shape[1] - 0.5, -0.5, shape[1] - 0.5])
    sky = frame.wcs.pixel_to_world(x, y)
    column, row = image.wcs.world_to_pixel(sky)
    if not (np.isfinite(column).all() and np.isfinite(row).all()):
        raise InputError(f"{where}: the image is on another part of the sky than the cube")
    limits = []
    for places, n in ((row, image.flux.shape[0]), (column, image.flux.shape[1])):
        low, high = int(np.floor(places.min())) - _EDGE, int(np.ceil(places.max())) + _EDGE + 1
        limits.append(slice(max(low, 0), min(high, n)))
        if limits[-1].start >= limits[-1].stop:
            raise InputError(f"{where}: the image does not overlap with the cube")
    return image.cut(*limits)
