"""What photometers of all kinds have in common: names, curves and rest-frame ranges of the filters."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.instrument.filters import Filter
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.detectors import Lines, Reading
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.serialization import Stored


class Photometer(Stored):
    """Names, curves and rest-frame ranges of the filters."""

    STORED: ClassVar[tuple[str, ...]] = ("column_wave_aa",)
    stars_only = False

    def __init__(self, recipe: Recipe, plan: ParameterPlan, filters: list[Filter]):
        self._recipe, self._plan, self.filters = recipe, plan, filters
        self.pivot_wave_aa = np.array([f.pivot_wave_aa for f in self.filters])
        low_z, high_z = plan.bounds("redshift")
        if not np.isfinite(high_z):
            raise RecipeError("redshift needs an upper limit: give its distribution a max")
        ranges = [f.significant_range_aa() for f in self.filters]
        self.rest_ranges_aa = [(low / (1 + high_z), high / (1 + low_z)) for low, high in ranges]
        # whole curves, with room for the width of a line
        self._reach_aa = [
            (f.wave_aa[0] / (1 + high_z) * 0.98, f.wave_aa[-1] / (1 + low_z) * 1.02) for f in self.filters
        ]

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """None of the lines one by one: they come with the columns."""
        return np.zeros(lines.wave_aa.shape, dtype=bool)

    def line_columns(self, lines: Lines) -> np.ndarray | None:
        """None: lines are taken one by one."""

    def observe(self, reading: Reading, draws: Draws) -> np.ndarray:
        """As `FixedPhotometer.band_flux`."""
        return self.band_flux(reading.columns, reading.lines, draws)

    def _in_a_band(self, line_wave_aa: np.ndarray) -> np.ndarray:
        """Which lines (n_line,) may fall into a band."""
        seen = np.zeros(line_wave_aa.shape, dtype=bool)
        for low, high in self._reach_aa:
            seen |= (line_wave_aa >= low) & (line_wave_aa <= high)
        return seen

    def compile(self, library: SSPLibrary) -> None:
        """Lay out the columns."""

    def set_lines(self, lines: list[Lines]) -> None:
        """Nothing to compile: lines come with the columns."""

    def describe(self) -> list[dict]:
        """The bands as plain data: name, pivot and width, where the curve comes from and its checksum."""
        return [
            {
                "name": f.name,
                "pivot_wave_aa": f.pivot_wave_aa,
                "effective_width_aa": f.effective_width_aa,
                "source": f.source,
                "sha256": f.checksum(),
            }
            for f in self.filters
        ]


class NoPhotometer(Photometer):
    """A recipe without bands."""

    def __init__(self, recipe: Recipe, plan: ParameterPlan, filters: list[Filter]):
        super().__init__(recipe, plan, filters)
        self.column_wave_aa = np.zeros(0)

    def line_columns(self, lines: Lines) -> np.ndarray:
        """(n_line, 0)"""
        return np.zeros((lines.wave_aa.size, 0))

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """(k, 0)"""
        return np.zeros((len(flux), 0))

    def band_flux(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """(n, 0)"""
        return np.zeros((len(draws), 0))
