"""Nebular emission compiled for a library: line luminosities and continuum of every panel per unit of mass formed.

Models (`sfhsim.nebular.models`) are sources in birth clouds (`sfhsim.synthesis.sources.Source`). Their continuum is
linear between nodes. Lines that are scattered (`sfhsim.nebular.scatter`) have vectors of their own beside it.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.nebular.base import Gas, NebularModel, SSPNebularModel, emitted_by_ssps
from sfhsim.nebular.models import LKL10, get_nebular_model
from sfhsim.nebular.scatter import LineGroups, line_factors, line_groups
from sfhsim.recipe.galaxy_sections import Nebular
from sfhsim.recipe.model import Recipe
from sfhsim.sources import Surroundings
from sfhsim.synthesis.blocks import block_rows, pad_columns
from sfhsim.synthesis.detectors import Detectors, Lines
from sfhsim.synthesis.draws import COMMON_SHIFT, HYDROGEN_SCATTER, LINE_SCATTER, Draws, ParameterPlan
from sfhsim.synthesis.emission import Emission, checked
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.serialization import Stored
from sfhsim.synthesis.templates import split

_UNITS = {"photon_rate": 1.0e46, "ionizing_luminosity_lsun": 1.0}  # tables are float32


def make_nebular(recipe: Recipe, line_width: str, line_offset: str) -> SSPStage | GasStage | None:
    """The nebular source that a recipe asks for, None for no emission; to be compiled."""
    if not recipe.nebular.is_on:
        return None
    model = get_nebular_model(recipe.nebular.model)
    if isinstance(model, SSPNebularModel):
        return SSPStage(recipe.nebular, line_width, line_offset)
    return (LKL10Stage if model.name == "lkl10" else GasStage)(recipe.nebular, line_width, line_offset)


class _NebularStage(Stored):
    """What all models are as sources; ``groups`` of the lines where they are scattered, else None."""

    name, dust = "nebular", "birth_and_screen"
    is_stars = needs_starlight = needs_absorbed = False
    vectors: dict[str, np.ndarray]
    lines: Lines
    groups: LineGroups | None

    def __init__(self, recipe: Nebular, line_width: str, line_offset: str):
        self._recipe, self.line_width, self.line_offset = recipe, line_width, line_offset
        self.is_scattered = bool(recipe.scatters)

    def _lines_of(self, model) -> Lines:
        """All lines of a model, and their groups."""
        self.groups = line_groups(model.line_names, model.line_wave_aa) if self.is_scattered else None
        return Lines(np.asarray(model.line_wave_aa, dtype=np.float64), self.line_width, self.line_offset)

    def _scattered(self, lines: np.ndarray, draws: Draws) -> np.ndarray:
        """Lines (n, n_line), those of the groups, as they are scattered."""
        if self.groups is None:
            return lines
        names = {"line_dex": LINE_SCATTER, "hydrogen_dex": HYDROGEN_SCATTER, "common_dex": COMMON_SHIFT}
        given = {key: draws.values[name] for key, name in names.items() if name in draws.values}
        return lines * line_factors(self.groups, draws.line_deviates(self.groups.n_group), **given)


class SSPStage(_NebularStage):
    """Tables per SSP, for the range of log U that the recipe draws."""

    STORED: ClassVar[tuple[str, ...]] = (
        *("lines", "vectors", "_log_u_nodes", "_first_node", "_stop_age", "_sizes", "_n_row", "_table"),
        *("groups", "_in_view", "_line_factors"),
    )

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `sfhsim.synthesis.sources.Source`; columns of all tabulated nebulae become low-rank bases."""
        model = get_nebular_model(self._recipe.model).tables()
        shown = float(self._recipe.continuum)
        continuum = np.asarray(model.continuum_relative, dtype=np.float64) * (model.continuum_scale * shown)
        of_lines = np.asarray(model.line_erg_per_photon, dtype=np.float64)
        lines, nodes_aa = self._lines_of(model), np.asarray(model.continuum_wave_aa, dtype=np.float64)
        flat_continuum, flat_lines = (table.reshape(-1, table.shape[-1]) for table in (continuum, of_lines))
        nodes, self.vectors, factors, seen = _hats(library.wave_aa, nodes_aa), {}, [], {}
        for name, panel in detectors.panels.items():
            columns = matmul(flat_continuum, panel.columns(library.wave_aa, nodes))
            line_columns = panel.line_columns(lines)
            if line_columns is not None and not self.is_scattered:
                columns = columns + matmul(flat_lines, line_columns)
            first_size = 24 if line_columns is None else 48
            basis = panel.basis(columns, panel.gas_tolerance * tolerance, first_size)
            self.vectors[name] = basis.vectors
            factors.append(basis.coefficients.reshape(*of_lines.shape[:-1], -1))
            if line_columns is not None and self.is_scattered:
                own = panel.basis(line_columns, panel.gas_tolerance * tolerance, first_size)
                self.vectors[name] = np.concatenate([basis.vectors, own.vectors])
                seen[name] = own.coefficients
        in_view = detectors.in_view(lines)
        self.lines = lines[in_view]
        mixed = self._choose(in_view, seen)
        of_lines = of_lines[..., mixed]
        self._sizes = [table.shape[-1] for table in (of_lines, *factors)]
        self._tabulate(model, plan, library, np.concatenate([of_lines, *factors], axis=-1))

    def _choose(self, in_view: np.ndarray, seen: dict[str, np.ndarray]) -> np.ndarray:
        """Indices of the lines to mix: those in view, and where they are scattered those that panels see."""
        of_panels = [np.flatnonzero(factor.any(axis=1)) for factor in seen.values()]
        mixed = np.unique(np.concatenate([in_view, *of_panels]))
        self._in_view = np.searchsorted(mixed, in_view)
        self._line_factors = {name: factor[mixed] for name, factor in seen.items()}
        if self.groups is not None:
            self.groups = self.groups[mixed]
        return mixed

    def _tabulate(self, model, plan: ParameterPlan, library: SSPLibrary, per_photon: np.ndarray) -> None:
        """Lines and coefficients side by side on every SSP, those of the log U nodes one below the other."""
        (low, _), (high, share) = (model.log_u_bracket(u) for u in plan.bounds("nebular.log_u"))
        self._first_node, self._log_u_nodes = int(low[0]), model.log_u_nodes
        # at a node itself the one above it is not needed
        log_u = model.log_u_nodes[int(low[0]) : int(high[0]) + (2 if share[0] > 0.0 else 1)]
        rate = model.photon_rate(library.metallicity, library.age_yr, library.ionizing_photon_rate)
        glowing = np.flatnonzero(rate.max(axis=0) > 0)
        self._stop_age = int(glowing[-1]) + 1 if glowing.size else 0
        ssp = library.metallicity, library.age_yr[: self._stop_age], rate[:, : self._stop_age]
        table = np.stack([model.per_ssp(per_photon, *ssp, u) for u in log_u])
        self._n_row = table.shape[1] * table.shape[2]
        self._table = pad_columns(table.reshape(-1, table.shape[-1]))

    def emission(self, draws: Draws, stars: Populations, surroundings: Surroundings | None) -> Emission:
        """See `sfhsim.synthesis.sources.Source`."""
        from sfhsim.kernels.mixing import mix_between
        from sfhsim.nebular.cloudy import log_u_bracket

        emitted = np.zeros((len(draws), sum(self._sizes)), dtype=np.float32)
        if self.glows:
            node, share = log_u_bracket(self._log_u_nodes, draws.values["nebular.log_u"])
            out = block_rows(len(draws), self._table.shape[1])
            arguments = (stars.mass, stars.lower, stars.upper_share, self._stop_age)
            absorbed = 1.0 - draws.values["nebular.escape_fraction"]
            mix_between(*arguments, node - self._first_node, share, self._n_row, absorbed, self._table, out)
            emitted = out[: len(draws)]
        sizes = dict(zip(self.vectors, self._sizes[1:], strict=True))
        coefficients, lines = split(emitted, sizes, self._sizes[0]), emitted[:, : self._sizes[0]]
        if not self.is_scattered:
            return Emission(coefficients, lines)
        lines = self._scattered(lines, draws)
        for name, factor in self._line_factors.items():
            of_lines = matmul(lines, factor).astype(np.float32)
            coefficients[name] = np.concatenate([coefficients[name], of_lines], axis=1)
        return Emission(coefficients, lines[:, self._in_view])

    @property
    def glows(self) -> bool:
        """Whether any population of the library is young enough to emit."""
        return self._stop_age > 0

    def restore(self, state: dict) -> None:
        """As `Stored.restore`, the table where it is read fastest."""
        super().restore(state)
        self._table = pad_columns(self._table)


