"""Compile time of the fast broadening: the uniform grid of columns and the tables of `sfhsim.kernels.convolution`.

A library whose pixels in the window are uniform gives its own grid. Otherwise the columns are a uniform grid with the
smallest step in the window, onto which templates are brought broadened as much as every galaxy will be, at most by one
native pixel, so that they are smooth on the new grid. A box of width D has the variance D^2/12; so that the total
variance is that asked for, s^2 = sigma^2 - D^2/12 for native pixels of step D. Columns of a new grid have the sigma_0
they were broadened by (or the native box), the place of light within a column and the column's own box:
sigma_0^2 + D^2/6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

from sfhsim import elementary
from sfhsim.constants import C_KMS, FWHM_PER_SIGMA
from sfhsim.instrument import broaden_operator, broadening_sigma_aa

_LOG_STEP = 0.03
_JUMP = 0.05  # of the template's resolution between two columns (variance in columns^2): from here on two pieces
_RAMP_POINTS = 4097
_LSF_POINTS = 8192


@dataclass(frozen=True)
class UniformGrid:
    """Pixels of equal width; ``native`` says whether they are the library's own."""

    first_edge_aa: float
    step_aa: float
    size: int
    native: bool

    @property
    def edges_aa(self) -> np.ndarray:
        """(size + 1,)"""
        return self.first_edge_aa + self.step_aa * np.arange(self.size + 1)

    @property
    def wave_aa(self) -> np.ndarray:
        """(size,) pixel centres."""
        return self.first_edge_aa + self.step_aa * (np.arange(self.size) + 0.5)


def uniform_grid(native_wave_aa: np.ndarray) -> UniformGrid:
    """The grid of columns for native pixel centres (m,): theirs if uniform to 1e-3 of a step (wavelengths in files
    are rounded), else one of their smallest step inside them."""
    m = native_wave_aa.size
    step = (native_wave_aa[-1] - native_wave_aa[0]) / (m - 1)
    if np.abs(native_wave_aa - (native_wave_aa[0] + step * np.arange(m))).max() < 1e-3 * step:
        return UniformGrid(float(native_wave_aa[0] - 0.5 * step), float(step), m, True)
    step = float(np.diff(native_wave_aa).min())
    return UniformGrid(float(native_wave_aa[0]), step, int((native_wave_aa[-1] - native_wave_aa[0]) / step), False)


