"""The bolometer: energy of all light behind dust, and what birth clouds and screen absorb of it.

    absorbed = Int L (1 - T) dlambda = sum_s (1 - T(x_s)) N_s,      N_s = Int L l_s dlambda

T is smooth in ln(lambda): it is interpolated between Chebyshev nodes x_s of narrow cells, l_s their cardinal
polynomials. N_s is linear in L. Cells end where a dust law bends (its attribute ``breaks_aa``, where it has one). A
library's light is the sum over its pixels, as in `sfhsim.synthesis.galaxy`. Every line counts, at its own wavelength.

It is compiled only where a source asks for absorbed energy, and is alone in its panel.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sfhsim import elementary
from sfhsim.constants import LYMAN_LIMIT_AA
from sfhsim.dust import get_dust_law
from sfhsim.instrument import pixel_edges
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.detectors import Lines, Reading
from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.serialization import Stored

N_NODE = 5
# between these wavelengths, the largest width of a cell in ln(wavelength)
ZONES = (
    *((0.0, 300.0, 1.0), (300.0, LYMAN_LIMIT_AA, 0.4), (LYMAN_LIMIT_AA, 1600.0, 0.3), (1600.0, 3000.0, 0.1)),
    *((3000.0, 3.0e4, 0.4), (3.0e4, 1.0e6, 1.0), (1.0e6, np.inf, 5.0)),
)
REDDEST_LINE_AA = 1.0e8


@dataclass(frozen=True)
class DustEnergy:
    """Per Msun formed, (n,) each in Lsun: emitted behind dust, absorbed in birth clouds and in the screen.

    Light below the Lyman limit counts as far as it escapes the gas: the rest is in the light of the nebulae.
    """

    emitted_lsun: np.ndarray
    absorbed_birth_lsun: np.ndarray
    absorbed_screen_lsun: np.ndarray


class Bolometer(Stored):
    """See the module."""

    STORED: ClassVar[tuple[str, ...]] = ("column_wave_aa",)
    stars_only = False

    def __init__(self, recipe: Recipe):
        laws = (get_dust_law(component.law) for component in (recipe.dust.birth, recipe.dust.screen))
        self._has_nebulae = recipe.nebular.model != "none"
        self._breaks_aa = sorted({float(wave) for law in laws for wave in getattr(law, "breaks_aa", ())})

    def compile(self, library: SSPLibrary) -> None:
        """Cells over all wavelengths of a library, and of lines."""
        low, high = float(library.wave_aa[0]), max(float(library.wave_aa[-1]), REDDEST_LINE_AA)
        known = {low, high, *self._breaks_aa, *(zone[0] for zone in ZONES)}
        borders = sorted(wave for wave in known if low <= wave <= high)
        edges = [np.array([low])]
        for start, stop in itertools.pairwise(borders):
            (width,) = (w for first, last, w in ZONES if first <= start < last)
            n = int(np.ceil(float(elementary.log(stop / start)) / width))
            edges.append(elementary.geomspace(start, stop, n + 1)[1:])
        self._log_edges = elementary.log(np.concatenate(edges))
        half, middle = 0.5 * np.diff(self._log_edges), 0.5 * (self._log_edges[1:] + self._log_edges[:-1])
        angle = np.pi * (np.arange(N_NODE)[::-1] + 0.5) / N_NODE
        self._barycentric = elementary.sin(angle) * (-1.0) ** np.arange(N_NODE)
        self._log_nodes = middle[:, None] + half[:, None] * elementary.cos(angle)
        self.column_wave_aa = elementary.exp(self._log_nodes.ravel())

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """N_s (k, n_column) of spectra (k, n_wave), in Lsun for Lsun/Angstrom."""
        wave_aa = np.asarray(wave_aa, dtype=np.float64)
        width_aa = np.diff(pixel_edges(wave_aa))
        cell, cardinal = self._cardinal(wave_aa)
        out = np.zeros((len(flux), self.column_wave_aa.size))
        starts = np.searchsorted(cell, np.arange(len(self._log_nodes) + 1))
        for k in np.flatnonzero(np.diff(starts)):
            pixels = slice(starts[k], starts[k + 1])
            weights = cardinal[pixels] * width_aa[pixels, None]
            out[:, k * N_NODE : (k + 1) * N_NODE] = matmul(np.asarray(flux[:, pixels], dtype=np.float64), weights)
        return out

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """None one by one: they come with the columns."""
        return np.zeros(lines.wave_aa.shape, dtype=bool)

    def line_columns(self, lines: Lines) -> np.ndarray:
        """N_s (n_line, n_column) of lines of 1 Lsun."""
        cell, cardinal = self._cardinal(lines.wave_aa)
        out = np.zeros((lines.wave_aa.size, len(self._log_nodes), N_NODE))
        out[np.arange(lines.wave_aa.size), cell] = cardinal
        return out.reshape(lines.wave_aa.size, -1)

    def set_lines(self, lines: list[Lines]) -> None:
        """Nothing to compile: lines come with the columns."""

    def observe(self, reading: Reading, draws: Draws) -> DustEnergy:
        """What is emitted and absorbed."""
        light, n = reading.light, self.column_wave_aa.size
        n_ionizing = int(np.searchsorted(self.column_wave_aa, LYMAN_LIMIT_AA)) if self._has_nebulae else 0
        if not n_ionizing:
            return DustEnergy(light.emitted_sum(n), *light.absorbed_sums(n)[0].T.copy())
        used = 1.0 - draws.values["nebular.escape_fraction"]
        emitted = light.emitted_sum(n) - used * light.emitted_sum(n_ionizing)
        absorbed, of_used = light.absorbed_sums(n, n_ionizing)
        return DustEnergy(emitted, *(absorbed - used[:, None] * of_used).T.copy())

    def _cardinal(self, wave_aa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cell of each wavelength (m,), and the cardinal polynomials of its nodes there (m, N_NODE)."""
        log_wave = np.clip(elementary.log(wave_aa), self._log_edges[0], self._log_edges[-1])
        last = len(self._log_nodes) - 1
        cell = np.clip(np.searchsorted(self._log_edges, log_wave, side="right") - 1, 0, last)
        gap = log_wave[:, None] - self._log_nodes[cell]
        exact = gap == 0.0
        term = self._barycentric / np.where(exact, 1.0, gap)
        return cell, np.where(exact.any(axis=1)[:, None], exact, term / term.sum(axis=1, keepdims=True))
