"""The recipe of a cube: that of the description, with medians for distributions and the ranges of its spaxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.constants import LN10, PC_CM, UNIVERSE_AGE_YR
from sfhsim.cosmology import FlatLCDM
from sfhsim.cubes.galaxy import GalaxyMaps
from sfhsim.cubes.inversion import FORMS, peaks_gyr, z_finals
from sfhsim.cubes.model import CubeModel, Disc
from sfhsim.dust import get_dust_law
from sfhsim.dust.base import PIVOT_AA
from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import resolve
from sfhsim.recipe import Mixture, Recipe, load_recipe, recipe_to_dict
from sfhsim.recipe.distributions import median_of
from sfhsim.recipe.documents import single_recipe
from sfhsim.recipe.overrides import merged

REFERENCE_MASS_MSUN = 1.0e9  # spectra are made for it, then scaled
# keys of recipes that cubes set, and by what
_SET = {
    "total_mass_msun": "galaxy.total_mass_msun",
    "histories": "galaxy.log10_age_yr and galaxy.history",
    "metallicity.z_final": "galaxy.log10_metallicity",
    "dust.screen.tau": "galaxy.screen_a_v_mag",
    "kinematics.redshift": "galaxy.redshift",
    "kinematics.velocity_dispersion_kms": "galaxy.kinematics",
    "spectrum.start_aa": "field.start_aa",
    "spectrum.stop_aa": "field.stop_aa",
    "spectrum.step_aa": "field.step_aa",
    "noise": "noise",
}


@dataclass(frozen=True)
class SpaxelParameters:
    """Parameters of spaxels that differ from one to the next, (n,) each, by name, and masses in Msun."""

    values: dict[str, np.ndarray]
    mass_msun: np.ndarray

    def __getitem__(self, rows: slice) -> SpaxelParameters:
        return SpaxelParameters({name: value[rows] for name, value in self.values.items()}, self.mass_msun[rows])

    def __len__(self) -> int:
        return self.mass_msun.size


def cube_recipe(model: CubeModel, maps: GalaxyMaps, with_bands: bool = False) -> tuple[Recipe, SpaxelParameters]:
    """The recipe of which every spaxel is a galaxy, and the parameters of each.

    Raises
    ------
    RecipeError
        For a mixture, a metallicity form without z_final, an override that makes no recipe or is of what cubes set, or
        a mean age or Z that no history has.
    """
    _check_override(model.override)
    base = load_recipe(model.recipe)
    if isinstance(base, Mixture):
        raise RecipeError(f"recipe {model.recipe}: {base.name} is a mixture of worlds: name the recipe of one of them")
    origin = f"cube {model.name} of recipe {model.recipe}"
    content = median_of(merged(recipe_to_dict(base), model.override))
    plain = single_recipe(content, origin)  # what is wrong in an override is said of it alone
    if plain.metallicity.form not in FORMS:
        raise RecipeError(
            f"recipe {model.recipe}: cubes set z_final, which the metallicity form {plain.metallicity.form} has not: "
            f"name a recipe with one of {', '.join(FORMS)}"
        )
    values = _values(model.galaxy, plain, maps)
    spans = {name: _span(value) for name, value in values.items()}
    field = model.field
    content |= {
        "name": model.name,
        "total_mass_msun": REFERENCE_MASS_MSUN,
        "histories": [{"family": "skewed_normal", "parameters": _history(model.galaxy, spans)}],
        "noise": {"model": "none"},
    }
    content["metallicity"]["z_final"] = spans["metallicity.z_final"]
    content["dust"]["screen"]["tau"] = spans["dust.screen.tau"]
    for name in ("redshift", "velocity_dispersion_kms"):
        content["kinematics"][name] = spans[name]
    content["spectrum"] |= {"start_aa": field.start_aa, "stop_aa": float(field.wave_aa[-1]), "step_aa": field.step_aa}
    if not with_bands:
        content["photometry"] = {"filters": []}
    return single_recipe(content, origin), SpaxelParameters(values, maps.mass_msun.ravel())


def _values(galaxy: Disc, recipe: Recipe, maps: GalaxyMaps) -> dict[str, np.ndarray]:
    """Parameters (n,) of all spaxels that draws have under these names."""
    cosmology = FlatLCDM(recipe.cosmology.h0_kms_mpc, recipe.cosmology.omega_m)
    age_max_yr = UNIVERSE_AGE_YR - float(cosmology.lookback_time_yr(np.array(galaxy.redshift)))
    form = recipe.metallicity.form
    names = {"closed_box": ("z_start", "yield"), "linear_mass": ("z_start",), "constant": ()}[form]
    given = {name: getattr(recipe.metallicity, name.replace("yield", "yield_")).bounds()[0] for name in names}
    values = {
        "redshift": maps.redshift(galaxy.redshift),
        "velocity_dispersion_kms": maps.dispersion_kms,
        "dust.screen.tau": _screen_tau(maps.screen_a_v_mag, recipe),
        "history.burst_mass_fraction": maps.burst_mass_fraction,
        "history.peak_gyr": peaks_gyr(maps.log10_age_yr, galaxy.history, age_max_yr),
        "metallicity.z_final": z_finals(maps.log10_metallicity, form, given),
    }
    return {name: np.ascontiguousarray(value.ravel()) for name, value in values.items()}


def _screen_tau(a_v_mag: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Optical depth of the screen that attenuates by ``a_v_mag`` at 5500 A, where its curve need not be 1."""
    screen = recipe.dust.screen
    law, given = get_dust_law(screen.law), {name: value.bounds()[0] for name, value in screen.parameters.items()}
    curve = law.curve(np.array([PIVOT_AA]), resolve(law.parameters, given, f"dust.screen: {screen.law}", 1))
    return a_v_mag * (0.4 * LN10 / float(curve[0, 0]))


def _history(galaxy: Disc, spans: dict[str, dict]) -> dict:
    return {
        "peak_gyr": spans["history.peak_gyr"],
        "period_gyr": galaxy.history.period_gyr,
        "skewness": galaxy.history.skewness,
        "burst_mass_fraction": spans["history.burst_mass_fraction"],
        "burst_age_gyr": galaxy.arms.burst_age_gyr,
        "burst_duration_gyr": galaxy.arms.burst_age_gyr,
    }


def _check_override(override: dict) -> None:
    for key, by in _SET.items():
        *sections, last = key.split(".")
        place: object = override
        for section in sections:
            place = place.get(section) if isinstance(place, dict) else None
        if isinstance(place, dict) and last in place:
            raise RecipeError(f"override.{key}: it follows from {by} of the description of the cube: set that")


def _span(values: np.ndarray) -> dict:
    return {"distribution": "uniform", "min": float(values.min()), "max": float(values.max())}


def distance_cm(disc: Disc, recipe: Recipe) -> float:
    """Luminosity distance of the galaxy."""
    if disc.distance_mpc is not None:
        return disc.distance_mpc * 1e6 * PC_CM
    cosmology = FlatLCDM(recipe.cosmology.h0_kms_mpc, recipe.cosmology.omega_m)
    return float(cosmology.luminosity_distance_cm(np.array(disc.redshift)))
