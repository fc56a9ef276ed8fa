"""Mixtures: several worlds (stellar libraries, gas, dust, histories ...) in one data set, on one grid.

    name: many-worlds
    histories: ...                       # the document that the worlds change
    worlds:
      - {name: bc03}
      - {name: m11, override: {library: m11-miles-spliced, nebular: {model: lkl10}}}
      - {name: other, weight: 0.5, recipe: other.yaml}

Sample i is of one world, which follows from its id and the seed alone, and has the bytes of sample i of that world's
recipe. Worlds are whole recipes here; `sfhsim.recipe.overrides` makes them of what a file says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from sfhsim.errors import RecipeError
from sfhsim.names import NAME_PATTERN
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.section import Section

MOST_WORLDS = 100
Weight = Annotated[float, Field(ge=1e-9, le=1e9)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
_OF_EACH_WORLD = ("subtract_template_resolution",)  # keys of the spectrum that are no property of what is observed


class World(Section):
    """One world of a mixture: a whole recipe, of the world's name."""

    name: Name = Field(description="Of the world, in the manifest and in reports.")
    weight: Weight = Field(default=1.0, description="Share of the galaxies, relative to other worlds.")
    recipe: Recipe = Field(description="All that this world is made of.")


class Mixture(Section):
    """Everything that defines a data set of several worlds but its seed and its size."""

    format: Literal[1] = Field(default=1, description="Version of the recipe format.")
    name: Name = Field(description="Of the data set.")
    description: str = Field(default="", description="One or two sentences for people.")
    worlds: tuple[World, ...] = Field(
        min_length=1, max_length=MOST_WORLDS, description="Worlds that galaxies are drawn from."
    )

    @property
    def world_names(self) -> tuple[str, ...]:
        """Names of the worlds, in order."""
        return tuple(world.name for world in self.worlds)

    @property
    def share_edges(self) -> np.ndarray:
        """(n_world,) cumulative shares of the worlds, the last 1."""
        reached = np.cumsum([world.weight for world in self.worlds])
        return reached / reached[-1]


def check_worlds(mixture: Mixture, origin: str = "recipe") -> None:
    """Raise RecipeError where two worlds have one name, or differ in what a data set has only one of."""
    names = mixture.world_names
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"{origin}: two worlds have the name {name!r}: give each its own")
    first = mixture.worlds[0]
    for world in mixture.worlds[1:]:
        for key, here, there in _differences(first.recipe, world.recipe):
            raise RecipeError(
                f"{origin}: worlds.{world.name}: {key} is {_short(there)}, in world {first.name} it is {_short(here)}: "
                "a data set has one spectrograph, one set of bands, age bins and one cosmology, so that all worlds "
                "share it"
            )


def _differences(one: Recipe, other: Recipe) -> Iterator[tuple[str, Any, Any]]:
    """Shared keys that differ, with both values."""
    yield from _in_section(one.spectrum, other.spectrum, "spectrum", _OF_EACH_WORLD)
    if one.photometry.filters != other.photometry.filters:
        yield "photometry.filters", list(one.photometry.filters), list(other.photometry.filters)
    yield from _in_section(one.labels, other.labels, "labels")
    yield from _in_section(one.cosmology, other.cosmology, "cosmology")


def _in_section(one: BaseModel, other: BaseModel, where: str, but: tuple[str, ...] = ()) -> Iterator:
    for name in type(one).model_fields:
        here, there = getattr(one, name), getattr(other, name)
        if name in but or here == there:
            continue
        if isinstance(here, BaseModel) and type(here) is type(there):
            yield from _in_section(here, there, f"{where}.{name}")
        else:
            yield f"{where}.{name}", here, there


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
