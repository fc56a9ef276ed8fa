"""Nebular emission compiled for a library: line luminosities and continuum vectors per unit of mass formed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from sfhsim.errors import CoverageError
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.recipe.model import Nebular
from sfhsim.synthesis.basis import low_rank_basis
from sfhsim.synthesis.blocks import block_rows, pad_columns
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.stored import Stored


class NebularStage(Protocol):
    """What the simulator asks of a nebular model.

    ``line_wave_aa`` (n_line,) rest-frame, air; ``continuum_wave_aa`` (n_node,), a continuum is linear between nodes.
    As made, a stage emits its lines and the continuum at its nodes; after `project`, what the instruments need of them.
    """

    line_wave_aa: np.ndarray
    continuum_wave_aa: np.ndarray
    pixel_vectors: np.ndarray
    band_vectors: np.ndarray

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Per Msun formed: line luminosities (n, n_line) in Lsun, and two continua in Lsun/Angstrom.

        These are coefficients (n, k) of ``pixel_vectors`` and of ``band_vectors``; before `project`, the continuum at
        the nodes and nothing.
        """
        ...

    def project(self, projection: Projection, tolerance: float) -> None:
        """From now on emit only what reaches the instruments."""
        ...

    def state(self) -> dict:
        """What was compiled, by name; see `sfhsim.synthesis.stored`."""
        ...


@dataclass(frozen=True)
class Projection:
    """From lines and continuum nodes to the columns of the instruments.

    Attributes
    ----------
    lines : indices of the lines that are drawn one by one.
    node_pixels, node_bands : (n_node, n_column), columns of a continuum that is 1 at one node.
    line_bands : (n_line, n_band_column), columns of a line of 1 Lsun, all zero where bands take the lines one by one.
    """

    lines: np.ndarray
    node_pixels: np.ndarray
    node_bands: np.ndarray
    line_bands: np.ndarray


def compile_nebular(recipe: Nebular, plan: ParameterPlan, library: SSPLibrary) -> NebularStage | None:
    """The nebular stage that a recipe asks for, None for no emission."""
    stage = _make_nebular(recipe)
    if stage is not None:
        stage.compile(plan, library)
    return stage


def restore_nebular(recipe: Nebular, state: dict | None) -> NebularStage | None:
    """The stage whose compiled ``state`` this is."""
    stage = _make_nebular(recipe)
    if stage is not None:
        stage.restore(state)
    return stage


def _make_nebular(recipe: Nebular) -> CloudyStage | LKL10Stage | None:
    kind = {"cloudy": CloudyStage, "lkl10": LKL10Stage, "none": None}[recipe.model]
    return kind and kind(recipe)