class GasStage(_NebularStage):
    """Gas that is one for a whole galaxy: its lines and the templates of its continuum."""

    STORED: ClassVar[tuple[str, ...]] = ("lines", "vectors", "groups", "_kept", "_ionizing", "_n_template")

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `sfhsim.synthesis.sources.Source`; columns take the lines above the continuum."""
        model, owner = self._model, f"nebular model {self._recipe.model!r}"
        self._ionizing = None if model.scale == "sfr_10myr" else _ionizing(model.scale, library)
        lines, nodes_aa = self._lines_of(model), np.asarray(model.continuum_wave_aa, dtype=np.float64)
        for what, wave_aa, n_least in (("line_wave_aa", lines.wave_aa, 1), ("continuum_wave_aa", nodes_aa, 2)):
            if wave_aa.ndim != 1 or wave_aa.size < n_least or not ((wave_aa > 0) & np.isfinite(wave_aa)).all():
                raise RecipeError(f"{owner}: {what} must be {n_least} or more wavelengths in Angstrom above 0")
        if not (np.diff(nodes_aa) > 0).all():
            raise RecipeError(f"{owner}: continuum_wave_aa must increase")
        shapes = checked(owner, "continuum_templates", model.continuum_templates(), (None, nodes_aa.size))
        shapes, nodes = shapes * float(self._recipe.continuum), _hats(library.wave_aa, nodes_aa)
        self.vectors, self._n_template = {}, len(shapes)
        for name, panel in detectors.panels.items():
            columns, line_columns = matmul(shapes, panel.columns(library.wave_aa, nodes)), panel.line_columns(lines)
            self.vectors[name] = columns if line_columns is None else np.concatenate([line_columns, columns])
        self._kept = detectors.in_view(lines)
        self.lines = lines[self._kept]

    @cached_property
    def _model(self) -> NebularModel:
        return get_nebular_model(self._recipe.model).configured(self._recipe)

    def emission(self, draws: Draws, stars: Populations, surroundings: Surroundings | None) -> Emission:
        """See `sfhsim.synthesis.sources.Source`."""
        model, owner, n = self._model, f"nebular model {self._recipe.model!r}", len(draws)
        emitted = stars.sfr_10myr if self._ionizing is None else self._mixed(stars) * _UNITS[model.scale]
        gas = Gas.around(stars.metallicity[:, 0], draws.values["nebular.escape_fraction"], model.scale, emitted)
        params = gas_params(model, draws)
        lines = model.line_luminosities(params, gas)
        lines = checked(owner, "line_luminosities", lines, (n, model.line_wave_aa.size))
        continuum = model.continuum_amplitudes(params, gas, lines)
        continuum = checked(owner, "continuum_amplitudes", continuum, (n, self._n_template))
        lines = self._scattered(lines, draws)
        both = np.concatenate([lines, continuum], axis=1)
        rows = {name: len(vectors) for name, vectors in self.vectors.items()}
        coefficients = {name: continuum if k == self._n_template else both for name, k in rows.items()}
        return Emission(coefficients, lines[:, self._kept])

    def _mixed(self, stars: Populations) -> np.ndarray:
        from sfhsim.kernels.mixing import mix

        out = block_rows(len(stars.mass), self._ionizing.shape[1])
        mix(stars.mass, stars.lower, stars.upper_share, 0, stars.mass.shape[1], self._ionizing, out)
        return out[: len(stars.mass), 0].astype(np.float64)

    @property
    def glows(self) -> bool:
        """Whether any population of the library can make the gas emit."""
        return self._ionizing is None or bool(self._ionizing.any())


class LKL10Stage(GasStage):
    """Levesque, Kewley & Larson (2010): what was compiled holds the installed table, so that no other is read."""

    STORED: ClassVar[tuple[str, ...]] = (*GasStage.STORED, "_table")

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `GasStage`."""
        from sfhsim.nebular import load_lkl10

        self._table = load_lkl10(line_flux=self._recipe.line_flux)
        super().compile(plan, library, detectors, tolerance)

    @cached_property
    def _model(self) -> NebularModel:
        return LKL10().configured(self._recipe, self._table)