def kernel_rows(log_first: float, log_step: float, n_row: int, half_width: int) -> np.ndarray:
    """w(n; s) of the kernels' docstring, (n_row, 2 half_width + 8) float32, for s = exp(log_first + k log_step).

    Rows sum to 1; the middle column is n = 0.
    """
    half_width += 4
    s = elementary.exp(log_first + log_step * np.arange(n_row))[:, None]
    n = np.arange(-half_width, half_width)
    ramp = _smooth_ramp(np.arange(-half_width - 1, half_width + 1), s)
    rows = np.maximum(np.diff(ramp, n=2, axis=1), 0.0)
    rows[:, np.abs(n) > half_width - 4] = 0.0
    return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def _smooth_ramp(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """R(x) of the kernels' docstring as max(x, 0) and an excess, so that nothing cancels."""
    u = np.abs(x) / s
    return np.maximum(x, 0.0) + s * (elementary.exp(-0.5 * u * u) / np.sqrt(2 * np.pi) - u * elementary.normal_cdf(-u))


def prior_sigma_aa(grid: UniformGrid, native_wave_aa, template_fwhm_aa, lsf, redshift_range, lowest_kms) -> np.ndarray:
    """(m,) sigma_0 by which native pixels may be broadened for all galaxies, Angstrom: at most one pixel.

    None where the template's resolution jumps, so that no light crosses to where another width holds.
    """
    width_aa = np.gradient(native_wave_aa)
    stretches = np.linspace(*redshift_range, 5)
    sigma, _ = broadening_sigma_aa(native_wave_aa, stretches, lowest_kms, lsf, template_fwhm_aa)
    prior = np.sqrt(np.clip(sigma.min(axis=0) ** 2 - grid.step_aa**2 / 6, 0.0, width_aa**2))
    if template_fwhm_aa is not None:
        change = np.abs(np.diff((template_fwhm_aa / FWHM_PER_SIGMA) ** 2)) > _JUMP * grid.step_aa**2
        prior[np.convolve(change, np.ones(11), mode="full")[5:-4] > 0] = 0.0
    return prior


def column_operator(grid: UniformGrid, native_wave_aa: np.ndarray, sigma_aa: np.ndarray) -> sparse.csr_array:
    """The matrix (size, m) that brings templates to the columns, broadened by ``sigma_aa`` (m,).

    The end pixels of the window are held beyond it: what they add stays within the margin of the window.
    """
    from scipy import sparse  # 0.15 s to import

    m, n_held = native_wave_aa.size, 40
    beyond = np.arange(1, n_held + 1)
    low = native_wave_aa[0] - beyond[::-1] * (native_wave_aa[1] - native_wave_aa[0])
    high = native_wave_aa[-1] + beyond * (native_wave_aa[-1] - native_wave_aa[-2])
    source = np.clip(np.arange(-n_held, m + n_held), 0, m - 1)
    operator = broaden_operator(
        np.concatenate([low, native_wave_aa, high]), sigma_aa[source], grid.edges_aa, preserve="continuum"
    )
    hold = sparse.csr_array((np.ones(source.size), (np.arange(source.size), source)), shape=(source.size, m))
    return sparse.csr_array(operator @ hold)


def broadening_tables(
    grid: UniformGrid,
    native_wave_aa: np.ndarray,
    template_fwhm_aa: np.ndarray | None,
    lsf,
    redshift_range: tuple[float, float],
    highest_kms: float,
    prior_aa: np.ndarray | None = None,
):
    """Tables of the kernel for redshifts in a range and dispersions up to ``highest_kms``.

    Parameters
    ----------
    grid : UniformGrid of the columns.
    native_wave_aa, template_fwhm_aa : (m,) native pixels and their resolution, None if it is not to be subtracted.
    lsf : LineSpreadFunction
    redshift_range : lowest and highest.
    prior_aa : (m,) what `column_operator` broadened by already; None on the library's own grid.

    Returns
    -------
    sfhsim.kernels.convolution.BroadeningTables
    """
    from sfhsim.kernels.convolution import NARROW, RAMP_END, REACH, BroadeningTables

    low_z, high_z = redshift_range
    observed_aa = np.linspace(grid.edges_aa[0] * (1 + low_z), grid.edges_aa[-1] * (1 + high_z), _LSF_POINTS)
    lsf_variance_aa2 = (lsf.fwhm_aa(observed_aa) / FWHM_PER_SIGMA) ** 2
    has = column_variance(grid, native_wave_aa, template_fwhm_aa, prior_aa)
    template = has / grid.step_aa**2
    stretch = 1 + np.linspace(low_z, high_z, 9)[:, None]
    width2 = (highest_kms / C_KMS * grid.wave_aa) ** 2
    width2 = width2 + (lsf.fwhm_aa(grid.wave_aa * stretch) / FWHM_PER_SIGMA / stretch) ** 2
    widest = 1.02 * np.sqrt(np.maximum(width2 / grid.step_aa**2 - template, 0.0).max())
    lowest = 0.7 * NARROW
    n_row = max(int(np.ceil(elementary.log(max(widest, lowest) / lowest) / _LOG_STEP)) + 4, 6)
    rows = kernel_rows(elementary.log(lowest), _LOG_STEP, n_row, int(REACH * max(widest, NARROW) + 2.5))
    resolution = (has - column_variance(grid, native_wave_aa, None, prior_aa)) / grid.step_aa**2
    jumps = np.flatnonzero(np.abs(np.diff(resolution)) > _JUMP) + 1
    u = np.linspace(0.0, RAMP_END, _RAMP_POINTS)
    ramp = elementary.exp(-0.5 * u * u) / np.sqrt(2 * np.pi) - u * elementary.normal_cdf(-u)
    return BroadeningTables(
        first_edge_aa=grid.first_edge_aa,
        step_aa=grid.step_aa,
        template_variance=template.astype(np.float32),
        pieces=_pieces(jumps, grid.size),
        lsf_variance_aa2=lsf_variance_aa2.astype(np.float32),
        lsf_first_aa=float(observed_aa[0]),
        lsf_step_aa=float(observed_aa[1] - observed_aa[0]),
        log_first=float(elementary.log(lowest)),
        log_step=_LOG_STEP,
        weights=rows,
        ramp=ramp,
    )


def _pieces(jumps: np.ndarray, size: int) -> np.ndarray:
    """Borders of the pieces; a join spread over a few columns is one jump, at its middle."""
    runs = np.split(jumps, np.flatnonzero(np.diff(jumps) > 8) + 1) if jumps.size else []
    return np.array([0, *(int(run[run.size // 2]) for run in runs), size], dtype=np.intp)


def column_variance(grid: UniformGrid, native_wave_aa, template_fwhm_aa, prior_aa) -> np.ndarray:
    """(size,) Angstrom^2: what a column has already, from its boxes and the template's resolution."""
    nearest = np.clip(np.searchsorted(native_wave_aa, grid.wave_aa), 1, native_wave_aa.size - 1)
    nearest -= grid.wave_aa - native_wave_aa[nearest - 1] < native_wave_aa[nearest] - grid.wave_aa
    variance = np.full(grid.size, grid.step_aa**2 / 12)
    if not grid.native:
        box = np.gradient(native_wave_aa) ** 2 / 12
        variance = grid.step_aa**2 / 6 + np.maximum(prior_aa**2, box)[nearest]
    if template_fwhm_aa is not None:
        variance = variance + (np.asarray(template_fwhm_aa)[nearest] / FWHM_PER_SIGMA) ** 2
    return variance
