"""One sparse matrix that takes spectra of one wavelength grid and redshift to the model's grid.

    flux_k = sum_j R_kj g_j f_j / sum_j R_kj g_j,      error_k^2 = sum_j (R_kj g_j e_j)^2 / (sum_j R_kj g_j)^2

R is the flux-conserving overlap of `sfhsim.instrument.resampling` (with the broadening, if any), g_j is 1 for good
pixels and 0 for bad ones, so that a bad pixel's share goes to its good neighbours in the same output pixel. Errors of
neighbouring output pixels that share an input pixel are correlated; only the diagonal is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sfhmodel.errors import InputError
from sfhmodel.spectra.frame import TrainingFrame
from sfhmodel.spectra.options import PreparationSettings
from sfhmodel.spectra.resolution import matching_sigma_aa
from sfhmodel.spectra.sky import in_sky_window
from sfhsim.air import air_to_vacuum, vacuum_to_air

WIDE_PIXEL = 3.0  # of the grid's; from here on it is said
WIDEST_PIXEL = 12.0  # of the grid's; light in wider ones lies anywhere in them
N_SIGMA = 6.0  # light that broadening brings in from further away does not count


@dataclass(frozen=True, eq=False)
class GridOperator:
    """From an observed grid to the model's.

    Attributes
    ----------
    columns : of the m observed pixels, the m' that reach the grid.
    weights : (n_pixel, m') sparse; rows of pixels that are not covered are empty, the others sum to 1.
    squared : the same, squared, for variances.
    usable : (m',) observed pixels outside of the sky's windows.
    covered : (n_pixel,) pixels of the grid that lie wholly on the observed range.
    notes : what the user should know.
    """

    columns: slice
    weights: sparse.csr_array
    squared: sparse.csr_array
    usable: np.ndarray
    covered: np.ndarray
    notes: tuple[str, ...] = ()


def shifted_wave_aa(wave_aa: np.ndarray, medium: str, redshift: float, frame: TrainingFrame) -> np.ndarray:
    """Observed wavelengths as air wavelengths in the frame of the training spectra."""
    stretch = (1.0 + redshift) / (1.0 + frame.target_redshift(redshift))
    if medium == "air" and stretch == 1.0:
        return wave_aa
    return vacuum_to_air((air_to_vacuum(wave_aa) if medium == "air" else wave_aa) / stretch)


def grid_operator(
    wave_aa: np.ndarray,
    medium: str,
    redshift: float,
    grid_wave_aa: np.ndarray,
    frame: TrainingFrame,
    settings: PreparationSettings,
    fwhm_aa: np.ndarray | None = None,
) -> GridOperator:
    """The operator of one observed grid and redshift. All wavelengths in Angstrom; the grid in air.

    Observed pixels more than `WIDEST_PIXEL` times as wide as the grid's are gaps, not data. ``fwhm_aa`` (m,) is the
    observed line-spread function, where the file says it.

    Raises
    ------
    InputError
        The resolution is to be matched, but the training recipe does not say to what; pixels far wider than the grid's.
    """
    from sfhsim.instrument.resampling import broaden_operator, pixel_edges, rebin_operator

    wave = shifted_wave_aa(wave_aa, medium, redshift, frame)
    sigma_aa, notes = matching_sigma_aa(wave_aa, wave, redshift, frame, settings, fwhm_aa)
    native, edges = pixel_edges(wave), pixel_edges(grid_wave_aa)
    margin = (0.0, 0.0) if sigma_aa is None else N_SIGMA * sigma_aa[[0, -1]]
    slack = 1e-9 * native[-1]
    covered = (edges[:-1] >= native[0] + margin[0] - slack) & (edges[1:] <= native[-1] - margin[1] + slack)
    weights = sparse.csr_array((grid_wave_aa.size, wave.size))
    if covered.any():
        first, last = np.flatnonzero(covered)[[0, -1]]
        inner = edges[first : last + 2]
        if sigma_aa is None:
            part = rebin_operator(wave, inner)
        else:
            part = broaden_operator(wave, sigma_aa, inner, preserve="continuum")
        weights = sparse.csr_array(
            (part.data, part.indices, np.concatenate([np.zeros(first), part.indptr,
             np.full(grid_wave_aa.size - last - 1, part.nnz)]).astype(np.int32)),
            shape=(grid_wave_aa.size, wave.size),
        )  # fmt: skip
    used = np.flatnonzero(np.bincount(weights.indices, minlength=wave.size))
    columns = slice(used[0], used[-1] + 1) if used.size else slice(0, 0)
    weights = weights[:, columns].astype(np.float32)
    usable = np.ones(wave.size, dtype=bool)
    if settings.masks_sky(redshift):
        usable = ~in_sky_window(vacuum_to_air(wave_aa) if medium == "vacuum" else wave_aa)
    fine, wide = _fine_enough(native, edges)
    usable &= fine
    notes += wide
    return GridOperator(columns, weights, weights.multiply(weights).tocsr(), usable[columns], covered, notes)


def _fine_enough(native: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(m,) bool: observed pixels that are not far wider than the pixels of the grid where they are; and a remark."""
    width, grid_width = np.diff(native), np.diff(edges)
    centre = 0.5 * (native[1:] + native[:-1])
    fine = width <= WIDEST_PIXEL * np.interp(centre, 0.5 * (edges[1:] + edges[:-1]), grid_width)
    on_grid = (native[1:] > edges[0]) & (native[:-1] < edges[-1])
    if not (fine & on_grid).any() and on_grid.any():
        raise InputError(
            f"its pixels are {np.median(width[on_grid]):.3g} A wide, the model's {np.median(grid_width):.3g} A: a "
            "spectrum this coarse does not show what the model looks at"
        )
    median, model = np.median(width[on_grid]) if on_grid.any() else 0.0, np.median(grid_width)
    if median > WIDE_PIXEL * model:
        return fine, (f"its pixels are {median:.3g} A wide, the model's {model:.3g} A: fine structure is missing",)
    return fine, ()
