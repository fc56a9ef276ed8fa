"""The light of galaxies, per Msun formed: all sources, through dust, to the panels of all detectors.

    light = T_screen [old stars + T_birth (young stars + nebulae)] + what stands before the dust

`sfhsim.sources.base` and `sfhsim.synthesis.sources` say how a new source is made, `sfhsim.synthesis.detectors` how a
new detector is. Sources are evaluated in three turns: stars; those that know the starlight; those that know what dust
absorbed of all before.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.sources import Surroundings
from sfhsim.synthesis.attenuation import DustStage, Layout, PanelLight, lay_out
from sfhsim.synthesis.bolometer import Bolometer, DustEnergy
from sfhsim.synthesis.detectors import Detector, Detectors, Panel, Reading, ReferenceBand
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.emission import Emission
from sfhsim.synthesis.populations import Populations
from sfhsim.synthesis.sources import Source, StarSource, make_sources
from sfhsim.synthesis.windows import window_detectors


@dataclass(frozen=True)
class Light:
    """Light of n galaxies; Lsun/Angstrom (lines: Lsun) at rest per Msun formed.

    Attributes
    ----------
    panels : light at the columns of each panel; `LightModel.reading` shows it to a detector.
    lines : (n, n_line) after dust, or None without any.
    a_v_mag : (n,) attenuation of the stars at 5500 A.
    energy : what dust absorbs, where a source needs it, else None.
    """

    panels: dict[str, PanelLight]
    lines: np.ndarray | None
    a_v_mag: np.ndarray
    energy: DustEnergy | None


class LightModel:
    """Compiled from a recipe, a library and the instruments.

    Attributes
    ----------
    sources, detectors : by name, in their order; and the panels.
    mean_light : (n_metallicity, n_age), each template's mean over the spectrograph's columns.
    """

    def __init__(self, recipe: Recipe, spectrograph: Detector, photometer: Detector):
        self.spectrograph, self.photometer, self.reference = spectrograph, photometer, ReferenceBand()
        self.sources: dict[str, Source] = make_sources(recipe)
        needs_energy = any(source.needs_absorbed for source in self.sources.values())
        self.bolometer = Bolometer(recipe) if needs_energy else None
        self.windows = window_detectors(recipe)
        self.detectors = self._make_detectors()
        self._dust = DustStage(recipe)

    def _make_detectors(self) -> Detectors:
        """All panels. A band averages over its columns: its stars may be twice as wrong; A_V shares its basis."""
        panels = [
            Panel("pixels", (self.spectrograph,)),
            Panel("bands", (self.photometer, self.reference), star_tolerance=2.0, gas_tolerance=0.5),
        ]
        if self.bolometer is not None:  # energies are to balance
            panels.append(Panel("energy", (self.bolometer,), star_tolerance=0.1, gas_tolerance=0.1, is_summed=True))
        if self.windows:
            panels.append(Panel("windows", self.windows, star_tolerance=0.5, gas_tolerance=0.5))
        return Detectors(panels)

    @property
    def old(self) -> StarSource:
        """Stars outside the birth clouds."""
        return self.sources["old"]

    @property
    def young(self) -> StarSource:
        """Stars in the birth clouds."""
        return self.sources["young"]

    @property
    def nebular(self) -> Source | None:
        """Emission of ionised gas, if there is any."""
        return self.sources.get("nebular")

    def compile(self, plan: ParameterPlan, library: SSPLibrary, tolerance: float) -> None:
        """Bases of all sources, with spectrograph and photometer compiled already."""
        if self.bolometer is not None:
            self.bolometer.compile(library)
        for detector in self.windows:
            detector.compile(library)
        for source in self.sources.values():
            source.compile(plan, library, self.detectors, tolerance)
        self.mean_light = self.detectors.of_library(library)["pixels"].mean(axis=2, dtype=np.float64)
        self.detectors.forget()
        lines = [source.lines for source in self.sources.values() if source.lines is not None]
        if lines:
            for detector in self.detectors:
                detector.set_lines(lines)

    def state(self) -> dict:
        """What was compiled of the sources and of the detectors that belong to the light alone."""
        state = {"mean_light": self.mean_light, "sources": {name: s.state() for name, s in self.sources.items()}}
        return state | ({} if self.bolometer is None else {"bolometer": self.bolometer.state()})

    def restore(self, state: dict) -> None:
        """Take what `state` gave; spectrograph and photometer are restored already."""
        self.mean_light = state["mean_light"]
        if self.bolometer is not None:
            self.bolometer.restore(state["bolometer"])
        for name, source in self.sources.items():
            source.restore(state["sources"][name])

    @functools.cached_property
    def _layouts(self) -> dict[str, Layout]:
        """Of each panel; made for the first batch, when what was restored has been checked."""
        behind_dust = {name: source for name, source in self.sources.items() if source.dust != "none"}
        return {
            name: lay_out(behind_dust if name == "energy" else self.sources, name, panel.column_wave_aa)
            for name, panel in self.detectors.panels.items()
        }

    def evaluate(self, draws: Draws, stars: Populations) -> Light:
        """The light of a batch; A_V and energies are read here, for sources need them."""
        starlight, others, glowing = self._turns()
        emissions = {name: self.sources[name].emission(draws, stars, None) for name in starlight}
        reference, surroundings, energy = self.detectors.panels["bands"].own(self.reference), None, None
        if glowing or any(self.sources[name].needs_starlight for name in others):
            surroundings = Surroundings(self._in("bands", emissions, draws).starlight(reference.start))
        emissions |= {name: self.sources[name].emission(draws, stars, surroundings) for name in others}
        if self.bolometer is not None:
            energy = self.bolometer.observe(Reading(self._in("energy", emissions, draws), slice(None), None), draws)
            absorbed = energy.absorbed_birth_lsun, energy.absorbed_screen_lsun
            surroundings = Surroundings(surroundings.starlight_5500_lsun_aa, *absorbed)
            emissions |= {name: self.sources[name].emission(draws, stars, surroundings) for name in glowing}
        emissions = {name: emissions[name] for name in self.sources}  # in the order of their vectors
        panels = {name: self._in(name, emissions, draws) for name in self.detectors.panels}
        a_v_mag = self.reference.observe(Reading(panels["bands"], reference, None), draws)
        return Light(panels, self._lines(emissions, draws), a_v_mag, energy)

    def reading(self, light: Light, detector: Detector) -> Reading:
        """What a detector of any panel is shown of a batch's light."""
        panel = self.detectors.panel_of(detector)
        return Reading(light.panels[panel.name], panel.own(detector), light.lines)

    def _turns(self) -> tuple[list[str], list[str], list[str]]:
        """Names of stars, of sources that know the starlight, and of those that know what dust absorbs."""
        stars = [name for name, source in self.sources.items() if source.is_stars]
        glowing = [name for name, source in self.sources.items() if source.needs_absorbed]
        return stars, [name for name in self.sources if name not in (*stars, *glowing)], glowing

    def _in(self, panel: str, emissions: dict[str, Emission], draws: Draws) -> PanelLight:
        layout = self._layouts[panel]
        coefficients = {name: e.coefficients[panel] for name, e in emissions.items() if name in layout.vectors}
        return PanelLight(coefficients, layout, self._dust, draws)

    def measured(self, light: Light, draws: Draws) -> dict[str, np.ndarray]:
        """(n,) of each of the recipe's measurements, by the names of their truths."""
        return {detector.truth: detector.observe(self.reading(light, detector), draws) for detector in self.windows}

    def _lines(self, emissions: dict[str, Emission], draws: Draws) -> np.ndarray | None:
        """(n, n_line) of all sources, after the dust on their paths; None without any."""
        parts = []
        for name, source in self.sources.items():
            lines = emissions[name].lines
            if source.lines is not None and lines is not None:
                parts.append(self._dust.through(source.dust, lines, source.lines.wave_aa, draws))
        if len(parts) < 2:
            return parts[0] if parts else None
        return np.concatenate(parts, axis=1)
