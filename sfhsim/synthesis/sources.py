"""The sources of a galaxy's light, compiled: coefficients of a batch, and vectors for every panel of detectors.

A `Source` is what the simulator asks of each: old stars, young stars and nebular emission (`sfhsim.synthesis.nebular`)
are here, and `TemplateSource` compiles every source of `sfhsim.sources`, which is where new ones are made. One that a
section of its own in the recipe switches on is added to `sfhsim.sources.active_sources`.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.recipe.model import Recipe
from sfhsim.sources import ActiveSource, Surroundings, active_sources
from sfhsim.synthesis.blocks import pad_columns
from sfhsim.synthesis.detectors import Detectors, Lines
from sfhsim.synthesis.draws import LINE_OFFSET, Draws, ParameterPlan
from sfhsim.synthesis.emission import Emission, checked
from sfhsim.synthesis.nebular import make_nebular
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.serialization import Stored
from sfhsim.synthesis.templates import CompiledTemplates, compile_templates


class Source(Protocol):
    """What the simulator asks of a source.

    Attributes
    ----------
    name : unique in a recipe.
    dust : where it stands, one of `sfhsim.sources.DUST_PATHS`.
    is_stars : whether A_V counts it.
    needs_starlight : whether it must be told of its surroundings.
    needs_absorbed : whether it is evaluated last, knowing what dust absorbs of the others.
    line_width : the parameter that is the velocity dispersion of its lines.
    line_offset : the parameter that is their velocity against the stars, "" for none.
    vectors : (k, n_column) for each panel, once compiled.
    lines : those that detectors take one by one, once compiled; None for none.
    """

    name: str
    dust: str
    is_stars: bool
    needs_starlight: bool
    needs_absorbed: bool
    line_width: str
    line_offset: str
    vectors: dict[str, np.ndarray]
    lines: Lines | None

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """Make the vectors of every panel, and choose the lines, with the detectors compiled already."""

    def emission(self, draws: Draws, stars: Populations, surroundings: Surroundings | None) -> Emission:
        """The light of a batch; ``surroundings`` are None for stars, and where no source needs any."""
        ...

    def state(self) -> dict:
        """What was compiled, by name; see `sfhsim.synthesis.serialization`."""
        ...

    def restore(self, state: dict) -> None:
        """Take what `state` gave instead of compiling."""


class StarSource(Stored):
    """Stars outside ("old") or inside ("young") the birth clouds.

    ``templates`` are a `CompiledTemplates`.
    """

    STORED: ClassVar[tuple[str, ...]] = ("templates",)
    is_stars, needs_starlight, needs_absorbed, line_width, line_offset, lines = True, False, False, "", "", None
    templates: CompiledTemplates

    def __init__(self, recipe: Recipe, name: str):
        self.name, self._cloud_age_yr = name, recipe.dust.birth_cloud_age_myr * 1e6
        self.dust = "birth_and_screen" if name == "young" else "screen"

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `Source`."""
        inside = np.flatnonzero(library.age_yr <= self._cloud_age_yr)
        # a library without stars that young keeps its youngest in the clouds
        n_young = int(inside[-1]) + 1 if inside.size else 1
        ages = (0, n_young) if self.name == "young" else (n_young, library.age_yr.size)
        self.templates = compile_templates(detectors.of_library(library), detectors, *ages, tolerance)

    @property
    def vectors(self) -> dict[str, np.ndarray]:
        """Of the templates."""
        return self.templates.vectors

    def restore(self, state: dict) -> None:
        """As `Stored.restore`, the coefficients where they are read fastest."""
        super().restore(state)
        object.__setattr__(self.templates, "coefficients", pad_columns(self.templates.coefficients))

    def emission(self, draws: Draws, stars: Populations, surroundings: Surroundings | None) -> Emission:
        """See `Source`."""
        return Emission(self.templates.mix(stars))


