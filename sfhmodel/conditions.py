"""Under which conditions a model was trained: what the recipe of its data draws, resolved once, in numbers.

Of a recipe of several worlds, the conditions are those of all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

Range = tuple[float, float]

_ANY: Range = (0.0, np.inf)
_TAU_TO_MAG = 2.5 * np.log10(np.e)
_BUMP_AT_5500 = 0.0103  # of the 2175 A feature of strength 1, relative to the optical depth at 5500 A
_KNOWN_LAWS = ("power_law", "power_law_bump", "calzetti")
_KNOWN_FORMS = ("closed_box", "linear_mass", "constant")


@dataclass(frozen=True)
class TrainingConditions:
    """Smallest and largest values of what the training data were made of.

    Attributes
    ----------
    redshift_range : of the spectra; equal when all have the same. 0 where the recipe does not say.
    velocity_dispersion_range_kms : of the stars; None where the recipe does not say.
    lsf : name and options of the line-spread function, as in the recipe; None when unknown, or not the same for all.
    metallicity_range : Z of the stars; (0, inf) where the recipe does not say.
    a_v_range_mag : attenuation of the stars, none to birth clouds and screen at their thickest; (0, inf) where the
        dust law is of one's own.
    cosmology : ``h0_kms_mpc`` and ``omega_m``, where the recipe says so.
    """

    redshift_range: Range = (0.0, 0.0)
    velocity_dispersion_range_kms: Range | None = None
    lsf: dict[str, Any] | None = None
    metallicity_range: Range = _ANY
    a_v_range_mag: Range = _ANY
    cosmology: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of_recipe(cls, recipe: Mapping) -> TrainingConditions:
        """Of a recipe as plain data, as in a manifest; of none, nothing is known."""
        if worlds := recipe.get("worlds"):
            return _together([cls.of_recipe(world["recipe"]) for world in worlds])
        kinematics, cosmology = recipe.get("kinematics") or {}, recipe.get("cosmology") or {}
        dispersion = kinematics.get("velocity_dispersion_kms")
        return cls(
            redshift_range=bounds(kinematics.get("redshift", 0.0)),
            velocity_dispersion_range_kms=None if dispersion is None else bounds(dispersion),
            lsf=(recipe.get("spectrum") or {}).get("lsf"),
            metallicity_range=_metallicity_range(recipe.get("metallicity") or {}),
            a_v_range_mag=_a_v_range_mag(recipe.get("dust") or {}),
            cosmology={
                key: float(cosmology[key])
                for key in ("h0_kms_mpc", "omega_m")
                if isinstance(cosmology.get(key), int | float)
            },
        )

    @property
    def redshift(self) -> float | None:
        """Of all training spectra, where they have the same."""
        low, high = self.redshift_range
        return low if low == high else None

    def to_dict(self) -> dict[str, Any]:
        """Of plain values, for JSON: None in place of an infinite limit."""
        return {
            name: [float(v) if np.isfinite(v) else None for v in value] if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def bounds(parameter) -> Range:
    """Smallest and largest value of a parameter of a recipe: a number or a distribution."""
    if not isinstance(parameter, dict):
        return float(parameter), float(parameter)
    if "value" in parameter:
        return float(parameter["value"]), float(parameter["value"])
    if "values" in parameter:
        return float(min(parameter["values"])), float(max(parameter["values"]))
    low, high = parameter.get("min"), parameter.get("max")
    return -np.inf if low is None else float(low), np.inf if high is None else float(high)


def _metallicity_range(section: Mapping) -> Range:
    if section.get("form") not in _KNOWN_FORMS:
        return _ANY
    ends = [bounds(section[key]) for key in ("z_start", "z_final") if section.get(key) is not None]
    if section["form"] == "constant":
        ends = ends[-1:]
    if not ends:
        return _ANY
    return max(min(low for low, _ in ends), 0.0), max(high for _, high in ends)


def _a_v_range_mag(section: Mapping) -> Range:
    total = 0.0
    for name in ("birth", "screen"):
        part = section.get(name) or {}
        if part.get("law") not in _KNOWN_LAWS or part.get("tau") is None:
            return _ANY
        bump = bounds((part.get("parameters") or {}).get("bump_strength", 0.0))[1]
        total += bounds(part["tau"])[1] * (1.0 + _BUMP_AT_5500 * bump)
    return 0.0, float(_TAU_TO_MAG * total)


def _together(worlds: list[TrainingConditions]) -> TrainingConditions:
    """Ranges that hold those of all; what must be one value for all is unknown where worlds differ."""

    def range_of(name: str) -> Any:
        ranges = [getattr(world, name) for world in worlds]
        return None if None in ranges else (min(low for low, _ in ranges), max(high for _, high in ranges))

    first = worlds[0]
    return TrainingConditions(
        redshift_range=range_of("redshift_range"),
        velocity_dispersion_range_kms=range_of("velocity_dispersion_range_kms"),
        lsf=first.lsf if all(world.lsf == first.lsf for world in worlds) else None,
        metallicity_range=range_of("metallicity_range"),
        a_v_range_mag=range_of("a_v_range_mag"),
        cosmology=first.cosmology if all(world.cosmology == first.cosmology for world in worlds) else {},
    )
