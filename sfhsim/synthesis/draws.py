"""Parameters of galaxies, drawn from a recipe: sample i depends on the recipe, the seed and i alone.

Each parameter owns one column of a table of uniform numbers (`sfhsim.kernels.random`), in the order of the recipe, and
is the quantile of its distribution there. Those of `_GAS` have a table of their own, so that a galaxy whose lines are
scattered or moved is otherwise the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sfhsim import elementary
from sfhsim.errors import RecipeError
from sfhsim.histories import HistoryFamily, Parameter, get_history
from sfhsim.instrument import get_noise_model
from sfhsim.nebular import get_nebular_model
from sfhsim.nebular.scatter import SCATTERS
from sfhsim.recipe.distributions import MOST_SIGMA, Constant, Distribution
from sfhsim.recipe.galaxy_sections import History
from sfhsim.recipe.model import Recipe
from sfhsim.sources import active_sources

STREAM_PARAMETERS = 0
STREAM_SPECTRUM_NOISE = 1
STREAM_PHOTOMETRY_NOISE = 2
STREAM_VECTORS = 3  # and the following, one for each history
STREAM_GAS, STREAM_LINES = 1 << 17, (1 << 17) + 1

LINE_OFFSET = "line_velocity_offset_kms"
LINE_SCATTER, HYDROGEN_SCATTER, COMMON_SCATTER = (f"nebular.{key}" for key in SCATTERS)
COMMON_SHIFT = "nebular.common_shift_dex"
# columns of their table of uniform numbers: a new one comes last
_GAS = (LINE_OFFSET, LINE_SCATTER, HYDROGEN_SCATTER, COMMON_SCATTER, COMMON_SHIFT)


@dataclass(frozen=True)
class Draws:
    """Drawn parameters of a batch.

    Attributes
    ----------
    sample_id : (n,) uint64
    family : (n,) index into the recipe's histories.
    values : each (n,); those of a history family are NaN in galaxies of other families. Names are dotted:
        ``history.peak_gyr``, ``dust.screen.tau``, ``redshift``.
    vectors : per history index, vector parameters of its family by name, (n, size); rows of other families are unused.
    seed : that they were drawn with.
    """

    sample_id: np.ndarray
    family: np.ndarray
    values: dict[str, np.ndarray]
    vectors: dict[int, dict[str, np.ndarray]]
    seed: int = 0

    def __len__(self) -> int:
        return len(self.sample_id)

    def line_deviates(self, count: int) -> np.ndarray:
        """(n, count) standard normal deviates float32 of each galaxy's lines; another ``count`` gives others."""
        from sfhsim.kernels.random import fill_normal

        out = np.empty((len(self), count), dtype=np.float32)
        fill_normal(np.uint64(self.seed), self.sample_id, STREAM_LINES, out)
        return out


