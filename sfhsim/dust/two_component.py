"""Two-component attenuation (Charlot & Fall 2000, ApJ 539, 718), each component with its own law.

T_birth  = exp(-tau_birth k_birth(l))    on stars in birth clouds and their nebular emission
T_screen = exp(-tau_screen k_screen(l))  on everything

tau is the optical depth at 5500 A (times k(5500 A), where a bump makes that differ from 1). Wavelengths are
rest-frame.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from sfhsim import elementary
from sfhsim.dust.base import PIVOT_AA, DustLaw, check_wave_aa, get_dust_law
from sfhsim.histories.parameters import Parameter, batch_size, resolve

MAG_PER_TAU = 1.0857362047581296  # 2.5/ln 10
COMPONENTS = ("birth", "screen")


@dataclass(frozen=True)
class TwoComponentDust:
    """A birth-cloud law and a screen law, by name; the default is Charlot & Fall with the 2175 A bump.

    ``parameters`` are ``tau_birth``, ``tau_screen``, and those of each law with ``_birth`` or ``_screen``
    appended (``exponent_birth``, ``exponent_screen``, ``bump_strength_screen`` for the default).

    Raises
    ------
    RecipeError
        For a law that is not registered.
    """

    birth: str = "power_law"
    screen: str = "power_law_bump"

    def __post_init__(self) -> None:
        self._laws()

    def _laws(self) -> dict[str, DustLaw]:
        return {"birth": get_dust_law(self.birth), "screen": get_dust_law(self.screen)}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter of both components."""
        own = [
            Parameter("tau_birth", "", "optical depth of the birth clouds at 5500 A", 1.0, 0.0, 1.0e3),
            Parameter("tau_screen", "", "optical depth of the screen at 5500 A", 0.3, 0.0, 1.0e3),
        ]
        for component, law in self._laws().items():
            own += [dataclasses.replace(p, name=f"{p.name}_{component}") for p in law.parameters]
        return tuple(own)

    def transmission(
        self,
        wave_aa: ArrayLike,
        params: Mapping[str, ArrayLike],
        n: int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fraction of the light that each component lets through.

        Where a law's parameters are the same for the whole batch its curve is computed once; then the cost
        is one exponential per galaxy and wavelength.

        Parameters
        ----------
        wave_aa : (m,) rest-frame wavelengths.
        params : numbers or (n,) arrays by name; absent ones take their defaults.
        n : number of galaxies; the longest parameter's where None.
        dtype : of the result; float32 is several times faster, and good to 3e-7 tau k.

        Returns
        -------
        birth, screen : (n, m) each, in [0, 1].

        Raises
        ------
        RecipeError
            For parameters out of bounds, or wavelengths that are not positive.
        """
        birth, screen = (_transmission(tau, curve, dtype) for tau, curve in self.depths(wave_aa, params, n, dtype))
        return birth, screen

    def depths(
        self,
        wave_aa: ArrayLike,
        params: Mapping[str, ArrayLike],
        n: int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """tau (n,) and curve (n, m), or (1, m) where the batch shares it, of birth clouds and screen.

        Arguments and errors as ``transmission``, which is exp(-tau curve).
        """
        wave_aa = check_wave_aa(wave_aa)
        p = self._resolve(params, n)
        birth, screen = ((p[f"tau_{name}"], self._curve(name, wave_aa, p, dtype)) for name in COMPONENTS)
        return birth, screen

    def attenuation_mag(
        self, params: Mapping[str, ArrayLike], n: int | None = None, wave_aa: float = PIVOT_AA
    ) -> np.ndarray:
        """Attenuation (n,) of the screen in magnitudes at ``wave_aa``: A_V at the default, 5500 A."""
        p = self._resolve(params, n)
        return MAG_PER_TAU * p["tau_screen"] * self._curve("screen", check_wave_aa(wave_aa), p)[:, 0]

    def _resolve(self, params: Mapping[str, ArrayLike], n: int | None) -> dict[str, np.ndarray]:
        n = batch_size(*params.values()) if n is None else n
        return resolve(self.parameters, params, f"dust ({self.birth} + {self.screen})", n)

    def _curve(
        self, component: str, wave_aa: np.ndarray, p: dict[str, np.ndarray], dtype: DTypeLike = np.float64
    ) -> np.ndarray:
        """(n, m), or (1, m) where the batch shares the law's parameters."""
        law = self._laws()[component]
        own = {q.name: p[f"{q.name}_{component}"].astype(dtype) for q in law.parameters}
        if all((value == value[0]).all() for value in own.values()):
            own = {name: value[:1] for name, value in own.items()}
        return law.curve(wave_aa, own)


def _transmission(tau: np.ndarray, curve: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    if np.dtype(dtype) != np.float32:
        return elementary.exp(-tau[:, None] * curve)
    from sfhsim.kernels.element_loops import single_transmissions

    out = np.empty((tau.size, curve.shape[1]), dtype=np.float32)
    single_transmissions(tau.astype(np.float32), np.ascontiguousarray(curve, dtype=np.float32), out)
    return out


def charlot_fall() -> TwoComponentDust:
    """Charlot & Fall (2000) with the 2175 A bump on the screen."""
    return TwoComponentDust("power_law", "power_law_bump")