def gas_params(model: NebularModel, draws: Draws) -> dict[str, np.ndarray]:
    """The parameters (n,) of a model that were drawn."""
    names = {p.name: f"nebular.{p.name}" for p in model.parameters}
    return {name: draws.values[drawn] for name, drawn in names.items() if drawn in draws.values}


def _ionizing(scale: str, library: SSPLibrary) -> np.ndarray:
    """What the SSPs emit (n_Z * n_age, one and columns of zeros), in `_UNITS`."""
    return pad_columns(emitted_by_ssps(scale, library).reshape(-1, 1) / _UNITS[scale])


def _hats(wave_aa: np.ndarray, node_aa: np.ndarray) -> np.ndarray:
    """Spectra (n_node, n_wave) float32 that are 1 at one node, linear to its neighbours and 0 beyond."""
    out = np.zeros((node_aa.size, wave_aa.size), dtype=np.float32)
    inside = np.flatnonzero((wave_aa >= node_aa[0]) & (wave_aa <= node_aa[-1]))
    k = np.clip(np.searchsorted(node_aa, wave_aa[inside], side="right") - 1, 0, node_aa.size - 2)
    share = (wave_aa[inside] - node_aa[k]) / (node_aa[k + 1] - node_aa[k])
    out[k, inside], out[k + 1, inside] = 1.0 - share, share
    return out
