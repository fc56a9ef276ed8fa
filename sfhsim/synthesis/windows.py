"""The detector of a measurement (`sfhsim.instrument.measurements`): mean flux densities in windows at rest.

Windows are cut into cells, at whose middles the dust is taken, so narrow that it is even there.
"""

from __future__ import annotations

import numpy as np

from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument import Measurement, rebin_operator
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.detectors import Lines, Reading
from sfhsim.synthesis.draws import Draws

WIDEST_CELL = 0.01  # of the wavelength
PREFIX = "measured."  # of the truths


class WindowDetector:
    """Compiled from a measurement; see `sfhsim.synthesis.detectors.Detector`."""

    stars_only = False

    def __init__(self, measurement: Measurement):
        self.measurement, self.truth = measurement, f"{PREFIX}{measurement.name}"
        windows = np.asarray(measurement.windows_aa, dtype=np.float64)
        counts = [max(1, int(np.ceil((high - low) / (WIDEST_CELL * low)))) for low, high in windows]
        self._edges = [np.linspace(low, high, n + 1) for (low, high), n in zip(windows, counts, strict=True)]
        self.column_wave_aa = np.concatenate([0.5 * (edges[1:] + edges[:-1]) for edges in self._edges])
        window = np.repeat(np.arange(len(counts)), counts)
        self._means = (window[:, None] == np.arange(len(counts))) / np.array(counts, dtype=np.float64)

    def compile(self, library: SSPLibrary) -> None:
        """Nothing depends on the library; CoverageError where it does not reach over the windows."""
        low, high = min(edges[0] for edges in self._edges), max(edges[-1] for edges in self._edges)
        if low < library.wave_aa[0] or high > library.wave_aa[-1]:
            raise CoverageError(
                f"measurement {self.measurement.name!r} needs {low:g}-{high:g} A, {library.name} covers "
                f"{library.wave_aa[0]:g}-{library.wave_aa[-1]:g} A"
            )

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """(k, n_column) means over the cells."""
        parts = [(rebin_operator(wave_aa, edges).astype(np.float32) @ flux.T).T for edges in self._edges]
        return np.concatenate(parts, axis=1)

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """None one by one: they come with the columns."""
        return np.zeros(lines.wave_aa.shape, dtype=bool)

    def line_columns(self, lines: Lines) -> np.ndarray:
        """(n_line, n_column) 1 over the width of the cell that a line is in."""
        wave = lines.wave_aa[:, None]
        parts = [((wave >= e[:-1]) & (wave < e[1:])) / np.diff(e) for e in self._edges]
        return np.concatenate(parts, axis=1)

    def set_lines(self, lines: list[Lines]) -> None:
        """Nothing to compile: lines come with the columns."""

    def observe(self, reading: Reading, draws: Draws) -> np.ndarray:
        """(n,) what is measured."""
        value = np.asarray(self.measurement.value(matmul(reading.columns, self._means)), dtype=np.float64)
        if value.shape != (len(draws),):
            raise RecipeError(
                f"measurement {self.measurement.name!r}: value of shape {value.shape}, expected ({len(draws)},)"
            )
        return value

    def state(self) -> dict:
        """Nothing was compiled."""
        return {}

    def restore(self, state: dict) -> None:
        """Nothing to restore."""


def window_detectors(recipe: Recipe) -> tuple[WindowDetector, ...]:
    """Those of a recipe's measurements, in order; to be compiled."""
    from sfhsim.instrument import get_measurement

    return tuple(WindowDetector(get_measurement(name)) for name in recipe.measurements)
