"""Nebular emission compiled for a library: line luminosities and continuum of every panel per unit of mass formed.

Both models are sources in birth clouds (`sfhsim.synthesis.sources.Source`). Their continuum is linear between nodes.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.errors import CoverageError
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.recipe.model import Nebular, Recipe
from sfhsim.sources import Surroundings
from sfhsim.synthesis.blocks import block_rows, pad_columns
from sfhsim.synthesis.detectors import Detectors, Lines
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.emission import Emission
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.stored import Stored
from sfhsim.synthesis.templates import split


def make_nebular(recipe: Recipe, line_width: str) -> CloudyStage | LKL10Stage | None:
    """The nebular source that a recipe asks for, None for no emission; to be compiled."""
    kind = {"cloudy": CloudyStage, "lkl10": LKL10Stage, "none": None}[recipe.nebular.model]
    return kind and kind(recipe.nebular, line_width)


class _NebularStage(Stored):
    """What both models are as sources."""

    name, dust = "nebular", "birth_and_screen"
    is_stars = needs_starlight = needs_absorbed = False
    vectors: dict[str, np.ndarray]
    lines: Lines

    def __init__(self, recipe: Nebular, line_width: str):
        self._recipe, self.line_width = recipe, line_width


class CloudyStage(_NebularStage):
    """Cloudy tables per SSP, for the range of log U that the recipe draws."""

    STORED: ClassVar[tuple[str, ...]] = (
        *("lines", "vectors", "_log_u_nodes", "_first_node", "_stop_age", "_sizes", "_n_row", "_table"),
    )

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `sfhsim.synthesis.sources.Source`; columns of all tabulated nebulae become low-rank bases."""
        from sfhsim.nebular.cloudy import load_cloudy

        model = load_cloudy()
        shown = float(self._recipe.continuum)
        continuum = np.asarray(model.continuum_relative, dtype=np.float64) * (model.continuum_scale * shown)
        of_lines = np.asarray(model.line_erg_per_photon, dtype=np.float64)
        lines = Lines(np.asarray(model.line_wave_aa, dtype=np.float64), self.line_width)
        nodes_aa = np.asarray(model.continuum_wave_aa, dtype=np.float64)
        flat_continuum, flat_lines = (table.reshape(-1, table.shape[-1]) for table in (continuum, of_lines))
        nodes, self.vectors, factors = _hats(library.wave_aa, nodes_aa), {}, []
        for name, panel in detectors.panels.items():
            columns = matmul(flat_continuum, panel.columns(library.wave_aa, nodes))
            line_columns = panel.line_columns(lines)
            if line_columns is not None:
                columns = columns + matmul(flat_lines, line_columns)
            first_size = 24 if line_columns is None else 48
            basis = panel.basis(columns, panel.gas_tolerance * tolerance, first_size)
            self.vectors[name] = basis.vectors
            factors.append(basis.coefficients.reshape(*of_lines.shape[:-1], -1))
        in_view = detectors.in_view(lines)
        self.lines = lines[in_view]
        self._sizes = [table.shape[-1] for table in (of_lines[..., in_view], *factors)]
        self._tabulate(model, plan, library, np.concatenate([of_lines[..., in_view], *factors], axis=-1))

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
        return Emission(split(emitted, sizes, self._sizes[0]), emitted[:, : self._sizes[0]])

    @property
    def glows(self) -> bool:
        """Whether any population of the library is young enough to emit."""
        return self._stop_age > 0

    def restore(self, state: dict) -> None:
        """As `Stored.restore`, the table where it is read fastest."""
        super().restore(state)
        self._table = pad_columns(self._table)


