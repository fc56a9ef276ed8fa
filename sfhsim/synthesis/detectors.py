"""What looks at a galaxy: detectors, and the panels of columns that they share.

A detector owns columns: rest-frame wavelengths at which it needs light, and a linear operator that brings spectra
there. Dust is applied at the columns (`sfhsim.synthesis.attenuation`), then the detector observes them.

What means in windows of wavelength can tell is a measurement (`sfhsim.instrument.measurements`), no code here. To make
another detector, write a class with what `Detector` names and put it into a panel in `LightModel._make_detectors`
(`sfhsim.synthesis.light`): into one of its own, or into one whose columns may share a low-rank basis with it. What it
measures of a batch is ``detector.observe(light_model.reading(light, detector), draws)``. Sources need not know of it:
they are compiled for every panel there is. Pixels are in `spectrograph`, bands in `photometer`, energies in
`bolometer`, windows in `windows`, and A_V is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sfhsim import elementary
from sfhsim.instrument import rebin_operator
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.synthesis.attenuation import PanelLight
from sfhsim.synthesis.basis import TemplateBasis, low_rank_basis
from sfhsim.synthesis.draws import Draws

REFERENCE_BAND_AA = (5450.0, 5550.0)


@dataclass(frozen=True)
class Lines:
    """Emission lines of one source: ``wave_aa`` (n_line,) at rest, and the names of the parameters that are their
    velocity dispersion and their velocity against the stars in km/s, "" where they have none."""

    wave_aa: np.ndarray
    width: str
    offset: str = ""

    def __getitem__(self, index: np.ndarray) -> Lines:
        return Lines(self.wave_aa[index], self.width, self.offset)


@dataclass(frozen=True)
class Reading:
    """What a detector is shown: the light of its panel, its own columns there, and lines (n, n_line) after dust."""

    light: PanelLight
    own: slice
    lines: np.ndarray | None

    @property
    def columns(self) -> np.ndarray:
        """(n, n_column) attenuated."""
        return self.light.columns[:, self.own]


class Detector(Protocol):
    """What the simulator asks of a detector, in this order: compile, the columns of sources, lines, then readings.

    Attributes
    ----------
    stars_only : whether it is blind to all sources but stars.
    column_wave_aa : (n_column,) rest-frame, where dust is taken.
    """

    stars_only: bool
    column_wave_aa: np.ndarray

    def compile(self, library: SSPLibrary) -> None:
        """Lay out the columns for the wavelengths of a library."""

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """Columns (k, n_column) of spectra ``flux`` (k, n_wave), on the library's ``wave_aa`` or on others over all
        of its range, which a spectrograph takes as means over the library's pixels."""
        ...

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """Which lines (n_line,) it has to be given one by one."""
        ...

    def line_columns(self, lines: Lines) -> np.ndarray | None:
        """Columns (n_line, n_column) of lines of 1 Lsun, None where it is given them one by one."""
        ...

    def set_lines(self, lines: list[Lines]) -> None:
        """All lines that readings hold, source by source."""

    def observe(self, reading: Reading, draws: Draws):
        """What it measures of a batch."""
        ...

    def state(self) -> dict:
        """What was compiled; see `sfhsim.synthesis.serialization`."""
        ...

    def restore(self, state: dict) -> None:
        """Take what `state` gave instead of compiling."""


class ReferenceBand:
    """The light of stars between 5450 and 5550 A, with and without dust: A_V."""

    stars_only = True

    def __init__(self):
        self.column_wave_aa = np.array([np.mean(REFERENCE_BAND_AA)])

    def compile(self, library: SSPLibrary) -> None:
        """Nothing depends on the library."""

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """(k, 1) means over the band."""
        return (rebin_operator(wave_aa, np.array(REFERENCE_BAND_AA)).astype(np.float32) @ flux.T).T

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """None of them."""
        return np.zeros(lines.wave_aa.shape, dtype=bool)

    def line_columns(self, lines: Lines) -> None:
        """None."""

    def set_lines(self, lines: list[Lines]) -> None:
        """Nothing to compile."""

    def observe(self, reading: Reading, draws: Draws) -> np.ndarray:
        """A_V (n,) in magnitudes."""
        return -2.5 * elementary.log10(reading.columns[:, 0] / reading.light.starlight(reading.own.start))

    def state(self) -> dict:
        """Nothing was compiled."""
        return {}

    def restore(self, state: dict) -> None:
        """Nothing to restore."""


