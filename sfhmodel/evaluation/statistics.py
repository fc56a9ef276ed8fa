"""The formulas behind the metrics, each on plain arrays with galaxies along the first axis.

With t the truth, p what was recovered, d = p - t and Q_q the predicted quantile of level q:

    SMAPE      100% mean of |p - t| / (|p| + |t|), where 0 / 0 counts as 0; from 0% to 100%
    bias       median of d
    scatter    1.4826 median of |d - bias|, the standard deviation if d is Gaussian
    outliers   share of galaxies with |d - bias| > 3 scatter; 0.27% if d is Gaussian
    coverage   share of truths in the closed interval [Q_low, Q_high]
    below      share of truths below Q_q, those equal to it counted half; q if the quantiles are right
    pinball    mean over levels of max(q (t - Q_q), (q - 1) (t - Q_q)): Koenker & Bassett (1978), Econometrica 46, 33
"""

from __future__ import annotations

import numpy as np

GAUSSIAN_MAD = 1.4826
OUTLIER_SCATTERS = 3.0
ROUNDING = 1e-6  # of float32 sums; truths this close to the end of an interval lie in it


def smape_percent(recovered: np.ndarray, true: np.ndarray, axis=None) -> np.ndarray:
    """Symmetric mean absolute percentage error, mean over ``axis`` (all of them by default)."""
    recovered, true = np.asarray(recovered, dtype=np.float64), np.asarray(true, dtype=np.float64)
    total = np.abs(recovered) + np.abs(true)
    share = np.divide(np.abs(recovered - true), total, out=np.zeros_like(total), where=total > 0)
    return 100.0 * share.mean(axis=axis)


def difference_statistics(recovered: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Bias, scatter, root mean square and outlier fraction of (n,) values."""
    difference = np.asarray(recovered, dtype=np.float64) - np.asarray(true, dtype=np.float64)
    bias = float(np.median(difference))
    scatter = float(GAUSSIAN_MAD * np.median(np.abs(difference - bias)))
    return {
        "bias": bias,
        "scatter": scatter,
        "rmse": float(np.sqrt(np.mean(difference**2))),
        "outlier_fraction": float(np.mean(np.abs(difference - bias) > OUTLIER_SCATTERS * scatter)),
    }


def coverage(true: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of the truths (n, ...) between the quantiles (n, ...), mean over galaxies: (...)."""
    margin = _margin(true)
    return ((true >= low - margin) & (true <= high + margin)).mean(axis=0)


def below(true: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Share of the truths (n, ...) below each of the quantiles (n, ..., n_level), mean over galaxies: (..., n_level).

    Ties, such as of galaxies that formed nothing where the model is sure of it, count half.
    """
    true, margin = np.asarray(true)[..., None], _margin(true)[..., None]
    less, equal = true < quantiles - margin, np.abs(true - quantiles) <= margin
    return (less + 0.5 * equal).mean(axis=0)


def pinball(true: np.ndarray, quantiles: np.ndarray, levels) -> float:
    """Mean quantile loss of (n, ..., n_level) quantiles for the truths (n, ...)."""
    difference = np.asarray(true)[..., None] - quantiles
    levels = np.asarray(levels)
    return float(np.maximum(levels * difference, (levels - 1.0) * difference).mean())


def standard_error(values: np.ndarray) -> float:
    """Of the mean of independent values (n,); 0 for one value."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _margin(true: np.ndarray) -> np.ndarray:
    return ROUNDING * np.maximum(1.0, np.abs(true))