class CloudyStage(Stored):
    """Cloudy tables per SSP, for the range of log U that the recipe draws."""

    STORED: ClassVar[tuple[str, ...]] = (
        *("line_wave_aa", "continuum_wave_aa", "pixel_vectors", "band_vectors"),
        *("_log_u_nodes", "_first_node", "_stop_age", "_sizes", "_n_row", "_table"),
    )

    def __init__(self, recipe: Nebular):
        self._recipe = recipe

    def compile(self, plan: ParameterPlan, library: SSPLibrary) -> None:
        """Choose the nodes of log U and the populations that glow."""
        from sfhsim.nebular.cloudy import load_cloudy

        model = load_cloudy()
        (low, _), (high, share) = (model.log_u_bracket(u) for u in plan.bounds("nebular.log_u"))
        self._model, self._first_node, self._log_u_nodes = model, int(low[0]), model.log_u_nodes
        # at a node itself the one above it is not needed
        self._log_u = model.log_u_nodes[int(low[0]) : int(high[0]) + (2 if share[0] > 0.0 else 1)]
        rate = model.photon_rate(library.metallicity, library.age_yr, library.ionizing_photon_rate)
        glowing = np.flatnonzero(rate.max(axis=0) > 0)
        self._stop_age = int(glowing[-1]) + 1 if glowing.size else 0
        self._ssp = library.metallicity, library.age_yr[: self._stop_age], rate[:, : self._stop_age]
        self.line_wave_aa = np.asarray(model.line_wave_aa, dtype=np.float64)
        self.continuum_wave_aa = np.asarray(model.continuum_wave_aa, dtype=np.float64)
        shown = float(self._recipe.continuum)
        self._continuum = np.asarray(model.continuum_relative, dtype=np.float64) * (model.continuum_scale * shown)
        self._lines = np.asarray(model.line_erg_per_photon, dtype=np.float64)
        self.pixel_vectors, self.band_vectors = np.eye(self.continuum_wave_aa.size), np.zeros((0, 0))
        self._tables: list[np.ndarray] | None = [self._lines, self._continuum, self._continuum[..., :0]]
        self._table = None

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `NebularStage`."""
        from sfhsim.kernels.mixing import mix_between
        from sfhsim.nebular.cloudy import log_u_bracket

        if self._table is None:
            self._stack()
        if self._stop_age == 0:
            return tuple(np.zeros((len(draws), size), dtype=np.float32) for size in self._sizes)
        node, share = log_u_bracket(self._log_u_nodes, draws.values["nebular.log_u"])
        out = block_rows(len(draws), self._table.shape[1])
        arguments = (stars.mass, stars.lower, stars.upper_share, self._stop_age)
        absorbed = 1.0 - draws.values["nebular.escape_fraction"]
        mix_between(*arguments, node - self._first_node, share, self._n_row, absorbed, self._table, out)
        emitted = out[: len(draws)]
        lines, pixels, bands = itertools.pairwise(np.cumsum([0, *self._sizes]))
        return emitted[:, slice(*lines)], emitted[:, slice(*pixels)], emitted[:, slice(*bands)]

    def project(self, projection: Projection, tolerance: float) -> None:
        """See `NebularStage`; the columns of all tabulated nebulae are reduced to low-rank bases."""
        shape = self._lines.shape[:-1]
        lines, continuum = (table.reshape(-1, table.shape[-1]) for table in (self._lines, self._continuum))
        pixels = low_rank_basis(matmul(continuum, projection.node_pixels), tolerance, first_size=24)
        bands = matmul(continuum, projection.node_bands) + matmul(lines, projection.line_bands)
        bands = low_rank_basis(bands, 0.5 * tolerance, first_size=48)
        self.pixel_vectors, self.band_vectors = pixels.vectors, bands.vectors
        self.line_wave_aa = self.line_wave_aa[projection.lines]
        factors = pixels.coefficients, bands.coefficients
        self._tables = [self._lines[..., projection.lines], *(f.reshape(*shape, -1) for f in factors)]
        self._stack()

    @property
    def glows(self) -> bool:
        """Whether any population of the library is young enough to emit."""
        return self._stop_age > 0

    def restore(self, state: dict) -> None:
        """As `Stored.restore`, the table where it is read fastest."""
        super().restore(state)
        self._table = pad_columns(self._table)

    def _stack(self) -> None:
        """The tables side by side on every SSP, those of the log U nodes one below the other."""
        self._sizes = [table.shape[-1] for table in self._tables]
        together = np.concatenate(self._tables, axis=-1)
        table = np.stack([self._model.per_ssp(together, *self._ssp, u) for u in self._log_u])
        self._n_row = table.shape[1] * table.shape[2]
        self._table = pad_columns(table.reshape(-1, table.shape[-1]))


class LKL10Stage(Stored):
    """Levesque, Kewley & Larson (2010) lines, with the recombination continuum of the same Hbeta."""

    STORED: ClassVar[tuple[str, ...]] = (
        *("line_wave_aa", "continuum_wave_aa", "pixel_vectors", "band_vectors"),
        *("_lines", "_kept", "_projected", "_ionizing"),
    )

    def __init__(self, recipe: Nebular):
        self._recipe = recipe

    def compile(self, plan: ParameterPlan, library: SSPLibrary) -> None:
        """Load the tables, and what scales them."""
        from sfhsim.nebular import load_lkl10
        from sfhsim.nebular.continuum import load_continuum

        recipe = self._recipe
        self._lines = load_lkl10(line_flux=recipe.line_flux)
        self.line_wave_aa = np.asarray(self._lines.line_wave_aa, dtype=np.float64)
        self._kept = np.arange(self.line_wave_aa.size)
        self._projected = False
        self._ionizing = None
        if recipe.scaling == "energy":
            if np.isnan(library.ionizing_luminosity_lsun).all():
                raise CoverageError(
                    f"nebular.scaling energy needs light below 911.75 A, which library {library.name!r} does not "
                    "hold: use scaling: sfr, or a library that reaches there (bc03-miles, emiles-spliced)"
                )
            self._ionizing = pad_columns(np.nan_to_num(library.ionizing_luminosity_lsun).reshape(-1, 1))
        continuum = load_continuum()
        self.continuum_wave_aa = continuum.wave_aa
        shape = continuum.per_hbeta(recipe.electron_temperature_k, recipe.electron_density_cm3)
        self.pixel_vectors, self.band_vectors = shape[None, :] * float(recipe.continuum), np.zeros((0, 0))

    def emission(self, draws: Draws, stars: Populations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `NebularStage`; Z is that of the youngest stars."""
        recipe = self._recipe
        if self._ionizing is None:
            scale = {"sfr_10myr": stars.sfr_10myr, "sfr_to_halpha": recipe.sfr_to_halpha}
        else:
            scale = {"ionizing_luminosity_lsun": self._ionizing_luminosity(stars)}
        lines = self._lines.line_luminosities(
            stars.metallicity[:, 0],
            scaling=recipe.scaling,
            ionization_q=draws.values.get("nebular.ionization_q_cm_s"),
            escape_fraction=draws.values["nebular.escape_fraction"],
            **scale,
        )
        hbeta = self._lines.hbeta_luminosity(lines)[:, None]
        bands = np.concatenate([lines, hbeta], axis=1) if self._projected else np.zeros((len(lines), 0))
        return lines[:, self._kept], hbeta, bands

    def project(self, projection: Projection, tolerance: float) -> None:
        """See `NebularStage`."""
        shape = self.pixel_vectors
        self.pixel_vectors = matmul(shape, projection.node_pixels)
        self.band_vectors = np.concatenate([projection.line_bands, matmul(shape, projection.node_bands)])
        self.line_wave_aa, self._kept = self.line_wave_aa[projection.lines], projection.lines
        self._projected = True

    def _ionizing_luminosity(self, stars: Populations) -> np.ndarray:
        from sfhsim.kernels.mixing import mix

        out = block_rows(len(stars.mass), self._ionizing.shape[1])
        mix(stars.mass, stars.lower, stars.upper_share, 0, stars.mass.shape[1], self._ionizing, out)
        return out[: len(stars.mass), 0].astype(np.float64)
