"""From rest-frame light to mean flux densities of bands, compiled for fixed or for drawn redshift.

Both forms own columns: quantities linear in the spectrum at which dust is applied afterwards.

- `FixedPhotometer`: columns are Chebyshev nodes of each filter (`sfhsim.instrument.photometry`).
- `MovingLinesPhotometer`: the same, with lines one by one, where gas moves against the stars at drawn velocities.
- `VaryingPhotometer`: columns are narrow cells of rest-frame wavelength, weighed by filters shifted to each redshift
  (`sfhsim.kernels.bands`).
- `LogPhotometer`: ProSpect's form. Its broadened spectrum is interpolated linearly in log flux, which takes the
  logarithmic mean (b - a)/ln(b/a) between native pixels a and b instead of their mean: up to 0.005 mag fainter where
  the templates are jagged (old stars in the near ultraviolet). Columns are native pixels.
- `PartialPhotometer`: one of these for the bands that the library reaches, the others are missing.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.instrument.filters import Filter
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.detectors import Lines
from sfhsim.synthesis.draws import LINE_OFFSET, Draws, ParameterPlan
from sfhsim.synthesis.photometer_base import NoPhotometer, Photometer
from sfhsim.synthesis.photometer_fixed import FixedPhotometer
from sfhsim.synthesis.photometer_varying import LogPhotometer, MovingLinesPhotometer, VaryingPhotometer


class PartialPhotometer(Photometer):
    """Measures the bands that the library reaches at every redshift, as if there were no others; those are NaN."""

    STORED: ClassVar[tuple[str, ...]] = ("covered",)

    def compile(self, library: SSPLibrary) -> None:
        """Find the bands that are covered, and compile their photometer."""
        low_z, high_z = self._plan.bounds("redshift")
        blue_aa, red_aa = library.wave_aa[0] * (1 + high_z), library.wave_aa[-1] * (1 + low_z)
        ranges = [f.significant_range_aa() for f in self.filters]
        self._measure(np.array([low >= blue_aa and high <= red_aa for low, high in ranges]))
        self._measured.compile(library)

    def _measure(self, covered: np.ndarray) -> None:
        self.covered = covered
        filters = [f for f, seen in zip(self.filters, covered, strict=True) if seen]
        self._measured = _whole_photometer(self._recipe, self._plan, filters)
        self.rest_ranges_aa = self._measured.rest_ranges_aa

    def state(self) -> dict:
        """As `Stored.state`, with that of the photometer of the bands that are covered."""
        return super().state() | {"measured": self._measured.state()}

    def restore(self, state: dict) -> None:
        """As `Stored.restore`."""
        self._measure(state["covered"])
        self._measured.restore(state["measured"])

    @property
    def column_wave_aa(self) -> np.ndarray:
        """Of the bands that are covered."""
        return self._measured.column_wave_aa

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """As those of `VaryingPhotometer`, in the bands that are covered."""
        return self._measured.sees_lines(lines)

    def set_lines(self, lines: list[Lines]) -> None:
        """As `Photometer.set_lines`."""
        self._measured.set_lines(lines)

    def line_columns(self, lines: Lines) -> np.ndarray | None:
        """As `FixedPhotometer.line_columns` or `VaryingPhotometer.line_columns`."""
        return self._measured.line_columns(lines)

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """See `Detector`."""
        return self._measured.columns(wave_aa, flux)

    def band_flux(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """As `FixedPhotometer.band_flux`, NaN in the bands that are not covered."""
        out = np.full((len(draws), len(self.filters)), np.nan)
        out[:, self.covered] = self._measured.band_flux(attenuated, lines, draws)
        return out

    def describe(self) -> list[dict]:
        """As `Photometer.describe`; ``missing`` is true for bands that no galaxy has."""
        bands = zip(super().describe(), self.covered, strict=True)
        return [band if seen else band | {"missing": True} for band, seen in bands]


def make_photometer(recipe: Recipe, plan: ParameterPlan, filters: list[Filter]) -> Photometer:
    """The photometer that a recipe needs, with its ``filters``; to be compiled."""
    if recipe.photometry.missing == "allow":
        return PartialPhotometer(recipe, plan, filters)
    return _whole_photometer(recipe, plan, filters)


def _whole_photometer(recipe: Recipe, plan: ParameterPlan, filters: list[Filter]) -> Photometer:
    """The photometer of bands that the library reaches, all of them."""
    if not filters:
        return NoPhotometer(recipe, plan, filters)
    if recipe.photometry.interpolation == "log":
        return LogPhotometer(recipe, plan, filters)
    if plan.constant("redshift") is None:
        return VaryingPhotometer(recipe, plan, filters)
    moving = LINE_OFFSET in plan.names and plan.constant(LINE_OFFSET) is None
    return (MovingLinesPhotometer if moving else FixedPhotometer)(recipe, plan, filters)
