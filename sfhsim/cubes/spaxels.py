"""Spectra of spaxels: each is a galaxy of the recipe, with the mass, age, metals, dust and motions of its place.

The recipe keeps its library, laws, nebulae and LSF; its distributions become their medians. Flux is that of the
galaxy's distance, redshifted by the spaxel's velocity, without beaming.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from sfhsim.cubes.fits_layout import FLUX_UNIT
from sfhsim.cubes.galaxy import GalaxyMaps
from sfhsim.cubes.model import CubeModel
from sfhsim.cubes.recipe import REFERENCE_MASS_MSUN, SpaxelParameters, cube_recipe, distance_cm
from sfhsim.instrument.lsf import LineSpreadFunction
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.simulator import Simulator


class SpaxelSimulator:
    """Makes the spaxels of a model whose galaxy has these maps.

    Parameters
    ----------
    model : CubeModel
    maps : of its galaxy.
    with_bands : whether batches have the recipe's bands, which change their spectra by rounding: both share a basis.
    library : the recipe's when absent.

    Attributes
    ----------
    recipe, parameters : of all spaxels, row by row; see `cube_recipe`, also for errors.
    distance_cm : luminosity distance of the galaxy.
    """

    def __init__(self, model: CubeModel, maps: GalaxyMaps, with_bands: bool = False, library: SSPLibrary | None = None):
        self.model = model
        self.recipe, self.parameters = cube_recipe(model, maps, with_bands)
        self.simulator = Simulator(self.recipe, library) if library else Simulator.from_recipe(self.recipe)
        self.distance_cm = distance_cm(model.galaxy, self.recipe)

    @property
    def lsf(self) -> LineSpreadFunction:
        """Of the spectrograph."""
        return self.simulator.spectrograph.lsf

    def batch(self, parameters: SpaxelParameters) -> Batch:
        """The simulator's galaxies of `REFERENCE_MASS_MSUN`, at the distances of their redshifts."""
        return self.simulator.simulate(self._draws(parameters))

    def scale(self, parameters: SpaxelParameters) -> np.ndarray:
        """(n,) from spectra of `batch` to those of the spaxels, in `FLUX_UNIT`."""
        nominal_cm = self.simulator.populations.luminosity_distance_cm(self._draws(parameters))
        return parameters.mass_msun / REFERENCE_MASS_MSUN * (nominal_cm / self.distance_cm) ** 2 / FLUX_UNIT

    def _draws(self, parameters: SpaxelParameters) -> Draws:
        draws = self.simulator.plan.draw(np.arange(len(parameters), dtype=np.uint64), 0)
        return dataclasses.replace(draws, values=draws.values | parameters.values)
