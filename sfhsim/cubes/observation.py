"""From the spectra of spaxels to the planes of a cube: stars, PSF and noise."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from sfhsim.cubes.fits_layout import FLUX_UNIT, CubeFile
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.model import CubeModel
from sfhsim.cubes.noise import BAD_PIXEL, NoiseModel
from sfhsim.cubes.psf import add_points, convolve, kernels
from sfhsim.cubes.scratch import Scratch
from sfhsim.cubes.stars import StarField
from sfhsim.generation.progress import Progress
from sfhsim.instrument.lsf import LineSpreadFunction

_PLANES = 32  # at a time


@dataclass(frozen=True)
class Observation:
    """How the planes of a cube are made; ``grid`` has the margins that the PSF needs."""

    model: CubeModel
    grid: Grid
    lsf: LineSpreadFunction
    stars: StarField
    noise: NoiseModel
    seed: int

    def write(self, scratch: Scratch, out: CubeFile, show_progress: bool) -> np.ndarray:
        """All planes into the cube; returns the share (n_y, n_x) of stars in the light."""
        field = self.model.field
        of_stars = self.stars.spectra(field.wave_aa, self.lsf) / FLUX_UNIT
        everything, of_galaxy = np.zeros((2, field.n_y, field.n_x))
        edges = [*range(0, field.wave_aa.size, _PLANES), field.wave_aa.size]
        with Progress(show_progress, "planes") as progress:
            progress.begin(field.wave_aa.size)
            for first, last in itertools.pairwise(edges):
                kernel = kernels(self.model.psf, field, field.wave_aa[first:last], self.grid.margin)
                flux = convolve(scratch.planes(first, last), kernel)
                of_galaxy += flux.sum(axis=0)
                add_points(flux, kernel, self.stars.y, self.stars.x, of_stars[:, first:last])
                everything += flux.sum(axis=0)
                self._write_planes(out, first, flux)
                progress.advance(last - first)
        return np.clip(1.0 - of_galaxy / np.maximum(everything, np.finfo(np.float64).tiny), 0.0, 1.0)

    def _write_planes(self, out: CubeFile, first: int, flux: np.ndarray) -> None:
        variance = self.noise.variance(flux, first)
        bad = np.zeros(flux.shape, dtype=bool)
        if self.model.noise.add:
            flux = flux + np.sqrt(variance) * self.noise.deviates(self.seed, first, flux.shape)
            bad = self.noise.bad_pixels(self.seed, first, flux.shape)
        out.write("DATA", first, np.where(bad, np.nan, flux))
        out.write("STAT", first, np.where(bad, np.nan, variance))
        out.write("DQ", first, np.where(bad, BAD_PIXEL, 0))
