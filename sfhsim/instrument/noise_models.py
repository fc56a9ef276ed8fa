"""Noise models of spectra, and the registry that recipes look them up in: how the error varies along a spectrum.

    sigma_k = A g_k / c_k

A model gives the shape g from the noise-free flux f, in units of the spectrum's median; c is the recipe's curve of S/N,
and A makes the median of f / sigma over the grid the S/N that is asked for.

    constant      g = 1                   limited by sky or readout
    poisson       g = sqrt(max(f, 0.01))  limited by the source's photons
    proportional  g = max(f, 0.01)        S/N follows the curve itself
    none          no noise, errors are 0

To add one, write a class derived from `NoiseModel` and register an instance: ``register_noise_model(MyNoise())``. Use
`sfhsim.elementary` in it, so that samples have the same bytes everywhere.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.histories.registry import Registry

FLOOR = 0.01  # of the median flux


class NoiseModel:
    """A noise model; methods work on a batch of n spectra, ``params`` holds every parameter as (n,) float64.

    Attributes
    ----------
    name : by which recipes know it.
    parameters : what a recipe may give, numbers all of them.
    kernel : the number under which `sfhsim.kernels.spectra` does it; None for models of one's own.
    """

    name: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    kernel: ClassVar[int | None] = None

    def shape(self, relative_flux: np.ndarray, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """g (n, n_pixel), above 0, of spectra (n, n_pixel) in units of their medians at observed ``wave_aa``."""
        raise NotImplementedError(f"noise model {self.name!r} does not define its shape")

    def deviates(self, normals: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """(n, n_pixel) noise in units of the error from independent standard normal deviates; those, unless it says
        otherwise."""
        return normals


class NoNoise(NoiseModel):
    """The model ``none``."""

    name, kernel = "none", 0


class ConstantNoise(NoiseModel):
    """The model ``constant``."""

    name, kernel = "constant", 1

    def shape(self, relative_flux: np.ndarray, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """1 everywhere."""
        return np.ones_like(relative_flux)


class PoissonNoise(NoiseModel):
    """The model ``poisson``."""

    name, kernel = "poisson", 2

    def shape(self, relative_flux: np.ndarray, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """Root of the flux."""
        return np.sqrt(np.maximum(relative_flux, FLOOR))


class ProportionalNoise(NoiseModel):
    """The model ``proportional``."""

    name, kernel = "proportional", 3

    def shape(self, relative_flux: np.ndarray, wave_aa: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
        """The flux."""
        return np.maximum(relative_flux, FLOOR)


NOISE_MODELS: Registry[NoiseModel] = Registry("noise model")


def register_noise_model(model: NoiseModel) -> NoiseModel:
    """Make a noise model known by its name to recipes; returns it.

    Raises
    ------
    RecipeError
        Where a parameter is a vector, or named as the key ``snr`` that all models share.
    """
    for parameter in model.parameters:
        if parameter.size != 1 or parameter.name == "snr":
            raise RecipeError(
                f"noise model {model.name!r}: the parameter {parameter.name!r} must be a number with a name other than "
                "'snr', which every model has"
            )
    return NOISE_MODELS.register(model)


def get_noise_model(name: str) -> NoiseModel:
    """The noise model registered as ``name``; raises RecipeError naming the known ones."""
    return NOISE_MODELS.get(name)


def checked_shape(model: NoiseModel, relative_flux: np.ndarray, wave_aa: np.ndarray, params: dict) -> np.ndarray:
    """What ``model.shape`` gives; RecipeError where it cannot be errors."""
    shape = np.asarray(model.shape(relative_flux, wave_aa, params))
    if shape.shape != relative_flux.shape:
        raise RecipeError(
            f"noise model {model.name!r}: shape of shape {shape.shape}, expected that of the spectra, "
            f"{relative_flux.shape}"
        )
    good = np.isfinite(shape) & (shape > 0)
    if not good.all():
        row, pixel = np.argwhere(~good)[0]
        raise RecipeError(
            f"noise model {model.name!r}: its shape is {shape[row, pixel]:g} in pixel {pixel} of galaxy {row} of the "
            "batch: errors must be above 0 and finite"
        )
    return shape


for _model in (NoNoise(), ConstantNoise(), PoissonNoise(), ProportionalNoise()):
    register_noise_model(_model)