class ParameterPlan:
    """Which parameters a recipe draws, in which order, from which distributions."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        weights = np.array([h.weight for h in recipe.histories])
        self._family_edges = np.cumsum(weights) / weights.sum()
        self._common = dict(_common_parameters(recipe))
        self._by_family = [history.parameters for history in recipe.histories]
        names = sorted({name for family in self._by_family for name in family})
        self._history_names = names
        self._added = dict(_added_parameters(recipe))
        self._of_gas = dict(_gas_parameters(recipe))
        self._single = self._common | self._added | self._of_gas
        shift = (COMMON_SHIFT,) if COMMON_SCATTER in self._of_gas else ()
        self.names = (*self._common, *(f"history.{name}" for name in names), *self._added, *self._of_gas, *shift)

    def draw(self, sample_id: np.ndarray, seed: int) -> Draws:
        """Parameters of the samples ``sample_id`` (n,)."""
        sample_id = np.ascontiguousarray(sample_id, dtype=np.uint64)
        return self.from_uniform(self.uniform(sample_id, seed), sample_id, seed)

    @cached_property
    def tables(self) -> dict[int, list[tuple[str, bool]]]:
        """The columns of each table of uniform numbers, by its stream: a name, and whether the column decides anything.

        ``history.family`` decides between the recipe's histories.
        """
        varies = {name: not given.is_constant for name, given in self._single.items()}
        history = {
            name: any(not parameters[name].is_constant for parameters in self._by_family if name in parameters)
            for name in self._history_names
        }
        in_order = [("history.family", len(self._by_family) > 1)]
        in_order += [(name, varies[name]) for name in self._common]
        in_order += [(f"history.{name}", history[name]) for name in self._history_names]
        in_order += [(name, varies[name]) for name in self._added]
        tables = {STREAM_PARAMETERS: in_order}
        if self._of_gas:
            shifts = COMMON_SCATTER in self._of_gas and self.bounds(COMMON_SHIFT)[1] > 0.0
            tables[STREAM_GAS] = [(name, varies.get(name, name == COMMON_SHIFT and shifts)) for name in _GAS]
        for index, sizes in self._vector_sizes.items():
            names = [f"history.{index}.{name}.{k}" for name, size in sizes.items() for k in range(size)]
            tables[STREAM_VECTORS + index] = [(name, True) for name in names]
        return tables

    def uniform(self, sample_id: np.ndarray, seed: int) -> dict[int, np.ndarray]:
        """Uniform numbers (n, n_column) of each of the `tables`, for the samples ``sample_id`` (n,) uint64."""
        from sfhsim.kernels.random import fill_uniform

        found = {}
        for stream, columns in self.tables.items():
            found[stream] = np.empty((sample_id.size, len(columns)))
            fill_uniform(np.uint64(seed), sample_id, stream, found[stream])
        return found

    def from_uniform(self, tables: Mapping[int, np.ndarray], sample_id: np.ndarray, seed: int) -> Draws:
        """Parameters of galaxies by their uniform numbers (n, n_column) in each of the `tables`.

        Deviates of single lines, and noise, follow from ``sample_id`` (n,) uint64 and ``seed``.
        """
        uniform = tables[STREAM_PARAMETERS]
        family = self.family(uniform[:, 0])
        values = {
            name: distribution.quantile(uniform[:, 1 + k])
            for k, (name, distribution) in enumerate(self._common.items())
        }
        for k, name in enumerate(self._history_names, start=1 + len(self._common)):
            column = np.full(sample_id.size, np.nan)
            for index, parameters in enumerate(self._by_family):
                if name in parameters:
                    rows = family == index
                    column[rows] = parameters[name].quantile(uniform[rows, k])
            values[f"history.{name}"] = column
        for k, (name, distribution) in enumerate(self._added.items(), start=1 + len(values)):
            values[name] = distribution.quantile(uniform[:, k])
        if self._of_gas:
            values |= self._gas(tables[STREAM_GAS])
        return Draws(sample_id, family, values, self._vectors(tables), seed)

    def family(self, uniform: np.ndarray) -> np.ndarray:
        """(n,) index of the history that uniform numbers (n,) choose."""
        return np.minimum(np.searchsorted(self._family_edges, uniform, side="right"), len(self._by_family) - 1)

    @property
    def family_share(self) -> np.ndarray:
        """(n_family,) of uniform numbers that choose each history."""
        return np.diff(self._family_edges, prepend=0.0)

    def belongs(self, column: str, family: int) -> bool:
        """Whether a column of `tables` decides anything in galaxies of this history."""
        name = column.removeprefix("history.")
        if name == column or column == "history.family":
            return True
        own = self._by_family[family]
        return name.startswith(f"{family}.") or (name in own and not own[name].is_constant)

    def _gas(self, uniform: np.ndarray) -> dict[str, np.ndarray]:
        """Offset and scatters of lines, and what all lines of a galaxy have in common."""
        values = {name: given.quantile(uniform[:, _GAS.index(name)]) for name, given in self._of_gas.items()}
        if COMMON_SCATTER in values:
            normal = elementary.normal_quantile(uniform[:, _GAS.index(COMMON_SHIFT)])
            values[COMMON_SHIFT] = values[COMMON_SCATTER] * normal
        return values

    @cached_property
    def _vector_sizes(self) -> dict[int, dict[str, int]]:
        """Sizes of the vector parameters of the recipe's histories that have any, by the history's index."""
        from sfhsim.histories import vector_sizes

        sizes = {index: vector_sizes(history) for index, history in enumerate(self.recipe.histories)}
        return {index: found for index, found in sizes.items() if found}

    def _vectors(self, tables: Mapping[int, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
        """Vector parameters of each history's family, from a table of uniform numbers of its own."""
        vectors = {}
        for index, sizes in self._vector_sizes.items():
            history = self.recipe.histories[index]
            family = get_history(history.family)
            parts = np.split(tables[STREAM_VECTORS + index], np.cumsum(list(sizes.values()))[:-1], axis=1)
            vectors[index] = {
                name: _vector(family, name, np.ascontiguousarray(part), history)
                for name, part in zip(sizes, parts, strict=True)
            }
        return vectors

    def constant(self, name: str) -> float | None:
        """The value of a parameter that all galaxies have and that does not vary, else None."""
        distribution = self._single.get(name)
        if distribution is None or not distribution.is_constant:
            return None
        return distribution.bounds()[0]

    def bounds(self, name: str) -> tuple[float, float]:
        """Smallest and largest value that a parameter can take that all galaxies have."""
        if name == COMMON_SHIFT:
            most = MOST_SIGMA * self._single[COMMON_SCATTER].bounds()[1]
            return -most, most
        return self._single[name].bounds()