class TemplateSource(Stored):
    """A source of `sfhsim.sources`, its templates reduced to a low-rank basis for each panel.

    Parameters
    ----------
    active : ActiveSource
    gas_width, gas_offset : the parameters that are the velocity dispersion of the galaxy's gas, and its velocity.
    """

    STORED: ClassVar[tuple[str, ...]] = ("vectors", "lines", "_factors", "_drawn", "_n_template")
    is_stars, needs_starlight = False, True

    def __init__(self, active: ActiveSource, gas_width: str, gas_offset: str):
        self._active, self.family, self.name = active, active.source, active.source.name
        self.dust, self.needs_absorbed = self.family.dust, self.family.needs_absorbed
        self.line_width, self.line_offset = active.line_width(gas_width), active.line_offset(gas_offset)
        self._owner = f"source {self.name!r}"

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `Source`; lines that come with the columns have rows of their own below those of the templates."""
        wave_aa = np.union1d(np.asarray(library.wave_aa, dtype=np.float64), self.family.wave_aa)
        templates = checked(self._owner, "templates", self.family.templates(wave_aa), (None, wave_aa.size))
        self._n_template = len(templates)
        lines = Lines(np.asarray(self.family.line_wave_aa, dtype=np.float64), self.line_width, self.line_offset)
        self.vectors, self._factors = {}, {}
        for name, panel in detectors.panels.items():
            columns = panel.columns(wave_aa, templates)
            of_lines = panel.line_columns(lines) if lines.wave_aa.size else None
            if of_lines is not None:
                columns = np.concatenate([columns, of_lines])
            # nothing of it reaches the panel, or the bolometer, which sees what is behind dust
            if not columns.any() or (panel.is_summed and self.dust == "none"):
                self._factors[name], self.vectors[name] = np.zeros((len(columns), 0)), columns[:0]
                continue
            basis = panel.basis(columns, panel.gas_tolerance * tolerance, 24)
            self._factors[name], self.vectors[name] = basis.coefficients, basis.vectors
        self._drawn = detectors.in_view(lines)
        self.lines = lines[self._drawn] if lines.wave_aa.size else None

    def emission(self, draws: Draws, stars: Populations, surroundings: Surroundings | None) -> Emission:
        """See `Source`."""
        params = self._active.params(draws.values)
        shape, lines = (len(draws), self._n_template), None
        amplitudes = checked(self._owner, "amplitudes", self.family.amplitudes(params, surroundings), shape)
        if self.lines is not None:
            shape = len(draws), self.family.line_wave_aa.size
            lines = checked(
                self._owner, "line_luminosities", self.family.line_luminosities(params, surroundings), shape
            )
        coefficients = {}
        for name, factor in self._factors.items():
            given = amplitudes if len(factor) == self._n_template else np.concatenate([amplitudes, lines], axis=1)
            coefficients[name] = matmul(given, factor).astype(np.float32)
        return Emission(coefficients, None if lines is None else lines[:, self._drawn])


GAS_WIDTHS = ("velocity_dispersion_kms", "line_velocity_dispersion_kms")


def gas_width(recipe: Recipe) -> str:
    """The parameter that is the velocity dispersion of the galaxy's gas: the stars', unless it has its own."""
    return GAS_WIDTHS[recipe.kinematics.line_velocity_dispersion_kms is not None]


def gas_offset(recipe: Recipe) -> str:
    """The parameter that is the velocity of the galaxy's gas against its stars, "" for none."""
    return "" if recipe.kinematics.line_velocity_offset_kms is None else LINE_OFFSET


def make_sources(recipe: Recipe) -> dict[str, Source]:
    """The sources of a recipe by name, stars first; to be compiled."""
    sources = [StarSource(recipe, "old"), StarSource(recipe, "young")]
    width, offset = gas_width(recipe), gas_offset(recipe)
    nebular = make_nebular(recipe, width, offset)
    sources += [] if nebular is None else [nebular]
    sources += [TemplateSource(active, width, offset) for active in active_sources(recipe)]
    return {source.name: source for source in sources}


def line_motions(recipe: Recipe) -> tuple[str, ...]:
    """Names of all parameters that are velocity dispersions of lines, or velocities against the stars."""
    sources = make_sources(recipe).values()
    names = [name for source in sources for name in (source.line_width, source.line_offset)]
    return tuple(name for name in dict.fromkeys(names) if name)
