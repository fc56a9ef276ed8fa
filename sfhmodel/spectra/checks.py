"""Checks of spectra that are given to a model: shapes, errors, masks. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sfhmodel.errors import InputError


class BadSpectraError(InputError):
    """Some spectra of a batch cannot be used; the others can.

    Attributes
    ----------
    bad : (n,) bool, which.
    """

    def __init__(self, bad: np.ndarray, labels: Sequence[str], reason: str):
        rows = np.flatnonzero(bad)
        label = labels[rows[0]] if len(labels) > rows[0] else f"spectrum {rows[0] + 1}"
        more = f" and {rows.size - 1} more" if rows.size > 1 else ""
        super().__init__(f"{label}{more}: {reason}" if label else reason)
        self.bad = bad


def check_shapes(n_wave: int, flux: np.ndarray, flux_error: np.ndarray | None, mask: np.ndarray | None) -> None:
    """That flux is (n, n_wave), errors likewise, and the mask likewise or (n_wave,); InputError otherwise."""
    if flux.ndim != 2 or flux.shape[1] != n_wave or flux.shape[0] == 0:
        raise InputError(
            f"flux has shape {flux.shape}, there are {n_wave} wavelengths: need (n, {n_wave}), one value per wavelength"
        )
    if flux_error is not None and flux_error.shape != flux.shape:
        raise InputError(f"flux_error has shape {flux_error.shape}, the flux {flux.shape}: they must be the same")
    if mask is not None and mask.shape not in (flux.shape, flux.shape[1:]):
        raise InputError(f"mask has shape {mask.shape}, the flux {flux.shape}: they must be the same")


def good_pixels(
    flux: np.ndarray, flux_error: np.ndarray | None, mask: np.ndarray | None, labels: Sequence[str]
) -> np.ndarray:
    """Pixels (n, m) that can be used: flux finite and no filling, error positive where any is known, mask not zero.

    Parameters
    ----------
    flux : (n, m)
    flux_error : (n, m) or None.
    mask : (n, m) or (m,), non-zero = use, or None.
    labels : (n,) what each spectrum is called in messages.

    Raises
    ------
    BadSpectraError
        Negative errors, spectra without a good pixel.
    """
    good = np.isfinite(flux)
    if not (finite := good.any(axis=1)).all():
        raise BadSpectraError(~finite, labels, "every flux is NaN or infinite")
    good &= ~filled(flux)
    if flux_error is not None:
        if (negative := np.any(flux_error < 0.0, axis=1)).any():
            raise BadSpectraError(
                negative,
                labels,
                f"{int((flux_error < 0.0).sum())} errors are negative: give one sigma, 0 or NaN where a pixel is bad; "
                "convert variances or inverse variances (--error-is) first",
            )
        # errors that are nowhere known say nothing about single pixels
        known = (flux_error > 0.0) & (flux_error < np.inf)
        good &= known | ~known.any(axis=1, keepdims=True)
    if mask is not None:
        good &= np.nan_to_num(mask) > 0.0 if mask.dtype.kind == "f" else mask.astype(bool)
    if not (any_good := good.any(axis=1)).all():
        reason = "all pixels are masked or bad (in a mask 1 means use, a flux of exactly 0 means none): nothing is left"
        raise BadSpectraError(~any_good, labels, reason)
    return good


def filled(flux: np.ndarray) -> np.ndarray:
    """Pixels (n, m) of gaps that were filled with zeros: three or more in a row, and one more on either side.

    Notches of laser guide stars and gaps between detectors come like this, often with a half-empty pixel at the edge.
    """
    zero = flux == 0.0
    if not zero.any():
        return zero
    middle = np.zeros_like(zero)
    middle[:, 1:-1] = zero[:, :-2] & zero[:, 1:-1] & zero[:, 2:]
    gap = middle.copy()
    for shift in (1, 2):
        gap[:, shift:] |= middle[:, :-shift]
        gap[:, :-shift] |= middle[:, shift:]
    return gap


def flux_scale(flux: np.ndarray, good: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Mean absolute flux of the good pixels (n,), float64; BadSpectraError when that is zero."""
    count = good.sum(axis=1)
    total = np.sum(np.abs(flux), axis=1, where=good, dtype=np.float64)
    scale = np.divide(total, count, out=np.ones(count.size), where=count > 0)
    if not (scale > 0.0).all():
        raise BadSpectraError(scale <= 0.0, labels, "the flux is zero in every good pixel: there is nothing to see")
    return scale
