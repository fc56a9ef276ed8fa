"""Predictions of bins held against their spectra (`sfhmodel.checking`), as columns of a chunk."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sfhmodel.checking.comparison import check
from sfhmodel.checking.result import CheckResult
from sfhmodel.inference.prediction import Prediction

MISMATCH = "check_mismatch"
COMMENTS = {
    "check_chi2": "chi-square per degree of freedom of the spectrum made again",
    "check_rms": "rms of spectrum minus that made again, over the mean flux",
    MISMATCH: "chi-square with 1% of the flux in the errors, over its limit",
}
TABLE = "CHECK"  # spectra of some bins as the model saw them, and made again
TABLE_COLUMNS = {"FLUX": "shown_check_flux", "FLUX_ERROR": "shown_check_error", "MODEL": "shown_check_model"}
SHOWN_CHECKED = tuple(TABLE_COLUMNS.values())
_AT_ONCE = 64  # spectra of a thread


def checked_bins(prediction: Prediction, shown: np.ndarray) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Columns of the bins of a chunk, and what to tell the user.

    Parameters
    ----------
    prediction : of n bins, with the spectra that the model saw, or without when none could be used.
    shown : rows whose spectra are kept, ascending.

    Returns
    -------
    columns : those of `COMMENTS` (n,), NaN where nothing can be compared, and `SHOWN_CHECKED` (len(shown), n_pixel) in
        the unit of the cube, NaN where there are no data.
    notes : see `sfhmodel.checking.check`.
    """
    from threadpoolctl import threadpool_limits

    n, n_pixel = len(prediction), prediction.description.n_pixel
    spectra = {key: np.full((shown.size, n_pixel), np.nan, dtype=np.float32) for key in SHOWN_CHECKED}
    columns = {name: np.full(n, np.nan) for name in COMMENTS}
    if prediction.flux is None:
        return columns | spectra, ()
    slices = [slice(start, min(start + _AT_ONCE, n)) for start in range(0, n, _AT_ONCE)]

    def of_some(rows: slice) -> tuple[CheckResult, tuple[np.ndarray, ...], tuple[str, ...]]:
        some, here = prediction[rows], shown[(shown >= rows.start) & (shown < rows.stop)]
        result, notes = check(some, np.asarray(some.flux), some.flux_error, some.mask)
        return result.without_spectra(), _spectra(some, result, here - rows.start), notes

    # threads of BLAS would wait for each other at such small products, long on busy machines
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        results, kept, notes = zip(*pool.map(of_some, slices), strict=True)
    result = CheckResult.joined(results)
    columns |= dict(zip(COMMENTS, (result.chi2, result.residual_rms, result.mismatch), strict=True))
    spectra |= {key: np.concatenate(parts) for key, parts in zip(SHOWN_CHECKED, zip(*kept, strict=True), strict=True)}
    return columns | spectra, notes[0]


def _spectra(prediction: Prediction, result: CheckResult, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Flux, error and model (len(rows), n_pixel) in the unit of the cube."""
    flux, error, mask, scale, model = (
        np.asarray(values)[rows]
        for values in (prediction.flux, prediction.flux_error, prediction.mask, prediction.flux_scale, result.model)
    )
    flux, error = (np.where(mask > 0, values, np.nan) for values in (flux, error))
    return tuple((values * scale[:, None]).astype(np.float32) for values in (flux, error, model))
