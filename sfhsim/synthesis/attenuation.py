"""The one place where dust is applied: to columns, to lines, and for the bolometer.

    light = T_screen [screened + T_birth clouded] + bare

Every source says by its dust path where it stands (`DUST_PATHS`): old stars behind the screen, young stars and their
nebulae in birth clouds behind it, dust emission before all dust.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sfhsim.dust import TwoComponentDust
from sfhsim.linear import matmul
from sfhsim.recipe.model import Recipe
from sfhsim.sources import DUST_PATHS
from sfhsim.synthesis.blocks import pad_rows, tile_columns
from sfhsim.synthesis.draws import Draws

if TYPE_CHECKING:
    from sfhsim.kernels.spectra import ColumnLight, Observation
    from sfhsim.synthesis.sources import Source


class DustStage:
    """The two dust components for drawn parameters."""

    def __init__(self, recipe: Recipe):
        self._dust = TwoComponentDust(recipe.dust.birth.law, recipe.dust.screen.law)

    def through(self, path: str, lines: np.ndarray, wave_aa: np.ndarray, draws: Draws) -> np.ndarray:
        """Lines (n, n_line) at rest-frame wavelengths (n_line,) after the dust on their path."""
        if path == "none":
            return lines
        birth, screen = self._dust.transmission(wave_aa, self._params(draws), n=len(draws), dtype=np.float64)
        return lines * birth * screen if path == "birth_and_screen" else lines * screen

    def depths(self, wave_aa: np.ndarray, draws: Draws) -> tuple[np.ndarray, ...]:
        """tau (n,) and curve (1 or n, m) float32 of the birth clouds, then of the screen."""
        depths = self._dust.depths(wave_aa, self._params(draws), n=len(draws), dtype=np.float32)
        return tuple(
            part
            for tau, curve in depths
            for part in (np.ascontiguousarray(tau), np.ascontiguousarray(curve, dtype=np.float32))
        )

    @staticmethod
    def _params(draws: Draws) -> dict[str, np.ndarray]:
        params: dict[str, np.ndarray] = {}
        for component in ("birth", "screen"):
            start = f"dust.{component}."
            own = {name.removeprefix(start): value for name, value in draws.values.items() if name.startswith(start)}
            params |= {f"{name}_{component}": value for name, value in own.items()}
        return params


@dataclass(frozen=True)
class Layout:
    """What all batches share of a panel with m columns.

    Attributes
    ----------
    wave_aa : (m,) rest-frame, of the columns.
    vectors : (k, m) of each source in the panel, by name.
    paths : dust path of each source.
    stars : names of those that are stars.
    tiles : by dust path, the vectors of its sources one below the other, as `tile_columns` cuts them.
    """

    wave_aa: np.ndarray
    vectors: dict[str, np.ndarray]
    paths: dict[str, str]
    stars: tuple[str, ...]
    tiles: dict[str, np.ndarray]


def lay_out(sources: dict[str, Source], panel: str, wave_aa: np.ndarray) -> Layout:
    """The layout of a panel for ``sources``, the vectors of later ones below those of earlier ones."""
    vectors = {name: source.vectors[panel] for name, source in sources.items()}
    paths = {name: source.dust for name, source in sources.items()}
    tiles = {}
    for path in DUST_PATHS:
        own = [v for name, v in vectors.items() if paths[name] == path]
        tiles[path] = tile_columns(np.concatenate([*own, np.zeros((0, wave_aa.size))]))
    return Layout(wave_aa, vectors, paths, tuple(name for name, s in sources.items() if s.is_stars), tiles)


@dataclass(frozen=True)
class PanelLight:
    """Light of n galaxies at the m columns of a panel, before multiplication and dust: ``coefficients`` (n, k) of the
    vectors of each source, by name."""

    coefficients: dict[str, np.ndarray]
    layout: Layout
    dust: DustStage
    draws: Draws

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)"""
        return len(self.draws), self.layout.wave_aa.size

    def starlight(self, column: int) -> np.ndarray:
        """(n,) of all stars in one column, without dust."""
        vectors = self.layout.vectors
        parts = [matmul(self.coefficients[name], vectors[name][:, column, None]) for name in self.layout.stars]
        return sum(parts[1:], start=parts[0])[:, 0]

    def emitted_sum(self, n_column: int) -> np.ndarray:
        """(n,) sum over the first columns of all light without dust, in float64."""
        total = np.zeros(self.shape[0])
        for name, coefficients in self.coefficients.items():
            of_vectors = matmul(self.layout.vectors[name][:, :n_column], np.ones((n_column, 1)))
            total += matmul(coefficients, of_vectors)[:, 0]
        return total

    @cached_property
    def columns(self) -> np.ndarray:
        """(n, m) float32, attenuated."""
        from sfhsim.kernels.spectra import attenuated_light

        out = np.empty(self.shape, dtype=np.float32)
        attenuated_light(self._for_kernel(), out)
        return out

    def observe(self, observation: Observation) -> tuple[np.ndarray, ...]:
        """As `Spectra.observe`, attenuated while they are observed."""
        from sfhsim.kernels.spectra import observe_light

        return _observe(observe_light, (self._for_kernel(), observation), np.empty(self.shape, np.float32), observation)

    def absorbed_sums(self, *n_columns: int) -> list[np.ndarray]:
        """(n, 2) sums over the first columns of what birth clouds and screen take out, for each number of columns."""
        from sfhsim.kernels.absorption import absorbed_energy
        from sfhsim.kernels.spectra import TILE

        light, sums = self._for_kernel(), []
        for n_column in n_columns:
            first = {name: getattr(light, name)[:, :n_column].copy() for name in ("curve_birth", "curve_screen")}
            for name in ("screened_vectors", "clouded_vectors"):
                first[name] = getattr(light, name)[: -(-n_column // TILE)]
            sums.append(np.empty((self.shape[0], 2)))
            absorbed_energy(light._replace(**first), sums[-1])
        return sums

    def _for_kernel(self) -> ColumnLight:
        from sfhsim.kernels.spectra import ColumnLight

        screened, clouded, bare = (self._on(path) for path in ("screen", "birth_and_screen", "none"))
        return ColumnLight(*screened, *clouded, *self.dust.depths(self.layout.wave_aa, self.draws), *bare)

    def _on(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        """Padded coefficients and tiles of the sources on a dust path."""
        tiles = self.layout.tiles[path]
        own = [c for name, c in self.coefficients.items() if self.layout.paths[name] == path]
        none = np.zeros((self.shape[0], 0), dtype=np.float32)
        coefficients = own[0] if len(own) == 1 else np.concatenate([*own, none], axis=1)
        if coefficients.shape != (self.shape[0], tiles.shape[1]):
            raise ValueError(f"coefficients {coefficients.shape} for {tiles.shape[1]} vectors (dust: {path})")
        return pad_rows(coefficients), tiles


@dataclass(frozen=True)
class Spectra:
    """Rest-frame flux density ``flux`` (n, m) float32 that is ready to be observed."""

    flux: np.ndarray

    def observe(self, observation: Observation) -> tuple[np.ndarray, ...]:
        """Noisy spectra, errors, noise-free spectra (n, m) float32 each, and which have light (n,).

        ``flux`` is changed.
        """
        from sfhsim.kernels.spectra import observe_spectra

        return _observe(observe_spectra, (observation,), self.flux, observation)


def _observe(kernel, arguments: tuple, flux: np.ndarray, observation: Observation) -> tuple[np.ndarray, ...]:
    noisy = np.empty_like(flux) if observation.model else flux
    error = np.empty_like(flux) if observation.model else np.zeros_like(flux)
    lit = np.empty(len(flux), dtype=np.bool_)
    kernel(*arguments, flux, noisy, error, lit)
    return noisy, error, flux, lit
