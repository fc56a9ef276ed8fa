"""The interface of a dust law, and the registry that recipes look laws up in.

A law is a curve k(lambda) of optical depth relative to that at 5500 A in the rest frame: T = exp(-tau
k(lambda)).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.errors import RecipeError
from sfhsim.histories.registry import Named, Registry

PIVOT_AA = 5500.0


class DustLaw(Named, Protocol):
    """A dust law; ``curve`` works on a batch of n galaxies (n = 1 where a parameter is shared by all).

    A law that bends or jumps may name the wavelengths where it does in ``breaks_aa``: absorbed energy is exact to them.
    """

    def curve(self, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """k (n, m) at rest-frame wavelengths (m,) float64; ``params`` holds every parameter as (n,).

        The parameters come in the precision wanted of the result; a float64 result is right too, only slower.
        """
        ...


DUST_LAWS: Registry[DustLaw] = Registry("dust law")


def register_dust_law(law: DustLaw) -> DustLaw:
    """Make a law known by its name to recipes; returns it."""
    return DUST_LAWS.register(law)


def get_dust_law(name: str) -> DustLaw:
    """The law registered as ``name``; raises RecipeError naming the known ones."""
    return DUST_LAWS.get(name)


def check_wave_aa(wave_aa: ArrayLike) -> np.ndarray:
    """(m,) float64; raises RecipeError for wavelengths that are not positive and finite."""
    wave_aa = np.atleast_1d(np.asarray(wave_aa, dtype=np.float64))
    good = (wave_aa > 0.0) & np.isfinite(wave_aa)
    if wave_aa.ndim != 1 or not good.all():
        i = int(np.argmin(good.ravel()))
        raise RecipeError(
            f"wave_aa[{i}] = {wave_aa.flat[i]:g} of shape {wave_aa.shape}: "
            "dust laws take (m,) wavelengths above 0 in Angstrom"
        )
    return wave_aa
