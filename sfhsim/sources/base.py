"""The interface of a source of light, and the registry that recipes look sources up in.

    L(lambda) = sum_k a_k(parameters, surroundings) V_k(lambda) + lines,      per Msun formed in the galaxy

The templates V_k are the same for all galaxies and are compiled for every detector; the amplitudes a_k are drawn.
To make a new source, write a class in a file of its own, derived from `EmissionSource`, and register one instance:

    class Glow(EmissionSource):
        name, dust = "glow", "screen"
        parameters = (Parameter("strength", "", "of the glow", 1.0, 0.0, 10.0),)

        def templates(self, wave_aa):                      # (k, n_wave), not negative
            return np.ones((1, wave_aa.size))

        def amplitudes(self, params, surroundings):        # (n, k), Lsun/Angstrom per Msun formed
            return (params["strength"] * surroundings.starlight_5500_lsun_aa)[:, None]

    register_source(Glow())

A recipe then takes ``sources: {glow: {strength: 0.1}}``, with distributions as everywhere. Where a parameter shapes the
spectrum, the templates are those of some of its values, and the amplitudes interpolate between them; then `spectrum`
gives the exact law, which the readable path takes. A source with lines adds ``line_wave_aa`` and `line_luminosities`,
one that has features narrower than a library's pixels ``wave_aa``, and one that glows with the energy that dust absorbs
``needs_absorbed``. Between parameters and light use `sfhsim.elementary` and `sfhsim.linear`, so that samples have the
same bytes everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.histories.registry import Registry
from sfhsim.linear import matmul

if TYPE_CHECKING:
    pass

#: behind the screen; in birth clouds, behind the screen; before all dust
DUST_PATHS = ("screen", "birth_and_screen", "none")
_TAKEN = ("old", "young", "nebular", "stars", "nebular_continuum", "lines", "total", "dust_free", "dust_emission")


@dataclass(frozen=True)
class Surroundings:
    """What a source knows of its galaxy; per Msun formed.

    Attributes
    ----------
    starlight_5500_lsun_aa : (n,) light of all stars at 5500 A (mean over 5450-5550 A) without dust, Lsun/Angstrom.
    absorbed_birth_lsun, absorbed_screen_lsun : (n,) energy of all other light that birth clouds and screen absorb,
        Lsun; None unless a source needs it. Below the Lyman limit, what escapes the gas counts: the rest is in the
        light of the nebulae.
    """

    starlight_5500_lsun_aa: np.ndarray
    absorbed_birth_lsun: np.ndarray | None = None
    absorbed_screen_lsun: np.ndarray | None = None


class EmissionSource:
    """A source of light; every method works on a batch of n galaxies, ``params`` holds every parameter as (n,).

    Attributes
    ----------
    name : by which recipes know it.
    parameters : what a recipe may give.
    dust : where it stands, one of `DUST_PATHS`.
    needs_absorbed : whether it is told of the energy that dust absorbs; its own light must then stand before all dust.
    wave_aa : (m,) wavelengths at rest that its templates need beside the library's, increasing.
    line_wave_aa : (n_line,) at rest, in air.
    line_width : the parameter that is the velocity dispersion of its lines in km/s; "" for that of the galaxy's gas,
        with which they then move against the stars.
    """

    name: ClassVar[str] = ""
    parameters: tuple[Parameter, ...] = ()
    dust: ClassVar[str] = "screen"
    needs_absorbed: ClassVar[bool] = False
    wave_aa: np.ndarray = np.zeros(0)
    line_wave_aa: ClassVar[np.ndarray] = np.zeros(0)
    line_width: ClassVar[str] = ""

    def templates(self, wave_aa: np.ndarray) -> np.ndarray:
        """(k, n_wave) at rest-frame wavelengths (n_wave,), not negative, 0 where it has no light."""
        raise NotImplementedError(f"source {self.name!r} does not define its templates")

    def amplitudes(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, k) of the templates, which give Lsun/Angstrom per Msun formed."""
        raise NotImplementedError(f"source {self.name!r} does not define the amplitudes of its templates")

    def line_luminosities(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, n_line) Lsun per Msun formed."""
        return np.zeros((len(surroundings.starlight_5500_lsun_aa), self.line_wave_aa.size))

    def spectrum(self, wave_aa: np.ndarray, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, n_wave) Lsun/Angstrom per Msun formed without lines, as exactly as it is known: for the readable path."""
        return matmul(self.amplitudes(params, surroundings), np.asarray(self.templates(wave_aa), dtype=np.float64))


SOURCES: Registry[EmissionSource] = Registry("source")


def register_source(source: EmissionSource) -> EmissionSource:
    """Make a source known by its name to recipes; returns it.

    Raises
    ------
    RecipeError
        Where it stands on no known dust path, glows with absorbed energy behind dust, or has no such line width; or its
        name is that of a part of every galaxy.
    """
    if source.name in _TAKEN:
        raise RecipeError(f"source {source.name!r}: every galaxy has a part of that name; choose another")
    if source.dust not in DUST_PATHS:
        raise RecipeError(f"source {source.name!r}: dust is one of {', '.join(DUST_PATHS)}, not {source.dust!r}")
    if source.needs_absorbed and source.dust != "none":
        raise RecipeError(
            f"source {source.name!r} glows with the energy that dust absorbs: its dust must be 'none', for its own "
            "light is not absorbed again"
        )
    names = [parameter.name for parameter in source.parameters]
    if source.line_width and source.line_width not in names:
        raise RecipeError(f"source {source.name!r}: line_width {source.line_width!r} is none of its parameters {names}")
    missing = [parameter.name for parameter in source.parameters if parameter.size != 1]
    if missing:
        raise RecipeError(f"source {source.name!r}: {', '.join(missing)} must be numbers: a source has no vectors")
    return SOURCES.register(source)


def get_source(name: str) -> EmissionSource:
    """The source registered as ``name``; raises RecipeError naming the known ones."""
    return SOURCES.get(name)
