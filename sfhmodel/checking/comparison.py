"""The check: from predictions and the spectra on the model's grid to how well these are made again.

The history of a prediction gives the starlight (`sfhsim.age_bin_templates`), its A_V the dust. Free are velocity and
dispersion of stars and gas, the amplitudes of emission lines, how much of the young stars' light leaves their birth
clouds, and a polynomial of one order for every 500 A: the calibration of observed fluxes is no better.

A prediction counts as unlike its spectrum where chi-square per degree of freedom, with 1% of the flux added to the
errors in quadrature, exceeds `sfhmodel.checking.result.LIMIT`. Simulated galaxies of the embedded library, predicted by
the model phangs-muse-hst at S/N 10-200 and checked with that library, stay below 1.06, those of E-MILES, MIUSCAT and
M11 below 1.3. (BPASS, whose stars are no observed ones, goes to 7.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfhmodel.checking.fit import GAS_KMS, HIGHEST_KMS, Fit, fit
from sfhmodel.checking.result import FLOOR, LIMIT, CheckResult
from sfhmodel.checking.spectra import Lines, Stars
from sfhmodel.checking.templates import templates_of
from sfhmodel.errors import InputError

if TYPE_CHECKING:
    from sfhmodel.description import ModelDescription
    from sfhmodel.inference.prediction import Prediction
    from sfhsim import AgeBinTemplates

_AT_ONCE = 32  # spectra: 17 templates of each, and the columns of their fit, in 20 MB
_LEAST_PIXELS = 100  # beyond the parameters of the fit
_ANSWERS = ("mass_fraction", "metallicity", "summaries")


def checked(prediction: Prediction) -> Prediction:
    """The prediction with its ``check``, of the spectra that it holds.

    Raises
    ------
    InputError
        The spectra were not kept (``keep_inputs=True``), or the model's templates cannot be made (`templates_of`).
    """
    if prediction.flux is None or prediction.flux_error is None or prediction.mask is None:
        raise InputError("the spectra were not kept: predict with keep_inputs=True, or with check=True")
    result, notes = check(prediction, prediction.flux, prediction.flux_error, prediction.mask)
    return replace(prediction, check=result, notes=tuple(dict.fromkeys((*prediction.notes, *notes))))


def check(
    prediction: Prediction, flux: np.ndarray, flux_error: np.ndarray | None = None, mask: np.ndarray | None = None
) -> tuple[CheckResult, tuple[str, ...]]:
    """Make the spectra of n predictions again and compare.

    Parameters
    ----------
    prediction : of n galaxies; those without a result (NaN) get NaN.
    flux : (n, n_pixel) on the model's grid, in its frame (at rest, where it was trained at rest), in any unit.
    flux_error : (n, n_pixel) one sigma; NaN or not positive where unknown. None when unknown.
    mask : (n, n_pixel) non-zero = use; None for all that are finite.

    Returns
    -------
    result : CheckResult
    notes : what to tell the user, e.g. whose stars were used.

    Raises
    ------
    InputError
        Shapes that are not (n, n_pixel), or see `templates_of`.
    """
    answers = {name: getattr(prediction, name) for name in _ANSWERS}
    return check_arrays(prediction.description, answers, flux, flux_error, mask)


def check_arrays(
    description: ModelDescription, answers: Mapping[str, np.ndarray], flux, flux_error=None, mask=None
) -> tuple[CheckResult, tuple[str, ...]]:
    """As `check`, of arrays: ``mass_fraction``, ``metallicity`` (n, n_age_bin) and ``summaries`` (n, n_summary)."""
    templates, notes = templates_of(description)
    answers = {name: np.asarray(answers[name], dtype=np.float64) for name in _ANSWERS}
    answers["a_v_mag"] = answers.pop("summaries")[:, description.summary_names.index("a_v_mag")]
    shape = len(answers["a_v_mag"]), description.n_pixel
    flux = np.asarray(flux, dtype=np.float64)
    error = np.full(shape, np.nan) if flux_error is None else np.asarray(flux_error, dtype=np.float64)
    good = np.ones(shape, dtype=bool) if mask is None else np.asarray(mask) > 0
    for name, values in (("flux", flux), ("flux_error", error), ("mask", good)):
        if values.shape != shape:
            raise InputError(f"{name} has shape {values.shape}, need (spectra, pixels of the model) = {shape}")
    good = good & np.isfinite(flux)
    parts = []
    for start in range(0, max(shape[0], 1), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        some = {name: values[rows] for name, values in answers.items()}
        parts.append(_checked_part(templates, some, flux[rows], error[rows], good[rows]))
    return CheckResult.joined(parts), notes


def _checked_part(templates: AgeBinTemplates, answers: dict, flux, error, good) -> CheckResult:
    """Of a few spectra; those that cannot be compared are fitted as nothing, and become NaN."""
    usable = np.all([np.isfinite(v).all(axis=tuple(range(1, v.ndim))) for v in answers.values()], axis=0)
    good = good & usable[:, None]
    scale = np.abs(np.where(good, flux, 0.0)).sum(axis=1) / np.maximum(good.sum(axis=1), 1)
    usable &= scale > 0.0
    scale = np.where(scale > 0.0, scale, 1.0)[:, None]
    flux, error = np.where(good, flux, 0.0) / scale, np.where(good, error, np.nan) / scale
    known = np.isfinite(error) & (error > 0.0)
    noise = np.where(known, error, scatter(flux, good)[:, None])
    floor = FLOOR * np.maximum(np.abs(flux), 0.1)
    weight = good / (noise**2 + floor**2)
    stars = _stars(templates, {name: np.where(_rows(usable, v), v, 1.0) for name, v in answers.items()})
    reach_kms = max(HIGHEST_KMS, GAS_KMS[1])
    lines = Lines(templates.wave_aa, templates.lsf_sigma_aa, templates.line_wave_aa, reach_kms)
    found = fit(flux, weight, stars, lines)
    return _result(found, flux, error, known & good, good, weight, usable, scale)


def _stars(templates: AgeBinTemplates, answers: dict) -> Stars:
    """Of predicted histories behind their dust, about 1."""
    n, n_pixel = len(answers["a_v_mag"]), templates.wave_aa.size
    weights = templates.weights(answers["mass_fraction"], answers["metallicity"]).astype(np.float32)
    weights = weights.reshape(n, weights.shape[1] * weights.shape[2])
    dust = 10.0 ** (-0.4 * np.maximum(answers["a_v_mag"], 0.0)[:, None] * (templates.screen_curve - 1.0))
    dust = dust.astype(np.float32)
    old, young = (
        np.stack([weights @ one.reshape(-1, n_pixel) for one in of], axis=1) * dust[:, None]
        for of in (templates.old, templates.young)
    )
    level = (old + young).mean(axis=(1, 2), keepdims=True)
    return Stars(templates.wave_aa, templates.dispersion_kms, old / level, young / level)


def _result(found: Fit, flux, error, known, good, weight, usable, scale) -> CheckResult:
    residual, n_good, n_known = np.where(good, flux - found.model, 0.0), good.sum(axis=1), known.sum(axis=1)
    usable = usable & (n_good > found.n_parameter + _LEAST_PIXELS)

    def mean(values, count):
        return np.where(usable & (count > 0), values.sum(axis=1) / np.maximum(count, 1), np.nan)

    in_sigma2 = np.divide(residual, error, out=np.zeros_like(residual), where=known) ** 2
    logarithm = np.log(np.maximum(np.abs(found.polynomial), 1e-3))
    logarithm -= mean(logarithm * good, n_good)[:, None]
    nothing = np.where(usable, 1.0, np.nan)
    return CheckResult(
        chi2=mean(in_sigma2, n_known - found.n_parameter),
        residual_rms=np.sqrt(mean(residual**2, n_good)),
        residual_rms_sigma=np.sqrt(mean(in_sigma2, n_known)),
        mismatch=mean(weight * residual**2, n_good - found.n_parameter) / LIMIT,
        calibration_rms=np.sqrt(mean(logarithm**2 * good, n_good)),
        velocity_kms=found.velocity_kms * nothing,
        velocity_dispersion_kms=found.dispersion_kms * nothing,
        line_dispersion_kms=found.line_dispersion_kms * nothing,
        model=(found.model * scale * nothing[:, None]).astype(np.float32),
        stars=(found.stars * scale * nothing[:, None]).astype(np.float32),
    )


def scatter(flux: np.ndarray, good: np.ndarray) -> np.ndarray:
    """(n,) noise of spectra by how far a pixel is from the mean of its neighbours, robustly."""
    both = good[:, 2:] & good[:, 1:-1] & good[:, :-2]
    off = np.where(both, np.abs(flux[:, 1:-1] - 0.5 * (flux[:, 2:] + flux[:, :-2])), np.nan)
    off[~both.any(axis=1)] = 0.0
    return 1.4826 * np.nanmedian(off, axis=1) / np.sqrt(1.5)


def _rows(which: np.ndarray, values: np.ndarray) -> np.ndarray:
    return which.reshape(-1, *[1] * (values.ndim - 1))
