"""What the simulator returns: a batch of galaxies with their records' arrays and everything drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.populations import Populations


@dataclass(frozen=True)
class Batch:
    """n simulated galaxies.

    Attributes
    ----------
    sample_id : (n,)
    spectrum, spectrum_error : (n, n_pixel) float32, erg/s/cm2/Angstrom, observed.
    photometry, photometry_error : (n, n_band) float32, AB magnitudes.
    mass_fraction, metallicity : (n, n_bin) float32, the labels.
    truth : (n, n_truth) float32, by `Simulator.truth_names`.
    noise_free_spectrum : (n, n_pixel) float32.
    noise_free_photometry : (n, n_band) float64.
    draws, populations : what it was made from.
    """

    sample_id: np.ndarray
    spectrum: np.ndarray
    spectrum_error: np.ndarray
    photometry: np.ndarray
    photometry_error: np.ndarray
    mass_fraction: np.ndarray
    metallicity: np.ndarray
    truth: np.ndarray
    noise_free_spectrum: np.ndarray
    noise_free_photometry: np.ndarray
    draws: Draws
    populations: Populations

    def __len__(self) -> int:
        return len(self.sample_id)

    def features(self) -> dict[str, np.ndarray]:
        """The arrays of the record schema, by feature name."""
        from sfhsim.records.schema import FEATURE_NAMES

        return {name: getattr(self, name) for name in FEATURE_NAMES}
