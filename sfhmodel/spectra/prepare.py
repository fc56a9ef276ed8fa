"""Observed spectra on the model's grid: shifted, resampled, masked; what could not be used is said.

In order: units and shapes are checked; bad pixels (not finite, gaps filled with zeros, error not positive, masked by
the user, sky) are found; wavelengths go to air in the frame of the training spectra; flux and variance are rebinned,
conserving flux; coverage is judged. Inputs are never changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.spectra.checks import BadSpectraError, check_shapes, flux_scale, good_pixels
from sfhmodel.spectra.frame import TrainingFrame
from sfhmodel.spectra.grid_operator import GridOperator, grid_operator
from sfhmodel.spectra.observed import MEDIA, check_wavelengths
from sfhmodel.spectra.options import PreparationSettings
from sfhmodel.spectra.units import looks_like

WARN_BELOW_COVERAGE = 0.99
_LARGEST_ERROR = np.float32(1e15)  # of the mean flux; its square is a single-precision number


@dataclass(frozen=True, eq=False)
class PreparedSpectra:
    """Spectra on the model's grid.

    Attributes
    ----------
    flux : (n, n_pixel) float32, divided by ``flux_scale``; 0 where masked.
    flux_error : (n, n_pixel) float32, likewise; NaN where unknown or masked.
    mask : (n, n_pixel) float32, 1 where there is a flux to use, else 0.
    flux_scale : (n,) mean absolute flux of the good pixels of each spectrum, in its own unit.
    covered : (n_pixel,) or (n, n_pixel) bool, on the observed range.
    notes : what was done and could matter.
    """

    flux: np.ndarray
    flux_error: np.ndarray
    mask: np.ndarray
    flux_scale: np.ndarray
    covered: np.ndarray
    notes: tuple[str, ...] = ()


class SpectrumPreparer:
    """Prepares spectra for one model; remembers the operators of the grids and redshifts it has seen.

    Parameters
    ----------
    description : of the model.
    settings : see `PreparationSettings`.
    """

    _REMEMBERED = 16

    def __init__(self, description: ModelDescription, settings: PreparationSettings | None = None):
        self.grid_wave_aa = np.asarray(description.wave_aa, dtype=np.float64)
        self.frame = TrainingFrame.of(description)
        self.settings = settings or PreparationSettings()
        asked = self.settings.min_coverage
        self.min_coverage = description.min_coverage if asked is None else asked
        self._operators: dict[tuple, GridOperator] = {}

    def __call__(
        self,
        wave_aa,
        flux,
        flux_error=None,
        mask=None,
        *,
        redshift: float = 0.0,
        medium: str = "air",
        labels: Sequence[str] | None = None,
        fwhm_aa=None,
    ) -> PreparedSpectra:
        """Prepare spectra that share one wavelength grid and redshift.

        Parameters
        ----------
        wave_aa : (m,) observed wavelengths, Angstrom.
        flux : (n, m) flux density per Angstrom, in any unit.
        flux_error : (n, m) one sigma, same unit, or None.
        mask : (n, m) or (m,), non-zero = use, or None.
        redshift : of the galaxies.
        medium : 'air' or 'vacuum', of the wavelengths.
        labels : (n,) what each spectrum is called in messages.
        fwhm_aa : (m,) FWHM of the observed line-spread function, or None when unknown.

        Raises
        ------
        InputError
            Shapes that do not fit; wavelengths that are not in Angstrom or miss the grid.
        BadSpectraError
            Negative errors; no good pixel; less of the grid with data than ``min_coverage``.

        Warns
        -----
        SfhmodelWarning
            The spectrum does not cover the grid; its redshift is outside of those trained on.
        """
        labels = list(labels or [""])
        where = f"{labels[0]}: " if len(labels) == 1 and labels[0] else ""
        wave_aa = check_wavelengths(wave_aa, where)
        flux, flux_error, mask = (None if x is None else np.asarray(x) for x in (flux, flux_error, mask))
        check_shapes(wave_aa.size, flux, flux_error, mask)
        self._check_place(wave_aa, redshift, medium, where)
        operator = self._operator(wave_aa, medium, redshift, fwhm_aa, where)
        if not operator.covered.any():
            raise InputError(
                f"{where}the wavelengths, {wave_aa[0]:.0f}-{wave_aa[-1]:.0f} A, cover no pixel of the model's grid, "
                f"{self.grid_wave_aa[0]:.0f}-{self.grid_wave_aa[-1]:.0f} A, at redshift {redshift:g}"
            )
        flux, flux_error, mask = (None if x is None else x[..., operator.columns] for x in (flux, flux_error, mask))
        good = good_pixels(flux, flux_error, mask, labels) & operator.usable
        scale = flux_scale(flux, good, labels)
        prepared = _resample(operator, flux, flux_error, good, scale, self.settings.min_good_fraction)
        self._check_coverage(prepared, wave_aa, labels)
        self._say_what_is_unusual(operator, redshift, where)
        return prepared

    def _operator(self, wave_aa: np.ndarray, medium: str, redshift: float, fwhm_aa, where: str) -> GridOperator:
        fwhm_key = None if fwhm_aa is None else hash(np.asarray(fwhm_aa).tobytes())
        key = (medium, redshift, wave_aa.size, hash(wave_aa.tobytes()), fwhm_key)
        if key not in self._operators:
            while len(self._operators) >= self._REMEMBERED:
                del self._operators[next(iter(self._operators))]
            try:
                self._operators[key] = grid_operator(
                    wave_aa, medium, redshift, self.grid_wave_aa, self.frame, self.settings, fwhm_aa
                )
            except InputError as error:
                raise InputError(f"{where}{error}") from error
        return self._operators[key]

    def _check_place(self, wave_aa: np.ndarray, redshift: float, medium: str, where: str) -> None:
        """That the wavelengths are in Angstrom and reach the grid."""
        if medium not in MEDIA:
            raise InputError(f"{where}medium must be air or vacuum, got {medium!r}")
        if not (np.isfinite(redshift) and redshift > -1.0):
            raise InputError(f"{where}redshift must be finite and above -1, got {redshift}")
        stretch = (1.0 + redshift) / (1.0 + self.frame.target_redshift(redshift))
        low, high = self.grid_wave_aa[[0, -1]] * stretch
        if wave_aa[0] < high and wave_aa[-1] > low:
            return
        found = f"{where}the wavelengths run from {wave_aa[0]:g} to {wave_aa[-1]:g}"
        if guess := looks_like(wave_aa[0], wave_aa[-1], low, high):
            raise InputError(
                f"{found}, which look like {guess[0]}; Angstrom are needed: convert them, or on the command line give "
                f"--wave-unit {guess[1]}"
            )
        raise InputError(
            f"{found} A; the model needs {low:.0f}-{high:.0f} A at redshift {redshift:g}, and they do not overlap: "
            "check the unit of the wavelengths and the redshift, or take a model with another grid"
        )

    def _check_coverage(self, prepared: PreparedSpectra, wave_aa: np.ndarray, labels: list[str]) -> None:
        """That enough of the grid has data."""
        used, least = prepared.mask.mean(axis=1), self.min_coverage
        if (too_few := used < least).any():
            low, high = self.grid_wave_aa[[0, -1]]
            raise BadSpectraError(
                too_few,
                labels,
                f"{used[too_few][0]:.0%} of the model's pixels ({low:.0f}-{high:.0f} A) have good data, at least "
                f"{least:.0%} are needed (min_coverage, --min-coverage): {prepared.covered.mean():.0%} are on the "
                f"observed range {wave_aa[0]:.0f}-{wave_aa[-1]:.0f} A, the rest of those is masked or bad",
            )

    def _say_what_is_unusual(self, operator: GridOperator, redshift: float, where: str) -> None:
        covered = operator.covered.mean()
        if covered < WARN_BELOW_COVERAGE:
            _warn(f"{where}the spectrum covers {covered:.0%} of the model's pixels: the rest is masked")
        if not self.frame.contains(redshift):
            low, high = self.frame.redshift_range
            _warn(f"{where}redshift {redshift:g} is outside of those of the training spectra, {low:g} to {high:g}")


def _warn(message: str) -> None:
    warnings.warn(message, SfhmodelWarning, stacklevel=5)


def _resample(
    operator: GridOperator, flux, flux_error, good, scale: np.ndarray, min_good_fraction: float
) -> PreparedSpectra:
    """Flux, error and mask on the grid, single precision, each spectrum divided by its scale."""
    good_t = np.ascontiguousarray(good.T)
    share = operator.weights @ good_t.astype(np.float32)  # (n_pixel, n)
    used = share >= np.float32(min_good_fraction)
    inverse = np.divide(np.float32(1.0), share, out=np.zeros_like(share), where=used)
    on_grid = (operator.weights @ _scaled(flux, scale, good_t)) * inverse
    error = np.full(on_grid.shape, np.nan, dtype=np.float32)
    if flux_error is not None:
        variance = operator.squared @ np.square(np.minimum(_scaled(flux_error, scale, good_t), _LARGEST_ERROR))
        np.multiply(np.sqrt(variance), inverse, out=error, where=used & (variance > 0.0))
    return PreparedSpectra(
        flux=np.ascontiguousarray(on_grid.T),
        flux_error=np.ascontiguousarray(error.T),
        mask=np.ascontiguousarray(used.T, dtype=np.float32),
        flux_scale=scale,
        covered=operator.covered,
        notes=operator.notes,
    )


def _scaled(values: np.ndarray, scale: np.ndarray, good_t: np.ndarray) -> np.ndarray:
    """(m, n) single precision, of values (n, m) divided by their scale; 0 where bad."""
    divided = np.empty(values.shape, dtype=np.float32)
    np.divide(values, scale[:, None], out=divided, casting="same_kind")
    return np.where(good_t, divided.T, np.float32(0.0))
