"""Line-spread functions (LSF) and the Gaussian width that brings a template to the instrument's resolution.

Each LSF is a Gaussian whose FWHM depends on the observed wavelength. In the rest frame, for stars or lines of
dispersion sigma_v and a template whose own resolution is FWHM_t(lambda),

    sigma(lambda)^2 = (sigma_v lambda / c)^2 + [FWHM(lambda (1+z)) / (k (1+z))]^2 - [FWHM_t(lambda) / k]^2

with k = 2 sqrt(2 ln 2), clipped at 0 where the template is coarser than the result should be.
MUSE: Bacon et al. 2017, A&A 608, A1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import numpy as np

from sfhsim.constants import C_KMS, FWHM_PER_SIGMA
from sfhsim.errors import RecipeError
from sfhsim.instrument.two_column_files import check_table, read_two_columns
from sfhsim.plugins import load_entry_points


class LineSpreadFunction(Protocol):
    """What the simulator asks of an LSF."""

    def fwhm_aa(self, observed_wave_aa: np.ndarray) -> np.ndarray:
        """FWHM in Angstrom at observed wavelengths of any shape."""


@dataclass(frozen=True)
class PolynomialLSF:
    """FWHM = c2 lambda^2 + c1 lambda + c0 [A], held constant outside ``range_aa``."""

    coefficients: tuple[float, float, float]
    range_aa: tuple[float, float]

    def fwhm_aa(self, observed_wave_aa: np.ndarray) -> np.ndarray:
        return np.polyval(self.coefficients, np.clip(observed_wave_aa, *self.range_aa))


@dataclass(frozen=True)
class ConstantLSF:
    """A constant FWHM in Angstrom or a constant resolving power R = lambda / FWHM: exactly one of them."""

    width_aa: float | None = None
    resolving_power: float | None = None

    def __post_init__(self):
        given = [value for value in (self.width_aa, self.resolving_power) if value is not None]
        if len(given) != 1:
            raise RecipeError("constant LSF: give exactly one of fwhm_aa and resolving_power")
        if not (np.isfinite(given[0]) and given[0] > 0.0):
            raise RecipeError(f"constant LSF: fwhm_aa or resolving_power must be positive, got {given[0]}")

    def fwhm_aa(self, observed_wave_aa: np.ndarray) -> np.ndarray:
        wave_aa = np.asarray(observed_wave_aa, dtype=np.float64)
        if self.resolving_power is not None:
            return wave_aa / self.resolving_power
        return np.full(wave_aa.shape, self.width_aa, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TabulatedLSF:
    """FWHM linear between the rows of a table, and held at its end values outside of it."""

    wave_aa: np.ndarray
    table_fwhm_aa: np.ndarray
    source: str = "tabulated LSF"

    def __post_init__(self):
        wave_aa, fwhm_aa = check_table(self.wave_aa, self.table_fwhm_aa, self.source)
        bad = np.flatnonzero(fwhm_aa < 0.0)
        if bad.size:
            raise RecipeError(f"{self.source}: row {bad[0] + 1} has a negative FWHM ({fwhm_aa[bad[0]]} A)")
        object.__setattr__(self, "wave_aa", wave_aa)
        object.__setattr__(self, "table_fwhm_aa", fwhm_aa)

    def fwhm_aa(self, observed_wave_aa: np.ndarray) -> np.ndarray:
        return np.interp(observed_wave_aa, self.wave_aa, self.table_fwhm_aa)


@dataclass(frozen=True)
class NoLSF:
    """A perfect instrument: FWHM 0."""

    def fwhm_aa(self, observed_wave_aa: np.ndarray) -> np.ndarray:
        return np.zeros(np.shape(observed_wave_aa))


def _muse() -> LineSpreadFunction:
    """MUSE, Hubble Ultra Deep Field mosaic fit (Bacon+ 2017, section 4.1)."""
    return PolynomialLSF((5.835e-8, -9.080e-4, 5.983), (4750.0, 9350.0))


def _muse_udf10() -> LineSpreadFunction:
    """MUSE, udf-10 deep pointing fit (Bacon+ 2017)."""
    return PolynomialLSF((5.866e-8, -9.187e-4, 6.040), (4750.0, 9350.0))


def _constant(fwhm_aa: float | None = None, resolving_power: float | None = None) -> LineSpreadFunction:
    return ConstantLSF(fwhm_aa, resolving_power)


def _tabulated(path: str | Path | None = None, wave_aa=None, fwhm_aa=None) -> LineSpreadFunction:
    """From a two-column file (ASCII or ECSV) or two arrays: observed wavelength and FWHM in Angstrom."""
    if (path is None) == (wave_aa is None and fwhm_aa is None):
        raise RecipeError("tabulated LSF: give either path, or wave_aa and fwhm_aa")
    if path is not None:
        return TabulatedLSF(*read_two_columns(path, "LSF"), source=f"LSF file {path}")
    if wave_aa is None or fwhm_aa is None:
        raise RecipeError("tabulated LSF: wave_aa and fwhm_aa come together")
    return TabulatedLSF(wave_aa, fwhm_aa)


LSF_REGISTRY: dict[str, Callable[..., LineSpreadFunction]] = {
    "muse": _muse,
    "muse-udf10": _muse_udf10,
    "constant": _constant,
    "tabulated": _tabulated,
    "none": NoLSF,
}


def register_lsf(name: str, factory: Callable[..., LineSpreadFunction]) -> None:
    """Add an LSF under ``name``; ``factory(**options)`` returns an object with ``fwhm_aa``."""
    if name in LSF_REGISTRY:
        raise RecipeError(f"LSF {name!r} is already registered")
    LSF_REGISTRY[name] = factory


def make_lsf(name: str, **options) -> LineSpreadFunction:
    """The LSF called ``name`` (muse, muse-udf10, constant, tabulated, none, or a registered one).

    Raises
    ------
    RecipeError
        Unknown name (with near matches), or options that the LSF does not take.
    """
    if name not in LSF_REGISTRY:
        load_entry_points()
    if name not in LSF_REGISTRY:
        near = get_close_matches(str(name), LSF_REGISTRY, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise RecipeError(f"unknown LSF {name!r}: {hint}Known: {', '.join(LSF_REGISTRY)}")
    try:
        return LSF_REGISTRY[name](**options)
    except TypeError as error:
        raise RecipeError(f"LSF {name!r} does not take these options ({error})") from error


def broadening_sigma_aa(
    wave_rest_aa: np.ndarray,
    redshift: float | np.ndarray,
    sigma_kms: float | np.ndarray,
    lsf: LineSpreadFunction,
    template_fwhm_aa: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian sigma, in rest-frame Angstrom, by which a template is to be broadened.

    Parameters
    ----------
    wave_rest_aa : (m,) rest-frame wavelengths.
    redshift : scalar or (n,)
    sigma_kms : scalar or (n,) velocity dispersion, km/s.
    lsf : LineSpreadFunction
    template_fwhm_aa : (m,) or scalar, optional
        The template's own resolution, subtracted in quadrature; nothing is subtracted when not given (as
        ProSpect).

    Returns
    -------
    sigma_aa : (m,), or (n, m) when redshift or sigma_kms is (n,). float64.
    clipped : same shape, bool. Where the template is coarser than the result should be: sigma_aa is 0 there.

    Raises
    ------
    RecipeError
        A dispersion that is negative or not finite, or a redshift of -1 or below.
    """
    wave_aa = np.asarray(wave_rest_aa, dtype=np.float64)
    redshift, sigma_kms = np.broadcast_arrays(
        np.asarray(redshift, dtype=np.float64), np.asarray(sigma_kms, dtype=np.float64)
    )
    if not (np.isfinite(sigma_kms).all() and (sigma_kms >= 0.0).all()):
        raise RecipeError(f"velocity dispersion must be finite and >= 0 km/s, got {np.min(sigma_kms)}")
    if not (np.isfinite(redshift).all() and (redshift > -1.0).all()):
        raise RecipeError(f"redshift must be finite and > -1, got {np.min(redshift)}")
    stretch = 1.0 + redshift[..., None]
    variance = (sigma_kms[..., None] / C_KMS * wave_aa) ** 2
    variance = variance + (lsf.fwhm_aa(wave_aa * stretch) / (FWHM_PER_SIGMA * stretch)) ** 2
    if template_fwhm_aa is not None:
        variance = variance - (np.asarray(template_fwhm_aa, dtype=np.float64) / FWHM_PER_SIGMA) ** 2
    clipped = variance < 0.0
    return np.sqrt(np.where(clipped, 0.0, variance)), clipped
