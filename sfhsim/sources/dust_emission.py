"""Infrared emission of dust as a source of light: what birth clouds and screen absorb comes out again.

    L_lambda = luminosity_factor x absorbed energy x S_lambda,      Int S_lambda dlambda = 1

S is that of the recipe's model (`sfhsim.dust.emission`): a sum of its templates, or of its values at its own
wavelengths where it has no templates. Dust emission stands before all dust: it is not absorbed again. Bands
see it at its own sampling, a spectrograph at that of the stellar library.
"""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np

from sfhsim.dust.emission import DustEmission, TemplateMixture, luminosity, trapezoid_weights
from sfhsim.errors import RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.linear import matmul
from sfhsim.sources.base import EmissionSource, Surroundings

FACTOR = Parameter("luminosity_factor", "", "light that dust emits by the energy that it absorbs", 1.0, 0.0, 1.0e3)
_BEYOND = 1e-9  # of a wavelength: how far beyond its ends a spectrum is zero


class DustEmissionSource(EmissionSource):
    """The source of a dust emission model; its parameters are the model's and ``luminosity_factor``."""

    name: ClassVar[str] = "dust_emission"
    dust: ClassVar[str] = "none"
    needs_absorbed: ClassVar[bool] = True

    def __init__(self, model: DustEmission):
        self._model = model
        self._own_aa = np.asarray(model.wave_aa, dtype=np.float64)
        ends = self._own_aa[0] * (1 - _BEYOND), self._own_aa[-1] * (1 + _BEYOND)
        self.wave_aa = np.concatenate([ends[:1], self._own_aa, ends[1:]])
        self.parameters = (FACTOR, *model.parameters)
        self._mixture = cast(TemplateMixture, model) if hasattr(model, "mixture") else None

    def templates(self, wave_aa: np.ndarray) -> np.ndarray:
        """(k, n_wave) the model's, or one for each of its wavelengths."""
        own = np.eye(self._own_aa.size) if self._mixture is None else self._mixture.templates
        return np.stack([np.interp(wave_aa, self._own_aa, row, left=0.0, right=0.0) for row in own])

    def amplitudes(self, params: dict[str, np.ndarray], surroundings: Surroundings) -> np.ndarray:
        """(n, k) of the templates."""
        birth, screen = surroundings.absorbed_birth_lsun, surroundings.absorbed_screen_lsun
        if birth is None or screen is None:
            raise RecipeError("dust emission needs to be told of the energy that dust absorbs")
        energy = params["luminosity_factor"] * (birth + screen)
        own = {name: value for name, value in params.items() if name != FACTOR.name}
        if self._mixture is None:
            spectrum = np.asarray(self._model.spectrum(own), dtype=np.float64)
            return spectrum * (energy / luminosity(self._model, spectrum))[:, None]
        index, share = self._mixture.mixture(own)
        out = np.zeros((len(index), len(self._mixture.templates)))
        for rows, weights in zip(index.T, share.T, strict=True):
            out[np.arange(len(out)), rows] += weights
        of_template = matmul(self._mixture.templates, trapezoid_weights(self._own_aa)[:, None])
        return out * (energy / matmul(out, of_template)[:, 0])[:, None]