def _vector(family: HistoryFamily, name: str, uniform: np.ndarray, history: History) -> np.ndarray:
    """A vector parameter as its family draws it; RecipeError for another shape."""
    drawn = np.asarray(family.vector_from_uniform(name, uniform, history), dtype=np.float64)
    if drawn.shape != uniform.shape:
        raise RecipeError(
            f"{family.name} draws {name} of shape {drawn.shape} where its vector_size says {uniform.shape}: one value "
            "for each uniform number"
        )
    return drawn


def _added_parameters(recipe: Recipe):
    """After all others, so that a source or a model of one's own leaves the rest of a galaxy as it was."""
    for active in active_sources(recipe):
        yield from _declared(active.source.parameters, active.given, active.start)
    nebular = recipe.nebular
    if nebular.is_on:
        others = [p for p in get_nebular_model(nebular.model).parameters if p.name not in nebular.own]
        drawn = tuple(p for p in others if p.name in nebular.parameters or not p.nan_means)
        yield from _declared(drawn, nebular.parameters, "nebular.")
    yield from _declared(get_noise_model(recipe.noise.model).parameters, recipe.noise.parameters, "noise.")


def _declared(parameters: tuple[Parameter, ...], given: Mapping[str, Distribution], start: str):
    """All that a family declares, under names that begin with ``start``: as given, or else the default."""
    for p in parameters:
        yield f"{start}{p.name}", given[p.name] if p.name in given else Constant(value=p.default)


def _gas_parameters(recipe: Recipe):
    if recipe.kinematics.line_velocity_offset_kms is not None:
        yield LINE_OFFSET, recipe.kinematics.line_velocity_offset_kms
    for key, distribution in recipe.nebular.scatters.items():
        yield f"nebular.{key}", distribution


def _common_parameters(recipe: Recipe):
    yield "total_mass_msun", recipe.total_mass_msun
    for name, distribution in sorted(recipe.metallicity.parameters.items()):
        yield f"metallicity.{name}", distribution
    if recipe.metallicity.is_builtin and recipe.metallicity.form != "tabulated":
        yield "metallicity.z_final", recipe.metallicity.z_final
    if recipe.metallicity.form in ("closed_box", "linear_mass"):
        yield "metallicity.z_start", recipe.metallicity.z_start
    if recipe.metallicity.form == "closed_box":
        yield "metallicity.yield", recipe.metallicity.yield_
    for where in ("birth", "screen"):
        component = getattr(recipe.dust, where)
        yield f"dust.{where}.tau", component.tau
        for name, distribution in sorted(component.parameters.items()):  # the order of keys decides nothing
            yield f"dust.{where}.{name}", distribution
    if recipe.nebular.is_on:
        yield "nebular.escape_fraction", recipe.nebular.escape_fraction
        declared = {parameter.name for parameter in get_nebular_model(recipe.nebular.model).parameters}
        for name, distribution in recipe.nebular.own.items():
            if name in declared:
                yield f"nebular.{name}", distribution
    kinematics = recipe.kinematics
    yield "velocity_dispersion_kms", kinematics.velocity_dispersion_kms
    if kinematics.line_velocity_dispersion_kms is not None:
        yield "line_velocity_dispersion_kms", kinematics.line_velocity_dispersion_kms
    yield "redshift", kinematics.redshift
    if recipe.noise.model != "none":
        yield "snr", recipe.noise.snr
    error_mag = recipe.photometry.error_mag
    for band in recipe.photometry.filters:
        distribution = error_mag[band] if isinstance(error_mag, dict) else error_mag
        yield f"photometry_error_mag.{band}", distribution
