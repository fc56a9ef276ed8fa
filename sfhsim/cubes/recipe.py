"""The recipe of a cube: that of the description, with medians for distributions and the ranges of its spaxels."""

from __future__ import annotations

import numpy as np

from sfhsim.constants import LN10, PC_CM
from sfhsim.cosmology import FlatLCDM
from sfhsim.cubes.galaxy import GalaxyMaps
from sfhsim.cubes.model import CubeModel, Disc
from sfhsim.dust import get_dust_law
from sfhsim.dust.base import PIVOT_AA
from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import resolve
from sfhsim.recipe import Mixture, Recipe, load_recipe, recipe_from_dict, recipe_to_dict
from sfhsim.recipe.distributions import median_of
from sfhsim.recipe.overrides import merged

REFERENCE_MASS_MSUN = 1.0e9  # spectra are made for it, then scaled
PEAKS_GYR = (-20.0, 13.5)
LOWEST_Z, HIGHEST_Z = 1.0e-5, 0.1
_FORMS = ("closed_box", "linear_mass", "constant")


def screen_tau(a_v_mag: np.ndarray, law: str, parameters: dict[str, float]) -> np.ndarray:
    """Optical depth of a screen that attenuates by ``a_v_mag`` magnitudes at 5500 A, where its curve need not be 1."""
    family = get_dust_law(law)
    curve = family.curve(np.array([PIVOT_AA]), resolve(family.parameters, parameters, f"dust.screen: {law}", 1))
    return a_v_mag * (0.4 * LN10 / float(curve[0, 0]))


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
    content = median_of(merged(recipe_to_dict(base), model.override))
    galaxy, field = model.galaxy, model.field
    screen = content["dust"]["screen"]
    tau = screen_tau(maps.screen_a_v_mag, screen["law"], screen["parameters"])
    content |= {
        "name": model.name,
        "total_mass_msun": REFERENCE_MASS_MSUN,
        "histories": [{"family": "skewed_normal", "parameters": _history(galaxy, maps)}],
        "noise": {"model": "none"},
    }
    content["metallicity"]["z_final"] = _span(content["metallicity"]["z_start"], HIGHEST_Z)
    if content["metallicity"]["form"] == "constant":
        content["metallicity"]["z_final"] = _span(LOWEST_Z, HIGHEST_Z)
    screen["tau"] = _span(*_ends(tau))
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
        "peak_gyr": _span(*PEAKS_GYR),
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
