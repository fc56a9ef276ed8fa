"""Filter curves and synthetic AB photometry for photon-counting detectors.

    <f_nu> = Int f_nu R dlambda/lambda / Int R dlambda/lambda,      m = -2.5 log10 <f_nu> - 48.6   (cgs)

which is, exactly, <f_nu> = <f_lambda> lambda_p^2 / c with <f_lambda> = Int f_lambda R lambda dlambda / Int R
lambda dlambda and the pivot wavelength lambda_p^2 = Int R lambda dlambda / Int R dlambda/lambda. R is linear
between the points of its curve and the spectrum linear between its own, so every integrand is a cubic between
the points of both together, and two-point Gauss-Legendre quadrature there is exact. Oke & Gunn 1983; Bessell
& Murphy 2012.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import numpy as np

from sfhsim import elementary
from sfhsim.constants import AB_ZERO_POINT, C_AA_S, LN10
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument.two_column_files import check_table

SIGNIFICANT = 1e-3  # a library must reach wherever the throughput exceeds this fraction of its peak
_GAUSS_NODE = 0.5 - np.sqrt(3.0) / 6.0


@dataclass(frozen=True, eq=False)
class Filter:
    """A filter curve, photon counting: throughput is the signal per photon, in any normalisation.

    Attributes
    ----------
    name : str
    wave_aa : (n,) increasing, observed frame.
    throughput : (n,) >= 0, linear between the points and 0 outside.
    source : str
        Where the curve comes from.

    Raises
    ------
    RecipeError
        Not a usable curve: shapes, NaN, order, negative or all-zero throughput, wavelengths not in Angstrom.
    """

    name: str
    wave_aa: np.ndarray
    throughput: np.ndarray
    source: str = ""

    def __post_init__(self):
        where = f"filter {self.name}"
        wave_aa, throughput = check_table(self.wave_aa, self.throughput, where)
        bad = np.flatnonzero(throughput < 0.0)
        if bad.size:
            raise RecipeError(f"{where}: row {bad[0] + 1} has a negative throughput ({throughput[bad[0]]:g})")
        if not throughput.any():
            raise RecipeError(f"{where}: its throughput is 0 everywhere")
        object.__setattr__(self, "wave_aa", wave_aa)
        object.__setattr__(self, "throughput", throughput)
        if self.pivot_wave_aa < 912.0:
            raise RecipeError(
                f"{where}: its pivot wavelength is {self.pivot_wave_aa:.4g}, beyond the Lyman limit: "
                "are its wavelengths in nm or micron? They must be in Angstrom"
            )

    def checksum(self) -> str:
        """sha256 of the curve."""
        return hashlib.sha256(np.stack([self.wave_aa, self.throughput]).astype("<f8").tobytes()).hexdigest()

    @functools.cached_property
    def norm_aa2(self) -> float:
        """Int R lambda dlambda, A^2."""
        return float(_gauss(self.wave_aa, lambda x: np.interp(x, self.wave_aa, self.throughput) * x))

    @functools.cached_property
    def pivot_wave_aa(self) -> float:
        """sqrt(Int R lambda dlambda / Int R dlambda/lambda), A."""
        x, r = self.wave_aa, self.throughput
        slope = np.diff(r) / np.diff(x)
        logs = elementary.log(x[1:] / x[:-1])
        inverse = np.sum((r[:-1] - slope * x[:-1]) * logs) + r[-1] - r[0]  # exact for linear R
        return float(np.sqrt(self.norm_aa2 / inverse))

    @functools.cached_property
    def effective_width_aa(self) -> float:
        """Int R dlambda / max R, A."""
        return float(np.trapezoid(self.throughput, self.wave_aa) / self.throughput.max())

    def significant_range_aa(self, fraction: float = SIGNIFICANT) -> tuple[float, float]:
        """Wavelengths between which the throughput exceeds ``fraction`` of its peak."""
        above = self.wave_aa[self.throughput > fraction * self.throughput.max()]
        return float(above[0]), float(above[-1])

    def check_coverage(self, low_aa: float, high_aa: float, what: str = "the spectrum") -> None:
        """Raise CoverageError unless ``low_aa``-``high_aa`` (observed) holds the significant range."""
        low, high = self.significant_range_aa()
        if low < low_aa or high > high_aa:
            raise CoverageError(
                f"filter {self.name} needs {low:.1f}-{high:.1f} A (throughput > {SIGNIFICANT:g} of its peak) "
                f"but {what} covers {low_aa:.1f}-{high_aa:.1f} A observed; leave the filter out, "
                "or use a library or redshift that reaches it"
            )

    def weights(self, wave_aa: np.ndarray) -> np.ndarray:
        """(m,) weights on the samples of a spectrum: ``<f_lambda> = flux @ weights``.

        Raises
        ------
        CoverageError
            The samples ``wave_aa`` (m,), observed frame, do not reach over the filter.
        """
        wave_aa = np.asarray(wave_aa, dtype=np.float64)
        self.check_coverage(wave_aa[0], wave_aa[-1])
        _, measure, index, fraction = quadrature(self, wave_aa)
        m = wave_aa.size
        return np.bincount(index, measure * (1.0 - fraction), m) + np.bincount(index + 1, measure * fraction, m)

    def mean_flux(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """Photon-weighted mean flux density (n,) of spectra (n, m) at observed wavelengths (m,)."""
        return np.asarray(flux) @ self.weights(wave_aa)

    def ab_magnitude(self, wave_aa: np.ndarray, f_lambda: np.ndarray) -> np.ndarray:
        """AB magnitudes (n,) of spectra (n, m), erg/s/cm2/A, observed wavelengths (m,); NaN where <= 0."""
        return ab_magnitude(self.mean_flux(wave_aa, f_lambda), self.pivot_wave_aa)

    def line_weights(self, line_wave_aa: np.ndarray, sigma_aa: np.ndarray | float) -> np.ndarray:
        """<f_lambda> per unit flux of Gaussian lines (observed wavelength and sigma, A): (n_lines,) 1/A.

        The exact mean of R(lambda) lambda over each Gaussian, divided by Int R lambda dlambda.
        """
        line = np.atleast_1d(np.asarray(line_wave_aa, dtype=np.float64))[:, None]
        sigma = np.broadcast_to(np.asarray(sigma_aa, dtype=np.float64), line.shape[:1])[:, None]
        sigma = np.maximum(sigma, 1e-6)  # a sharp line is one of sigma 1e-6 A
        offset = self.wave_aa - line
        u = np.clip(offset / sigma, -40.0, 40.0)
        density = elementary.exp(-0.5 * u * u) * sigma / np.sqrt(2.0 * np.pi)
        # Moments of the Gaussian over each segment of the curve, about the line's centre.
        zeroth = np.diff(elementary.normal_cdf(u), axis=1)
        first = -np.diff(density, axis=1)
        second = sigma**2 * zeroth - np.diff(density * u * sigma, axis=1)
        slope = np.diff(self.throughput) / np.diff(self.wave_aa)
        at_line = self.throughput[:-1] - slope * offset[:, :-1]
        mean = line * at_line * zeroth + (at_line + line * slope) * first + slope * second
        return mean.sum(axis=1) / self.norm_aa2


def ab_magnitude(mean_f_lambda: np.ndarray, pivot_wave_aa: float | np.ndarray) -> np.ndarray:
    """AB magnitude of a photon-weighted mean flux density in erg/s/cm2/A; NaN where it is not positive."""
    f_nu = np.asarray(mean_f_lambda, dtype=np.float64) * np.square(pivot_wave_aa) / C_AA_S
    return -2.5 * elementary.log10(np.where(f_nu > 0.0, f_nu, np.nan)) + AB_ZERO_POINT


def ab_flux(magnitude: np.ndarray, pivot_wave_aa: float | np.ndarray) -> np.ndarray:
    """Photon-weighted mean flux density in erg/s/cm2/A of AB magnitudes, the inverse of `ab_magnitude`."""
    f_nu = elementary.exp(-0.4 * LN10 * (np.asarray(magnitude, dtype=np.float64) - AB_ZERO_POINT))
    return f_nu * C_AA_S / np.square(pivot_wave_aa)


def quadrature(
    band: Filter, wave_aa: np.ndarray, extra_aa: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points at which Int f R lambda dlambda / Int R lambda dlambda is exact for a piecewise-linear f.

    Returns
    -------
    x : (q,) wavelengths; ``extra_aa`` are further breakpoints.
    measure : (q,) quadrature weight times R lambda / norm.
    index, fraction : (q,) f(x) = (1 - fraction) f[index] + fraction f[index + 1].
    """
    low, high = max(band.wave_aa[0], wave_aa[0]), min(band.wave_aa[-1], wave_aa[-1])
    points = np.concatenate([wave_aa, band.wave_aa] + ([] if extra_aa is None else [extra_aa]))
    points = np.unique(np.append(points[(points > low) & (points < high)], [low, high]))
    x, weight = _gauss_points(points)
    measure = weight * np.interp(x, band.wave_aa, band.throughput) * x / band.norm_aa2
    index = np.clip(np.searchsorted(wave_aa, x) - 1, 0, wave_aa.size - 2)
    fraction = (x - wave_aa[index]) / (wave_aa[index + 1] - wave_aa[index])
    return x, measure, index, fraction


def _gauss_points(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    step = np.diff(points)
    x = np.stack([points[:-1] + _GAUSS_NODE * step, points[1:] - _GAUSS_NODE * step], axis=1)
    return x.ravel(), np.repeat(0.5 * step, 2)


def _gauss(points: np.ndarray, function) -> float:
    x, weight = _gauss_points(points)
    return (weight * function(x)).sum(axis=-1)
