"""Spectra of spaxels: each is a galaxy of the recipe, with the mass, age, metals, dust and motions of its place.

The recipe keeps its library, laws, nebulae and LSF; its distributions become their medians. History and metallicity of
a spaxel follow from the mean age and the mean Z asked for: the peak of the history and z_final are looked up in tables
of what they give. Flux is that of the galaxy's distance, redshifted by the spaxel's velocity, without beaming.
"""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass

import numpy as np

from sfhsim.cubes.galaxy import GalaxyMaps
from sfhsim.cubes.model import CubeModel
from sfhsim.cubes.recipe import (
    HIGHEST_Z,
    LOWEST_Z,
    PEAKS_GYR,
    REFERENCE_MASS_MSUN,
    cube_recipe,
    distance_cm,
    screen_tau,
)
from sfhsim.errors import RecipeError, SfhsimWarning
from sfhsim.instrument.lsf import LineSpreadFunction
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.simulator import Simulator

FLUX_UNIT = 1.0e-20  # erg/s/cm2/A


@dataclass(frozen=True)
class SpaxelParameters:
    """Drawn parameters of spaxels that differ from one to the next, (n,) each, by name, and masses in Msun."""

    values: dict[str, np.ndarray]
    mass_msun: np.ndarray

    def __getitem__(self, rows: slice) -> SpaxelParameters:
        return SpaxelParameters({name: value[rows] for name, value in self.values.items()}, self.mass_msun[rows])

    def __len__(self) -> int:
        return self.mass_msun.size


class SpaxelSimulator:
    """Makes the spaxels of a model whose galaxy has these maps.

    Parameters
    ----------
    model : CubeModel
    maps : of its galaxy.
    with_bands : whether batches have the recipe's bands.
    library : the recipe's when absent.

    Raises
    ------
    RecipeError
        For a recipe that cubes cannot be made of, or a mean age or Z that its forms cannot have.
    """

    def __init__(self, model: CubeModel, maps: GalaxyMaps, with_bands: bool = False, library: SSPLibrary | None = None):
        self.model = model
        self.recipe = cube_recipe(model, maps, with_bands)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SfhsimWarning)  # they are of the recipe, whose commands tell them
            self.simulator = Simulator(self.recipe, library) if library else Simulator.from_recipe(self.recipe)
        self.distance_cm = distance_cm(model.galaxy, self.recipe)
        self.parameters = self._parameters(maps)

    @property
    def lsf(self) -> LineSpreadFunction:
        """Of the spectrograph."""
        return self.simulator.spectrograph.lsf

    def batch(self, parameters: SpaxelParameters) -> Batch:
        """The simulator's galaxies of `REFERENCE_MASS_MSUN`, at the distances of their redshifts."""
        return self.simulator.simulate(self._draws(len(parameters), parameters.values))

    def scale(self, parameters: SpaxelParameters) -> np.ndarray:
        """(n,) from spectra of `batch` to those of the spaxels, in `FLUX_UNIT`."""
        nominal_cm = self.simulator.populations.luminosity_distance_cm(self._draws(len(parameters), parameters.values))
        return parameters.mass_msun / REFERENCE_MASS_MSUN * (nominal_cm / self.distance_cm) ** 2 / FLUX_UNIT

    def _draws(self, n: int, values: dict[str, np.ndarray]) -> Draws:
        draws = self.simulator.plan.draw(np.arange(n, dtype=np.uint64), 0)
        return dataclasses.replace(draws, values=draws.values | values)

    def _parameters(self, maps: GalaxyMaps) -> SpaxelParameters:
        screen = self.recipe.dust.screen
        of_law = {name: value.bounds()[0] for name, value in screen.parameters.items()}
        values = {
            "redshift": maps.redshift(self.model.galaxy.redshift),
            "velocity_dispersion_kms": maps.dispersion_kms,
            "dust.screen.tau": screen_tau(maps.screen_a_v_mag, screen.law, of_law),
            "history.burst_mass_fraction": maps.burst_mass_fraction,
            "history.peak_gyr": self._peak_gyr(maps.log10_age_yr),
            "metallicity.z_final": self._z_final(maps.log10_metallicity),
        }
        flat = {name: np.ascontiguousarray(value.ravel()) for name, value in values.items()}
        return SpaxelParameters(flat, maps.mass_msun.ravel())

    def _peak_gyr(self, log10_age_yr: np.ndarray) -> np.ndarray:
        """Peaks of histories without a burst with these mean ages."""
        peak_gyr = np.linspace(*PEAKS_GYR, 671)
        zero = np.zeros(peak_gyr.size)
        given = self._at_galaxy(peak_gyr.size) | {"history.peak_gyr": peak_gyr, "history.burst_mass_fraction": zero}
        stars = self.simulator.populations.evaluate(self._draws(peak_gyr.size, given))
        shape = f"galaxy.history with period_gyr {self.model.galaxy.history.period_gyr:g}"
        return _inverse(log10_age_yr, stars.mean_log10_age_yr, peak_gyr, "galaxy: log10 of mean ages", shape)

    def _z_final(self, log10_metallicity: np.ndarray) -> np.ndarray:
        """z_final of the recipe's form with these mean Z."""
        lowest = max(self.recipe.metallicity.z_start.bounds()[0], LOWEST_Z)
        z_final = np.geomspace(lowest, HIGHEST_Z, 400)
        stars = self.simulator.populations.evaluate(
            self._draws(z_final.size, self._at_galaxy(z_final.size) | {"metallicity.z_final": z_final})
        )
        form = f"metallicity of form {self.recipe.metallicity.form}"
        return _inverse(log10_metallicity, np.log10(stars.mean_metallicity), z_final, "galaxy: log10 of mean Z", form)

    def _at_galaxy(self, n: int) -> dict[str, np.ndarray]:
        return {"redshift": np.full(n, self.model.galaxy.redshift)}


def _inverse(wanted: np.ndarray, given: np.ndarray, parameter: np.ndarray, what: str, where: str) -> np.ndarray:
    """The parameter (k,) that gives ``wanted``, of values ``given`` (k,) that rise with it."""
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(given)) > 1e-9])
    given, parameter = given[rising], parameter[rising]
    low, high = float(wanted.min()), float(wanted.max())
    if low < given[0] or high > given[-1]:
        raise RecipeError(
            f"{what} run from {low:.3f} to {high:.3f}, but {where} can have {given[0]:.3f} to {given[-1]:.3f}: "
            "change the gradients, the bulge, or that"
        )
    return np.interp(wanted, given, parameter)
