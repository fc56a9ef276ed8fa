"""Images in the recipe's bands on the grid of a cube, through the same PSF, with errors of the recipe's magnitudes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
from astropy.io import fits

from sfhsim.constants import AB_ZERO_POINT, C_AA_S
from sfhsim.cubes.fits_layout import FLUX, FLUX_UNIT, celestial_cards
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.model import CubeModel
from sfhsim.cubes.noise import band_deviates
from sfhsim.cubes.psf import add_points, convolve, kernels
from sfhsim.cubes.spaxels import SpaxelSimulator
from sfhsim.cubes.stars import StarField
from sfhsim.errors import DatasetError
from sfhsim.files import exists, named_errors, whole_file
from sfhsim.instrument.filters import Filter
from sfhsim.instrument.noise import MAG_PER_RELATIVE_FLUX


class BandImages:
    """Collects the bands of spaxels, row by row, and makes images of them."""

    def __init__(self, simulator: SpaxelSimulator, grid: Grid, folder: Path, name: str):
        self.bands: list[Filter] = list(simulator.simulator.photometer.filters)
        self.paths = {band.name: _image_path(folder, name, band.name) for band in self.bands}
        self._pivot_aa = np.array([band.pivot_wave_aa for band in self.bands])
        values = simulator.simulator.plan.draw(np.zeros(1, dtype=np.uint64), 0).values
        self._error_mag = [float(values[f"photometry_error_mag.{band.name}"][0]) for band in self.bands]
        self._grid = grid
        self._flux = np.empty((len(self.bands), int(np.prod(grid.shape))))

    def add(self, rows: slice, magnitudes: np.ndarray, scale: np.ndarray) -> None:
        """Magnitudes (n, n_band) of spaxels ``rows``, and the factors (n,) that bring their flux to `FLUX_UNIT`."""
        density = 10 ** (-0.4 * (magnitudes - AB_ZERO_POINT)) * C_AA_S / self._pivot_aa**2
        self._flux[:, rows] = density.T * scale

    def write(self, model: CubeModel, stars: StarField, seed: int, stack: contextlib.ExitStack) -> tuple[Path, ...]:
        """Write an image and its error for each band, each a `whole_file` of ``stack``; returns their paths.

        Bands beyond the library, which a recipe may allow, are left out.
        """
        written = []
        for k, band in enumerate(self.bands):
            plane = self._flux[k].reshape(self._grid.shape)
            if not np.isfinite(plane).all():
                continue
            kernel = kernels(model.psf, model.field, self._pivot_aa[k : k + 1], self._grid.margin)
            seen = convolve(plane[None], kernel)
            add_points(seen, kernel, stars.y, stars.x, stars.band_fluxes(band)[:, None] / FLUX_UNIT)
            image = seen[0]
            error = np.maximum(image, 0.0) * self._error_mag[k] / MAG_PER_RELATIVE_FLUX
            if model.noise.add:
                image = image + error * band_deviates(seed, k, image.shape)
            path = self.paths[band.name]
            with named_errors(path, DatasetError):
                self._hdus(model, band, image, error).writeto(stack.enter_context(whole_file(path)))
            written.append(path)
        return tuple(written)

    def _hdus(self, model: CubeModel, band: Filter, image: np.ndarray, error: np.ndarray) -> fits.HDUList:
        zero_point = AB_ZERO_POINT - 2.5 * np.log10(FLUX_UNIT * band.pivot_wave_aa**2 / C_AA_S)
        about = [
            ("OBJECT", model.name, ""),
            ("FILTER", band.name, ""),
            ("BUNIT", FLUX, "mean flux density"),
            ("PHOTPLAM", band.pivot_wave_aa, "[Angstrom] pivot wavelength"),
            ("ABZP", zero_point, "AB magnitude = ABZP - 2.5 log10(value)"),
        ]
        cards = [*about, *celestial_cards(model.field)]
        return fits.HDUList(
            [
                fits.PrimaryHDU(image.astype(np.float32), fits.Header(cards)),
                fits.ImageHDU(error.astype(np.float32), fits.Header(cards), name="ERROR"),
            ]
        )


def _image_path(folder: Path, name: str, band: str) -> Path:
    """Of a band's image; of a filter that is a file, its name alone counts."""
    known = Path(band).stem if exists(Path(band)) else band.replace("/", "_")
    return folder / f"{name}_{known}.fits"