class LKL10Stage(_NebularStage):
    """Levesque, Kewley & Larson (2010) lines, with the recombination continuum of the same Hbeta."""

    STORED: ClassVar[tuple[str, ...]] = ("lines", "vectors", "_model", "_kept", "_ionizing")

    def compile(self, plan: ParameterPlan, library: SSPLibrary, detectors: Detectors, tolerance: float) -> None:
        """See `sfhsim.synthesis.sources.Source`; columns take the lines above the continuum."""
        from sfhsim.nebular import load_lkl10
        from sfhsim.nebular.continuum import load_continuum

        recipe, continuum = self._recipe, load_continuum()
        self._model = load_lkl10(line_flux=recipe.line_flux)
        self._ionizing = self._scale_of(library) if recipe.scaling == "energy" else None
        lines = Lines(np.asarray(self._model.line_wave_aa, dtype=np.float64), self.line_width)
        per_hbeta = continuum.per_hbeta(recipe.electron_temperature_k, recipe.electron_density_cm3)
        shape, nodes = per_hbeta[None, :] * float(recipe.continuum), _hats(library.wave_aa, continuum.wave_aa)
        self.vectors = {}
        for name, panel in detectors.panels.items():
            columns, line_columns = matmul(shape, panel.columns(library.wave_aa, nodes)), panel.line_columns(lines)
            self.vectors[name] = columns if line_columns is None else np.concatenate([line_columns, columns])
        self._kept = detectors.in_view(lines)
        self.lines = lines[self._kept]

    @staticmethod
    def _scale_of(library: SSPLibrary) -> np.ndarray:
        if np.isnan(library.ionizing_luminosity_lsun).all():
            raise CoverageError(
                f"nebular.scaling energy needs light below 911.75 A, which library {library.name!r} does not "
                "hold: use scaling: sfr, or a library that reaches there (bc03-miles, emiles-spliced)"
            )
        return pad_columns(np.nan_to_num(library.ionizing_luminosity_lsun).reshape(-1, 1))

    def emission(self, draws: Draws, stars: Populations, surroundings: Surroundings | None) -> Emission:
        """See `sfhsim.synthesis.sources.Source`; Z is that of the youngest stars."""
        recipe = self._recipe
        if self._ionizing is None:
            scale = {"sfr_10myr": stars.sfr_10myr, "sfr_to_halpha": recipe.sfr_to_halpha}
        else:
            scale = {"ionizing_luminosity_lsun": self._ionizing_luminosity(stars)}
        lines = self._model.line_luminosities(
            stars.metallicity[:, 0],
            scaling=recipe.scaling,
            ionization_q=draws.values.get("nebular.ionization_q_cm_s"),
            escape_fraction=draws.values["nebular.escape_fraction"],
            **scale,
        )
        hbeta = self._model.hbeta_luminosity(lines)[:, None]
        with_lines = np.concatenate([lines, hbeta], axis=1)
        coefficients = {name: hbeta if len(v) == 1 else with_lines for name, v in self.vectors.items()}
        return Emission(coefficients, lines[:, self._kept])

    def _ionizing_luminosity(self, stars: Populations) -> np.ndarray:
        from sfhsim.kernels.mixing import mix

        out = block_rows(len(stars.mass), self._ionizing.shape[1])
        mix(stars.mass, stars.lower, stars.upper_share, 0, stars.mass.shape[1], self._ionizing, out)
        return out[: len(stars.mass), 0].astype(np.float64)


def _hats(wave_aa: np.ndarray, node_aa: np.ndarray) -> np.ndarray:
    """Spectra (n_node, n_wave) float32 that are 1 at one node, linear to its neighbours and 0 beyond."""
    out = np.zeros((node_aa.size, wave_aa.size), dtype=np.float32)
    inside = np.flatnonzero((wave_aa >= node_aa[0]) & (wave_aa <= node_aa[-1]))
    k = np.clip(np.searchsorted(node_aa, wave_aa[inside], side="right") - 1, 0, node_aa.size - 2)
    share = (wave_aa[inside] - node_aa[k]) / (node_aa[k + 1] - node_aa[k])
    out[k, inside], out[k + 1, inside] = 1.0 - share, share
    return out