@dataclass(frozen=True)
class Panel:
    """Detectors whose columns lie side by side in one low-rank basis.

    Attributes
    ----------
    name : of the panel.
    detectors : at least one.
    star_tolerance, gas_tolerance : of the bases of stars and of nebulae, in units of that of the simulator.
    is_summed : whether only the sum of its columns counts, so that they need not all be as exact.
    """

    name: str
    detectors: tuple[Detector, ...]
    star_tolerance: float = 1.0
    gas_tolerance: float = 1.0
    is_summed: bool = False

    def basis(self, columns: np.ndarray, tolerance: float, first_size: int) -> TemplateBasis:
        """The low-rank basis of ``columns`` (k, n_column) in this panel."""
        return low_rank_basis(columns, tolerance, first_size=first_size, scale_columns=not self.is_summed)

    @property
    def column_wave_aa(self) -> np.ndarray:
        """(n_column,) of all its detectors."""
        return _side_by_side([d.column_wave_aa for d in self.detectors], axis=0)

    def own(self, detector: Detector) -> slice:
        """The columns of a detector."""
        before = self.detectors[: next(k for k, d in enumerate(self.detectors) if d is detector)]
        start = sum(d.column_wave_aa.size for d in before)
        return slice(start, start + detector.column_wave_aa.size)

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray, are_stars: bool = False) -> np.ndarray:
        """Columns (k, n_column) of spectra (k, n_wave), zero where a detector sees stars only and these are not."""
        parts = [
            np.zeros((len(flux), d.column_wave_aa.size), dtype=np.float32)
            if d.stars_only and not are_stars
            else d.columns(wave_aa, flux)
            for d in self.detectors
        ]
        return _side_by_side(parts, axis=1)

    def line_columns(self, lines: Lines) -> np.ndarray | None:
        """Columns (n_line, n_column) of lines of 1 Lsun; None where no detector takes lines so."""
        parts = [None if d.stars_only else d.line_columns(lines) for d in self.detectors]
        if all(part is None for part in parts):
            return None
        sizes = [d.column_wave_aa.size for d in self.detectors]
        zeros = [np.zeros((lines.wave_aa.size, size)) for size in sizes]
        return _side_by_side([z if p is None else p for p, z in zip(parts, zeros, strict=True)], axis=1)


class Detectors:
    """All detectors of a recipe, in their panels."""

    def __init__(self, panels: list[Panel]):
        self.panels = {panel.name: panel for panel in panels}
        self._of_library: dict[str, np.ndarray] = {}

    def __iter__(self) -> Iterator[Detector]:
        return (detector for panel in self.panels.values() for detector in panel.detectors)

    def panel_of(self, detector: Detector) -> Panel:
        """The panel that a detector stands in."""
        return next(panel for panel in self.panels.values() if any(d is detector for d in panel.detectors))

    def of_library(self, library: SSPLibrary) -> dict[str, np.ndarray]:
        """Columns (n_metallicity, n_age, n_column) of all templates for each panel; kept until `forget`."""
        if not self._of_library:
            for name, panel in self.panels.items():
                parts = [panel.columns(library.wave_aa, np.asarray(flux), are_stars=True) for flux in library.flux]
                self._of_library[name] = np.stack(parts)
        return self._of_library

    def forget(self) -> None:
        """Drop what `of_library` keeps."""
        self._of_library = {}

    def in_view(self, lines: Lines) -> np.ndarray:
        """Indices of the lines (n_line,) that a detector has to be given one by one."""
        seen = np.zeros(lines.wave_aa.shape, dtype=bool)
        for detector in self:
            if not detector.stars_only:
                seen |= detector.sees_lines(lines)
        return np.flatnonzero(seen)


def _side_by_side(parts: list[np.ndarray], axis: int) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)
