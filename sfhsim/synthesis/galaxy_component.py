"""Light of one source of a galaxy, as it is emitted and as the dust lets it pass: a part of the readable path."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sfhsim.constants import LYMAN_LIMIT_AA
from sfhsim.dust import TwoComponentDust
from sfhsim.instrument import pixel_edges


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Component:
    """Light of one source, for the total mass.

    Attributes
    ----------
    dust : where it stands, one of `sfhsim.sources.DUST_PATHS`.
    wave_aa : (n_wave,) the library's, for other sources with those that they need beside them.
    continuum : (n_wave,) emitted, Lsun/Angstrom.
    line_wave_aa, line_luminosity_lsun : (n_line,) emitted.
    line_width : the parameter that is the velocity dispersion of the lines.
    line_offset : the parameter that is their velocity against the stars, "" for none.
    birth, screen, line_birth, line_screen : (n_wave,) and (n_line,) transmissions on its path, 1 where none is.
    is_reemitted : whether its energy is that which dust absorbs of the others.
    """

    dust: str
    wave_aa: np.ndarray
    continuum: np.ndarray
    line_wave_aa: np.ndarray = field(default_factory=_none)
    line_luminosity_lsun: np.ndarray = field(default_factory=_none)
    line_width: str = ""
    line_offset: str = ""
    birth: np.ndarray = field(default_factory=_none)
    screen: np.ndarray = field(default_factory=_none)
    line_birth: np.ndarray = field(default_factory=_none)
    line_screen: np.ndarray = field(default_factory=_none)
    is_reemitted: bool = False

    def behind(self, dust: TwoComponentDust, params: dict[str, np.ndarray]) -> Component:
        """The same with its transmissions."""
        found: dict[str, Any] = {}
        for prefix, wave in (("", self.wave_aa), ("line_", self.line_wave_aa)):
            birth = screen = np.ones(wave.size)
            if wave.size and self.dust != "none":
                birth, screen = (part[0] for part in dust.transmission(wave, params, n=1))
            found[f"{prefix}birth"] = birth if self.dust == "birth_and_screen" else np.ones(wave.size)
            found[f"{prefix}screen"] = screen
        return dataclasses.replace(self, **found)

    @property
    def attenuated(self) -> np.ndarray:
        """(n_wave,) continuum after the dust, Lsun/Angstrom."""
        return self.continuum * self.birth * self.screen

    @property
    def attenuated_lines_lsun(self) -> np.ndarray:
        """(n_line,) after the dust."""
        return self.line_luminosity_lsun * self.line_birth * self.line_screen

    def energy_lsun(self, escape_fraction: float = 1.0) -> np.ndarray:
        """(4,) emitted, absorbed in birth clouds, absorbed in the screen, and left.

        Light below the Lyman limit counts as far as it escapes the gas.
        """
        energy, counted = np.zeros(4), np.where(self.wave_aa < LYMAN_LIMIT_AA, escape_fraction, 1.0)
        lit = (self.continuum * counted * np.diff(pixel_edges(self.wave_aa)), self.birth, self.screen)
        for emitted, birth, screen in (lit, (self.line_luminosity_lsun, self.line_birth, self.line_screen)):
            parts = np.ones(emitted.size), 1 - birth, birth * (1 - screen), birth * screen
            energy += [float(part @ emitted) for part in parts]
        return energy
