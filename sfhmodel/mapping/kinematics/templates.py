"""What stars look like in log wavelength: a basis of few spectra that all stellar populations are sums of.

The populations are those of the simulator's library, rebinned to equal steps of log wavelength and divided by their
means; the basis are the first vectors of their singular value decomposition. Dust and calibration are left to
additive polynomials, as in pPXF (Cappellari 2017, MNRAS 466, 798).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.mapping.mass import LIBRARY
from sfhmodel.spectra.frame import C_KMS
from sfhsim.constants import FWHM_PER_SIGMA

N_BASIS, N_POLYNOMIAL = 15, 10
_PADDING_KMS = 4500.0  # of stars beyond the data: shifted and broadened ones come from there
_COARSEST_KMS = 300.0  # between pixels of the library where they are closest
_TYPICAL_SIGMA_KMS, _GAS_KMS = 100.0, 500.0
_YOUNGEST_YR = 1e7
_N_AGE = 36

# rest wavelengths, air [A]: lines of gas, and Na I D, which gas absorbs
GAS_LINES_AA = (4861.33, 4958.91, 5006.84, 5197.90, 5200.26, 5754.59, 5875.62, 5889.95, 5895.92, 6300.30, 6363.78,
                6548.05, 6562.80, 6583.45, 6678.15, 6716.44, 6730.82)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LogGrid:
    """Equal steps in log wavelength at rest.

    Attributes
    ----------
    edges_aa : (n + 1,) of the pixels, air, at rest.
    step_kms : of a pixel.
    """

    edges_aa: np.ndarray
    step_kms: float

    @property
    def wave_aa(self) -> np.ndarray:
        """(n,) centres."""
        return np.sqrt(self.edges_aa[1:] * self.edges_aa[:-1])

    @classmethod
    def between(cls, low_aa: float, high_aa: float, step_kms: float) -> LogGrid:
        """From ``low_aa`` to at most ``high_aa``."""
        n = int(np.log(high_aa / low_aa) * C_KMS / step_kms)
        return cls(low_aa * np.exp(np.arange(n + 1) * step_kms / C_KMS), step_kms)

    def gas_free(self, velocity_kms: np.ndarray, half_width_kms: float) -> np.ndarray:
        """(n_spectrum, n) bool, pixels further from lines of gas at these velocities (n_spectrum,)."""
        log = np.log(self.wave_aa)[None, :] - np.asarray(velocity_kms)[:, None] / C_KMS
        free = np.ones(log.shape, dtype=bool)
        for line in GAS_LINES_AA:
            free &= np.abs(log - np.log(line)) > half_width_kms / C_KMS
        return free


@dataclass(frozen=True, eq=False)
class Basis:
    """Stars and polynomials on a grid.

    Attributes
    ----------
    grid : LogGrid, of the data.
    transform : (k, n_frequency) Fourier transforms of the stellar basis, on the grid with ``padding`` on either side.
    frequency : (n_frequency,) angular, per pixel.
    n_fft, padding : pixels.
    polynomials : (l, n)
    fwhm_aa : of the library.
    """

    grid: LogGrid
    transform: np.ndarray
    frequency: np.ndarray
    n_fft: int
    padding: int
    polynomials: np.ndarray
    fwhm_aa: float

    def broadened(self, transform: np.ndarray, velocity: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """(n, k, n_pixel) spectra with a Gaussian of velocities and dispersions (n,) in pixels.

        ``transform`` is (k, n_frequency), or (n, k, n_frequency).
        """
        losvd = self.losvd(velocity, sigma)[:, None, :]
        n = self.grid.wave_aa.size
        return np.fft.irfft(transform * losvd, self.n_fft)[..., self.padding : self.padding + n]

    def losvd(self, velocity: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """(n, n_frequency) transforms of the Gaussians, exact however narrow they are (Cappellari 2017, eq. 38)."""
        omega = self.frequency[None, :]
        return np.exp(-1j * omega * velocity[:, None] - 0.5 * np.square(omega * sigma[:, None]))


def stellar_basis(grid: LogGrid) -> Basis:
    """The basis on a grid.

    Raises
    ------
    InputError
        The library does not reach so far.
    """
    from threadpoolctl import threadpool_limits

    from sfhsim.libraries import load_library
    from sfhsim.pixels import rebin_padded

    library = load_library(LIBRARY)
    n, step = grid.wave_aa.size, grid.step_kms / C_KMS
    padding = int(np.ceil(_PADDING_KMS / grid.step_kms))
    n_fft = 1 << int(np.ceil(np.log2(n + 2 * padding)))
    edges = grid.edges_aa[0] * np.exp((np.arange(n_fft + 1) - padding) * step)
    needed = edges[[0, n + 2 * padding]]
    near = (library.wave_aa > needed[0] - 50.0) & (library.wave_aa < edges[-1] + 50.0)
    inside = (library.wave_aa > needed[0]) & (library.wave_aa < needed[1])
    coarsest = _COARSEST_KMS / C_KMS * needed[1]
    if inside.sum() < 2 or library.wave_aa[near][0] > needed[0] or np.diff(library.wave_aa[inside]).min() > coarsest:
        raise InputError(f"velocities need stars from {needed[0]:.0f} to {needed[1]:.0f} A, {LIBRARY} has no such")
    age = np.unique(np.searchsorted(library.age_yr, np.geomspace(_YOUNGEST_YR, library.age_yr[-1], _N_AGE)))
    age = np.minimum(age, library.age_yr.size - 1)
    flux = np.asarray(library.flux[:, np.unique(age)][..., near], dtype=np.float64).reshape(-1, int(near.sum()))
    templates = rebin_padded(library.wave_aa[near], flux, edges)
    templates /= templates[:, padding : padding + n].mean(axis=1, keepdims=True)
    with threadpool_limits(1, "blas"):  # the same bits for any number of threads
        basis = np.linalg.svd(templates, full_matrices=False)[2][:N_BASIS] * np.sqrt(n)
    x = np.linspace(-1.0, 1.0, n)
    polynomials = np.polynomial.legendre.legvander(x, N_POLYNOMIAL - 1).T
    fwhm = float(np.median(library.resolution_fwhm_aa[near]))
    frequency = 2.0 * np.pi * np.fft.rfftfreq(n_fft)
    return Basis(grid, np.fft.rfft(basis), frequency, n_fft, padding, np.ascontiguousarray(polynomials), fwhm)


def instrument_excess_kms2(fwhm_aa: np.ndarray | float, basis: Basis) -> float:
    """By how much the variance of a line (km2/s2) is larger for the instrument than in the templates.

    A mean over the grid (``fwhm_aa`` a number, or (n,) on it) by what a wavelength says about dispersions: the square
    of what a broader line changes, the second derivative of the mean stellar spectrum, away from lines of gas.
    """
    grid = basis.grid
    sigma = np.array([_TYPICAL_SIGMA_KMS / grid.step_kms])
    curvature = -np.square(basis.frequency) * basis.transform[:1]
    weight = np.square(basis.broadened(curvature, np.zeros(1), sigma)[0, 0]) * grid.gas_free(np.zeros(1), _GAS_KMS)[0]
    excess = (np.square(fwhm_aa) - basis.fwhm_aa**2) / np.square(FWHM_PER_SIGMA * grid.wave_aa) * C_KMS**2
    return float(np.sum(weight * excess) / np.sum(weight))
