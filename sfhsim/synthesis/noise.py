"""Noise of spectra and photometry: the recipe's model with the random numbers of each sample."""

from __future__ import annotations

import numpy as np

from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument.filters import ab_magnitude
from sfhsim.instrument.noise import add_noise, error_spectrum, photometry_noise, signal_to_noise_curve
from sfhsim.instrument.noise_models import get_noise_model
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.attenuation import PanelLight, Spectra
from sfhsim.synthesis.draws import STREAM_PHOTOMETRY_NOISE, STREAM_SPECTRUM_NOISE, Draws


class NoiseStage:
    """Compiled from a recipe, the pixel grid (n_pixel,) and the pivot wavelengths of the bands (n_band,)."""

    def __init__(self, recipe: Recipe, wave_aa: np.ndarray, pivot_wave_aa: np.ndarray):
        self._model = get_noise_model(recipe.noise.model)
        self._wave_aa = wave_aa
        self._bands = recipe.photometry.filters
        self._pivot_wave_aa = pivot_wave_aa
        curve = recipe.noise.curve
        self._curve, self._inverse_curve = None, np.ones(wave_aa.size, dtype=np.float32)
        if curve is not None:
            self._curve = signal_to_noise_curve(wave_aa, np.array(curve.wave_aa), np.array(curve.relative_snr))
            self._inverse_curve = (1.0 / self._curve).astype(np.float32)

    def spectrum(
        self, source: PanelLight | Spectra, scale: np.ndarray, lines: np.ndarray, profiles, draws: Draws, seed: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Noisy spectra, their errors and the noise-free spectra, (n, n_pixel) float32 each.

        Parameters
        ----------
        source : what the spectrograph made of its reading, rest-frame.
        scale : (n,) from there to the observed flux density.
        lines : (n, n_line) luminosities of lines with fixed ``profiles``, still to be added.

        Raises
        ------
        CoverageError
            When a galaxy has no light in its median pixel, so that no S/N can be defined.
        """
        noisy, error, flux, lit = source.observe(self._observation(scale, lines, profiles, draws, seed))
        if self._model.kernel is None:
            lit = np.median(flux, axis=1) > 0
        if not lit.all():
            raise CoverageError(
                f"sample {int(draws.sample_id[np.argmin(lit)])} has no light in half of its pixels or more: no S/N "
                "can be defined (does the library hold light in this wavelength range?)"
            )
        if self._model.kernel is None:
            return *self._by_model(flux, draws, seed), flux
        return noisy, error, flux

    def _by_model(self, flux: np.ndarray, draws: Draws, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Noisy spectra and their errors by a model that the kernel does not know."""
        model = self._model
        params = {p.name: draws.values[f"noise.{p.name}"] for p in model.parameters}
        error = error_spectrum(flux, draws.values["snr"], model, self._curve, self._wave_aa, params)
        normals = _normals(seed, draws, STREAM_SPECTRUM_NOISE, flux.shape[1])
        deviates = np.asarray(model.deviates(normals, params))
        if deviates.shape != flux.shape or not np.isfinite(deviates).all():
            raise RecipeError(
                f"noise model {model.name!r}: deviates of shape {deviates.shape} must be finite and have that of the "
                f"spectra, {flux.shape}"
            )
        return add_noise(flux, error, deviates), error

    def _observation(self, scale, lines, profiles, draws: Draws, seed: int):
        from sfhsim.kernels.spectra import Observation

        model = self._model.kernel or 0
        snr = draws.values["snr"] if model else np.ones(len(draws))
        return Observation(
            scale=scale.astype(np.float32),
            lines=lines,
            profile_start=profiles.start,
            profiles=profiles.values,
            seed=np.uint64(seed),
            sample_id=draws.sample_id,
            stream=np.uint32(STREAM_SPECTRUM_NOISE),
            model=model,
            snr=np.ascontiguousarray(snr, dtype=np.float64),
            inverse_curve=self._inverse_curve,
            has_curve=self._curve is not None,
        )

    def photometry(self, flux: np.ndarray, draws: Draws, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Noisy magnitudes, their errors (float32), and noise-free magnitudes (float64), (n, n_band) each."""
        free = ab_magnitude(flux, self._pivot_wave_aa)
        if not self._bands:
            return free.astype(np.float32), free.astype(np.float32), free
        errors = np.stack([draws.values[f"photometry_error_mag.{band}"] for band in self._bands], axis=1)
        normals = _normals(seed, draws, STREAM_PHOTOMETRY_NOISE, flux.shape[1])
        noisy, _, magnitude_error = photometry_noise(flux, errors, normals)
        noisy_mag = ab_magnitude(noisy, self._pivot_wave_aa)
        return noisy_mag.astype(np.float32), magnitude_error.astype(np.float32), free


def _normals(seed: int, draws: Draws, stream: int, count: int) -> np.ndarray:
    """(n, count) standard normal deviates of each sample."""
    from sfhsim.kernels.random import fill_normal

    out = np.empty((len(draws), count), dtype=np.float32)
    fill_normal(np.uint64(seed), draws.sample_id, stream, out)
    return out
