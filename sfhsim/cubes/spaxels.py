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

from sfhsim.constants import PC_CM
from sfhsim.cosmology import FlatLCDM
from sfhsim.cubes.galaxy import A_V_OVER_TAU, GalaxyMaps
from sfhsim.cubes.model import CubeModel, Disc
from sfhsim.errors import RecipeError, SfhsimWarning
from sfhsim.instrument.lsf import LineSpreadFunction
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe import Mixture, Recipe, load_recipe, recipe_from_dict, recipe_to_dict
from sfhsim.recipe.distributions import median_of
from sfhsim.recipe.overrides import merged
from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.simulator import Simulator

REFERENCE_MASS_MSUN = 1.0e9  # spectra are made for it, then scaled
FLUX_UNIT = 1.0e-20  # erg/s/cm2/A
_PEAKS_GYR = (-20.0, 13.5)
_HIGHEST_Z = 0.1
_FORMS = ("closed_box", "linear_mass", "constant")


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
        values = {
            "redshift": maps.redshift(self.model.galaxy.redshift),
            "velocity_dispersion_kms": maps.dispersion_kms,
            "dust.screen.tau": maps.screen_a_v_mag / A_V_OVER_TAU,
            "history.burst_mass_fraction": maps.burst_mass_fraction,
            "history.peak_gyr": self._peak_gyr(maps.log10_age_yr),
            "metallicity.z_final": self._z_final(maps.log10_metallicity),
        }
        flat = {name: np.ascontiguousarray(value.ravel()) for name, value in values.items()}
        return SpaxelParameters(flat, maps.mass_msun.ravel())

    def _peak_gyr(self, log10_age_yr: np.ndarray) -> np.ndarray:
        """Peaks of histories without a burst with these mean ages."""
        peak_gyr = np.linspace(*_PEAKS_GYR, 671)
        zero = np.zeros(peak_gyr.size)
        given = self._at_galaxy(peak_gyr.size) | {"history.peak_gyr": peak_gyr, "history.burst_mass_fraction": zero}
        stars = self.simulator.populations.evaluate(self._draws(peak_gyr.size, given))
        shape = f"galaxy.history with period_gyr {self.model.galaxy.history.period_gyr:g}"
        return _inverse(log10_age_yr, stars.mean_log10_age_yr, peak_gyr, "galaxy: log10 of mean ages", shape)

    def _z_final(self, log10_metallicity: np.ndarray) -> np.ndarray:
        """z_final of the recipe's form with these mean Z."""
        lowest = max(self.recipe.metallicity.z_start.bounds()[0], 1e-5)
        z_final = np.geomspace(lowest, _HIGHEST_Z, 400)
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


def distance_cm(disc: Disc, recipe: Recipe) -> float:
    """Luminosity distance of the galaxy."""
    if disc.distance_mpc is not None:
        return disc.distance_mpc * 1e6 * PC_CM
    cosmology = FlatLCDM(recipe.cosmology.h0_kms_mpc, recipe.cosmology.omega_m)
    return float(cosmology.luminosity_distance_cm(np.array(disc.redshift)))


def cube_recipe(model: CubeModel, maps: GalaxyMaps, with_bands: bool = False) -> Recipe:
    """The recipe of which every spaxel is a galaxy.

    Raises
    ------
    RecipeError
        For a mixture, a metallicity form without z_final, or an override that makes no recipe.
    """
    base = load_recipe(model.recipe)
    if isinstance(base, Mixture):
        raise RecipeError(f"recipe {model.recipe}: {base.name} is a mixture of worlds: name the recipe of one of them")
    if base.metallicity.form not in _FORMS:
        raise RecipeError(
            f"recipe {model.recipe}: cubes set z_final, which the metallicity form {base.metallicity.form} has not: "
            f"give an override with `metallicity: {{form: ...}}`, one of {', '.join(_FORMS)}"
        )
    document = merged(recipe_to_dict(base), model.override)
    content = median_of(document)
    galaxy, field = model.galaxy, model.field
    tau = maps.screen_a_v_mag / A_V_OVER_TAU
    content |= {
        "name": model.name,
        "total_mass_msun": REFERENCE_MASS_MSUN,
        "histories": [{"family": "skewed_normal", "parameters": _history(galaxy, maps)}],
        "noise": {"model": "none"},
    }
    content["metallicity"]["z_final"] = _span(content["metallicity"]["z_start"], _HIGHEST_Z)
    if content["metallicity"]["form"] == "constant":
        content["metallicity"]["z_final"] = _span(1e-5, _HIGHEST_Z)
    content["dust"]["screen"]["tau"] = _span(tau.min(), tau.max())
    content["kinematics"] |= {
        "redshift": _span(*_ends(maps.redshift(galaxy.redshift))),
        "velocity_dispersion_kms": _span(*_ends(maps.dispersion_kms)),
    }
    content["spectrum"] |= {"start_aa": field.start_aa, "stop_aa": float(field.wave_aa[-1]), "step_aa": field.step_aa}
    if not with_bands:
        content["photometry"] = {"filters": []}
    return recipe_from_dict(content, f"cube {model.name} of recipe {model.recipe}")


def _history(galaxy: Disc, maps: GalaxyMaps) -> dict:
    return {
        "peak_gyr": _span(*_PEAKS_GYR),
        "period_gyr": galaxy.history.period_gyr,
        "skewness": galaxy.history.skewness,
        "burst_mass_fraction": _span(0.0, float(maps.burst_mass_fraction.max())),
        "burst_age_gyr": galaxy.arms.burst_age_gyr,
        "burst_duration_gyr": galaxy.arms.burst_age_gyr,
    }


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _span(low: float, high: float) -> dict:
    return {"distribution": "uniform", "min": float(low), "max": float(high)}
