"""The scalar truths of a record, their names, units and meaning."""

from __future__ import annotations

import numpy as np

from sfhsim.histories import get_history, vector_sizes
from sfhsim.instrument import get_measurement
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.populations import Populations

SUMMARY = (
    ("total_mass_msun", "Msun", "mass formed"),
    ("mean_log10_age_yr_mass", "dex(yr)", "mass-weighted mean of log10 of lookback time"),
    (
        "mean_log10_age_yr_light",
        "dex(yr)",
        "the same weighted by dust-free stellar light on the spectrum's grid",
    ),
    ("mean_metallicity_mass", "1", "mass-weighted mean Z"),
    ("mean_metallicity_light", "1", "Z weighted by dust-free stellar light on the spectrum's grid"),
    ("a_v_mag", "mag", "attenuation of the stars at 5500 A, both dust components"),
    ("sfr_10myr_msun_yr", "Msun/yr", "mean SFR of the last 10 Myr"),
    ("sfr_100myr_msun_yr", "Msun/yr", "mean SFR of the last 100 Myr"),
    ("n_clipped_metallicity", "1", "SSP age bins whose Z lay outside the library and was clipped"),
    ("history_family", "1", "index of the history family in the recipe"),
)
DUST_LUMINOSITY = ("dust_luminosity_lsun", "Lsun", "energy that dust emits, over all wavelengths")


class Truths:
    """Names and values of the truths of one recipe."""

    def __init__(self, recipe: Recipe, plan: ParameterPlan):
        self._drawn = [name for name in plan.names if name != "total_mass_msun"]
        self._elements, descriptions = [], []
        for index, history in enumerate(recipe.histories):
            meaning = getattr(get_history(history.family), "vector_parameters", {})
            for name, size in vector_sizes(history).items():
                self._elements += [(index, name, k) for k in range(size)]
                element = f"history.{index}.{name.removesuffix('s')}"
                descriptions += [(f"{element}.{k}", "1", meaning[name]) for k in range(size)]
        described = [*SUMMARY]
        described += [(name, _unit(name), "drawn parameter; NaN where the family has none") for name in self._drawn]
        described += descriptions
        self._dust_emits = recipe.dust.emission.is_on
        described += [DUST_LUMINOSITY] if self._dust_emits else []
        measured = [get_measurement(name) for name in recipe.measurements]
        described += [(f"measured.{one.name}", one.unit, one.description) for one in measured]
        self._measured = [f"measured.{one.name}" for one in measured]
        self.entries = [{"name": name, "unit": unit, "description": text} for name, unit, text in described]

    def values(self, draws: Draws, stars: Populations, light: dict[str, np.ndarray]) -> np.ndarray:
        """(n, n_truth) float32; ``light`` holds the summaries that depend on light."""
        mass = draws.values["total_mass_msun"]
        summary = [
            mass,
            stars.mean_log10_age_yr,
            light["mean_log10_age_yr_light"],
            stars.mean_metallicity,
            light["mean_metallicity_light"],
            light["a_v_mag"],
            stars.sfr_10myr * mass,
            stars.sfr_100myr * mass,
            stars.n_clipped,
            draws.family,
        ]
        drawn = [draws.values[name] for name in self._drawn]
        elements = [
            np.where(draws.family == index, draws.vectors[index][name][:, k], np.nan)
            for index, name, k in self._elements
        ]
        emitted = []
        if self._dust_emits:
            emitted = [draws.values["dust.emission.luminosity_factor"] * light["absorbed_lsun"] * mass]
        measured = [light[name] for name in self._measured]
        return np.stack([*summary, *drawn, *elements, *emitted, *measured], axis=1).astype(np.float32)


def _unit(name: str) -> str:
    for ending, unit in (
        ("_gyr", "Gyr"),
        ("_kms", "km/s"),
        ("_msun", "Msun"),
        ("_percent", "%"),
        ("_cm_s", "cm/s"),
        ("log_u", "dex"),
        ("_dex", "dex"),
        ("log10_ssfr_yr", "dex(1/yr)"),
    ):
        if name.endswith(ending):
            return unit
    return "mag" if name.startswith("photometry_error_mag") else "1"
