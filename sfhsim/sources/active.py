"""Which sources a recipe has switched on: those of its section ``sources``, and the emission of its dust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfhsim.sources.base import EmissionSource, get_source
from sfhsim.sources.dust_emission import DustEmissionSource

if TYPE_CHECKING:
    from sfhsim.recipe.distributions import Distribution
    from sfhsim.recipe.model import Recipe


@dataclass(frozen=True)
class ActiveSource:
    """A source that a recipe has switched on: ``given`` parameters, drawn under names that begin with ``start``."""

    source: EmissionSource
    start: str
    given: Mapping[str, Distribution]

    def params(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Its parameters (n,) among all drawn ``values``."""
        return {p.name: values[f"{self.start}{p.name}"] for p in self.source.parameters}

    def line_width(self, of_gas: str) -> str:
        """The drawn parameter that is the velocity dispersion of its lines, ``of_gas`` being that of the galaxy's."""
        return f"{self.start}{self.source.line_width}" if self.source.line_width else of_gas

    def line_offset(self, of_gas: str) -> str:
        """The same of their velocity against the stars: lines of their own width stay with the stars."""
        return "" if self.source.line_width else of_gas


def active_sources(recipe: Recipe) -> tuple[ActiveSource, ...]:
    """The sources that a recipe has switched on, by name: all that draws, simulates or reads them asks here."""
    names = sorted(recipe.sources)  # the order of keys decides nothing
    found = [ActiveSource(get_source(name), f"sources.{name}.", recipe.sources[name]) for name in names]
    emission = recipe.dust.emission
    if emission.is_on:
        from sfhsim.dust import get_dust_emission

        given = {"luminosity_factor": emission.luminosity_factor} | emission.given
        found.append(ActiveSource(DustEmissionSource(get_dust_emission(emission.model)), "dust.emission.", given))
    return tuple(found)
