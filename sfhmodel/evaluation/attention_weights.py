"""Where in the spectrum a model with attention looks: mean weights over wavelength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.evaluation.groups import Group


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of n galaxies.

    Attributes
    ----------
    weights : (n, n_token) of the pooling over the spectrum; sum to 1.
    token_wave_aa : (n_token,) wavelengths of the tokens.
    spectrum : (n_pixel,) mean of the spectra, each divided by its median.
    by_age : groups of the galaxies of like light-weighted age, youngest first.
    """

    weights: np.ndarray
    token_wave_aa: np.ndarray
    spectrum: np.ndarray
    by_age: list[Group]

    @property
    def relative(self) -> np.ndarray:
        """(n, n_token) weights in units of those of a model that looks everywhere alike."""
        return self.weights * self.weights.shape[1]


def mean_spectrum(flux: np.ndarray) -> np.ndarray:
    """Mean of the spectra (n, n_pixel), each divided by its median; galaxies without a positive one are left out."""
    flux = np.asarray(flux, dtype=np.float64)
    median = np.nanmedian(flux, axis=1)
    bright = median > 0
    return np.nanmean(flux[bright] / median[bright, None], axis=0) if bright.any() else np.ones(flux.shape[1])
