"""The interface of a dust emission model, and the registry that recipes look models up in.

A model is the shape S of the infrared spectrum of dust at rest. How much light there is follows from the energy that
the dust absorbs, with a factor for the exchange of light with neighbouring places:

    L_lambda = luminosity_factor x (absorbed by birth clouds + absorbed by the screen) x S / Int S dlambda

To add a model, write a class with ``name``, ``parameters``, ``wave_aa`` and ``spectrum`` and register one instance:
``register_dust_emission(MyDust())``. One whose spectra are mixtures of a fixed set of templates may also have
``templates`` and ``mixture``: then a simulator brings the templates to the bands once instead of every spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import batch_size, resolve
from sfhsim.histories.registry import Named, Registry
from sfhsim.linear import matmul


class DustEmission(Named, Protocol):
    """A dust emission model."""

    @property
    def wave_aa(self) -> np.ndarray:
        """(m,) increasing rest-frame wavelengths; a spectrum is linear between them and zero beyond."""
        ...

    def spectrum(self, params: dict[str, np.ndarray]) -> np.ndarray:
        """Relative luminosity per Angstrom (n, m), not negative; ``params`` holds every parameter as (n,) float64."""
        ...


class TemplateMixture(DustEmission, Protocol):
    """A dust emission model whose spectra are sums of k templates with weights that are not negative."""

    @property
    def templates(self) -> np.ndarray:
        """(k, m) float64, at ``wave_aa``."""
        ...

    def mixture(self, params: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Which templates (n, j) a spectrum is the sum of, and their weights (n, j)."""
        ...


DUST_EMISSIONS: Registry[DustEmission] = Registry("dust emission model")


def register_dust_emission(model: DustEmission) -> DustEmission:
    """Make a model known by its name to recipes; returns it."""
    return DUST_EMISSIONS.register(model)


def get_dust_emission(name: str) -> DustEmission:
    """The model registered as ``name``; raises RecipeError naming the known ones."""
    return DUST_EMISSIONS.get(name)


def dust_spectrum(model: DustEmission | str, params: Mapping[str, ArrayLike], n: int | None = None) -> np.ndarray:
    """Spectra of dust that emits 1 Lsun over the model's wavelengths (1-1000 um for Draine & Li's).

    Parameters
    ----------
    model : a model or its name.
    params : numbers or (n,) arrays by name; absent ones take their defaults.
    n : number of galaxies; the longest parameter's where None.

    Returns
    -------
    (n, m) Lsun/Angstrom per Lsun at the model's ``wave_aa``.

    Raises
    ------
    RecipeError
        For an unknown model, parameters that are unknown or out of bounds, or a spectrum that cannot be one.
    """
    model = get_dust_emission(model) if isinstance(model, str) else model
    spectrum = model.spectrum(resolved(model, params, n))
    return spectrum / luminosity(model, spectrum)[:, None]


def resolved(model: DustEmission, params: Mapping[str, ArrayLike], n: int | None = None) -> dict[str, np.ndarray]:
    """Every parameter of a model as (n,); errors as `dust_spectrum`."""
    n = batch_size(*params.values()) if n is None else n
    return resolve(model.parameters, params, f"dust emission {model.name}", n)


def luminosity(model: DustEmission, spectra: np.ndarray) -> np.ndarray:
    """Integrals (n,) over wavelength of spectra (n, m) of a model; RecipeError unless they can be light."""
    wave_aa = np.asarray(model.wave_aa, dtype=np.float64)
    if wave_aa.ndim != 1 or wave_aa.size < 2 or not (wave_aa[0] > 0 and (np.diff(wave_aa) > 0).all()):
        raise RecipeError(f"dust emission {model.name}: wave_aa must be two or more increasing wavelengths above 0")
    if spectra.ndim != 2 or spectra.shape[1] != wave_aa.size:
        raise RecipeError(
            f"dust emission {model.name}: a spectrum has shape (n, {wave_aa.size}) as wave_aa, not {spectra.shape}"
        )
    integral = matmul(spectra, trapezoid_weights(wave_aa)[:, None])[:, 0]
    good = (spectra >= 0).all(axis=1) & (integral > 0) & np.isfinite(integral)
    if not good.all():
        raise RecipeError(
            f"dust emission {model.name}: the spectrum of galaxy {int(np.argmin(good))} is negative, not finite or "
            "zero everywhere"
        )
    return integral


def trapezoid_weights(wave_aa: np.ndarray) -> np.ndarray:
    """(m,) weights whose sum with a spectrum is its integral, linear between ``wave_aa`` (m,)."""
    width = np.diff(wave_aa)
    return 0.5 * (np.append(width, 0.0) + np.append(0.0, width))
