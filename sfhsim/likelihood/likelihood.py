"""The likelihood of an observed spectrum and magnitudes under the galaxies of a recipe, for many galaxies at once.

    ln L = -chi2/2 - ln(A/s) of the spectrum, and the same of the bands' fluxes
    a = sum m^2/sigma^2,  b = sum m d/sigma^2,  chi2 = sum d^2/sigma^2 - b^2/a,  A = b/a,  s = 1/sqrt(a)

d are the data, m what the simulator makes without noise. How bright a galaxy is says nothing here: the amplitudes A of
spectrum and bands, flat in the logarithm, are integrated out, each of its own (their apertures differ) or one of both.
That takes A/s, the S/N of the whole, to be large. Errors are Gaussian, independent, and those stated. Constants that
are the same for all galaxies of a recipe are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.instrument.filters import ab_flux
from sfhsim.instrument.noise import MAG_PER_RELATIVE_FLUX
from sfhsim.likelihood.cube import PriorCube
from sfhsim.synthesis.simulator import Simulator

_GALAXIES = 256  # at a time


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Simulated galaxies and how likely the data are under each.

    Attributes
    ----------
    log_likelihood : (n,) natural logarithm; -inf where the data are no brightness of it.
    chi_square : (n,) at the best amplitudes.
    mass_fraction, metallicity : (n, n_bin) their labels.
    truth : (n, n_truth) their truths, see `Simulator.truths`.
    """

    log_likelihood: np.ndarray
    chi_square: np.ndarray
    mass_fraction: np.ndarray
    metallicity: np.ndarray
    truth: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Evaluated]) -> Evaluated:
        """All of some."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


class Likelihood:
    """The likelihood of one observed galaxy.

    Parameters
    ----------
    simulator : of one world.
    flux, flux_error : (n_pixel,) on its grid, in any unit of flux per Angstrom; pixels where either is not finite, or
        the error not positive, are not used.
    magnitudes, magnitude_errors : (n_band,) AB, in the order of its bands; not used where either is NaN.
    one_amplitude : the spectrum is in erg/s/cm2/Angstrom and of the same aperture as the bands.

    Attributes
    ----------
    cube : `PriorCube` of the recipe.

    Raises
    ------
    RecipeError
        Arrays of another length than grid and bands, or nothing that can be used.
    """

    def __init__(
        self, simulator: Simulator, flux, flux_error, magnitudes=None, magnitude_errors=None, one_amplitude=False
    ):
        self.simulator, self.cube, self._one = simulator, PriorCube(simulator.recipe), one_amplitude
        n_pixel, n_band = simulator.spectrograph.wave_aa.size, len(simulator.photometer.filters)
        flux, error = (_of_length(x, n_pixel, what) for x, what in ((flux, "flux"), (flux_error, "flux_error")))
        nothing = np.full(n_band, np.nan)
        mag, mag_error = (
            nothing if x is None else _of_length(x, n_band, what)
            for x, what in ((magnitudes, "magnitudes"), (magnitude_errors, "magnitude_errors"))
        )
        pivot = simulator.photometer.pivot_wave_aa
        with np.errstate(invalid="ignore", over="ignore"):
            band = ab_flux(mag, pivot) if n_band else mag
            band_error = np.abs(band) * mag_error / MAG_PER_RELATIVE_FLUX
        self._spectrum = _Data(flux, error)
        self._bands = _Data(band, band_error)
        if not (self._spectrum.n or self._bands.n):
            raise RecipeError("no pixel and no band has a flux and a positive error: there is nothing to compare with")
        self._pivot = pivot

    def __call__(self, points, sample_ids=None) -> np.ndarray:
        """(n,) natural logarithm of the likelihood at points (n, n_dim) of the `cube`."""
        return self.evaluate(points, sample_ids).log_likelihood

    def evaluate(self, points, sample_ids=None) -> Evaluated:
        """Simulate the galaxies at points (n, n_dim) of the `cube` and compare; see `PriorCube.draws`."""
        points = np.asarray(points, dtype=np.float64)
        ids = np.arange(len(points)) if sample_ids is None else np.asarray(sample_ids)
        parts = []
        for start in range(0, max(len(points), 1), _GALAXIES):
            rows = slice(start, start + _GALAXIES)
            batch = self.simulator.simulate(self.cube.draws(points[rows], ids[rows], self.simulator.seed))
            sums = self._spectrum.sums(batch.noise_free_spectrum)
            sums += self._bands.sums(ab_flux(batch.noise_free_photometry, self._pivot))
            sums = [_Sums(*(np.sum(parts, axis=0) for parts in zip(*sums, strict=True)))] if self._one else sums
            log_likelihood, chi_square = np.sum([_integrated(of_one) for of_one in sums], axis=0)
            parts.append(Evaluated(log_likelihood, chi_square, batch.mass_fraction, batch.metallicity, batch.truth))
        return Evaluated.joined(parts)


class _Sums(NamedTuple):
    """(n,) of m^2 and m d, and of d^2, over sigma^2."""

    a: np.ndarray
    b: np.ndarray
    c: float


class _Data:
    """Numbers with errors, of which those that are usable count.

    Attributes
    ----------
    n : how many do.
    """

    def __init__(self, value: np.ndarray, error: np.ndarray):
        with np.errstate(invalid="ignore"):
            usable = np.isfinite(value) & np.isfinite(error) & (error > 0.0)
        self.n = int(usable.sum())
        self._weight, self._weighted = np.zeros(value.size), np.zeros(value.size)
        self._weight[usable] = error[usable] ** -2.0
        self._weighted[usable] = value[usable] * self._weight[usable]
        self._own = float(np.sum(value[usable] * self._weighted[usable]))

    def sums(self, model: np.ndarray) -> list[_Sums]:
        """Of models (n, size); none where nothing is usable."""
        from sfhsim.kernels.likelihood import fit_sums

        if not self.n:
            return []
        found = np.empty((len(model), 2))
        fit_sums(model, self._weight, self._weighted, found)
        return [_Sums(found[:, 0], found[:, 1], self._own)]


def _integrated(sums: _Sums) -> tuple[np.ndarray, np.ndarray]:
    """ln L, the amplitude integrated out, and the least chi2, (n,) each."""
    a, b, c = sums
    positive = (a > 0.0) & (b > 0.0)
    a, b = np.where(positive, a, 1.0), np.where(positive, b, 1.0)
    chi_square = np.where(positive, c - b * b / a, c)
    return np.where(positive, -0.5 * chi_square - np.log(b / np.sqrt(a)), -np.inf), chi_square


def _of_length(values, n: int, what: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (n,):
        raise RecipeError(f"{what} has shape {values.shape}, the simulator makes {n}: expected ({n},)")
    return values
