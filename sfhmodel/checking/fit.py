"""The fit of all that is free beside a predicted history, many spectra at a time.

    m(lambda) = sum_j c_j T_j S(lambda; v, V, d) + sum_l a_l G_l(lambda; v_g, s_g),    a_l >= 0

S is the starlight of the history behind its dust, T_j Chebyshev polynomials, d the share of the young stars' light
that leaves their birth clouds. The amplitudes are linear; of the other parameters each step solves for small changes,
at once with the amplitudes (Gauss and Newton), and weak priors hold what a spectrum does not tell. Lines that would be
negative are left out of a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.checking.spectra import Lines, Stars

ORDER_PER_AA = 1.0 / 500.0  # of the polynomial: what flux calibrations are uncertain by
HIGHEST_KMS = 300.0  # velocities
GAS_KMS = (5.0, 400.0)
_STEPS = 6
_NEAR_LINES_KMS = 700.0
_UNIT = 100.0  # km/s: parameters of about 1
# velocity, variance of the dispersion, share seen, gas velocity, log of gas dispersion: expected, and how strongly
_PRIOR = np.array([0.0, 0.0, 0.4, 0.0, 0.0])
_PRIOR_SIGMA = np.array([1.5, 20.0, 0.4, 1.5, 0.7])
_LARGEST_STEP = np.array([1.0, 2.0, 0.5, 1.0, 0.7])
N_FREE = _PRIOR.size


@dataclass(eq=False)
class Fit:
    """Of n spectra: model, stars and polynomial (n, n_pixel), parameters (n, 5) and their number (n,)."""

    model: np.ndarray
    stars: np.ndarray
    polynomial: np.ndarray
    parameters: np.ndarray
    n_parameter: np.ndarray

    @property
    def velocity_kms(self) -> np.ndarray:
        """(n,)"""
        return self.parameters[:, 0] * _UNIT

    @property
    def dispersion_kms(self) -> np.ndarray:
        """(n,) of the stars."""
        return np.sqrt(np.maximum(self.parameters[:, 1], 0.0)) * _UNIT

    @property
    def line_dispersion_kms(self) -> np.ndarray:
        """(n,)"""
        return np.exp(self.parameters[:, 4]) * _UNIT


def fit(flux: np.ndarray, weight: np.ndarray, stars: Stars, lines: Lines) -> Fit:
    """Fit spectra (n, n_pixel) about 1, each pixel with the inverse variance ``weight`` (n, n_pixel), 0 for none."""
    polynomials = _polynomials(stars.wave_aa)
    highest = stars.variance[-1] / _UNIT**2
    low = np.array([-HIGHEST_KMS / _UNIT, 0.0, 0.0, -HIGHEST_KMS / _UNIT, np.log(GAS_KMS[0] / _UNIT)])
    high = np.array([HIGHEST_KMS / _UNIT, highest, 1.0, HIGHEST_KMS / _UNIT, np.log(GAS_KMS[1] / _UNIT)])
    parameters = np.tile(_PRIOR, (len(flux), 1))
    parameters[:, 1] = _coarse_variance(flux, weight * ~lines.near(_NEAR_LINES_KMS), stars, polynomials) / _UNIT**2
    n, n_pixel, n_order, n_linear = *flux.shape, len(polynomials), len(polynomials) + len(lines)
    amplitude, polynomial = np.zeros((n, len(lines))), np.zeros(flux.shape, dtype=np.float32)
    columns = np.zeros((n, n_linear + N_FREE, n_pixel), dtype=np.float32)
    for step in range(_STEPS):
        _write_columns(columns, parameters, polynomial, amplitude, stars, lines, polynomials)
        if step in (0, _STEPS - 1):  # amplitudes alone, of the first guess and of what was found
            columns[:, n_linear:] = 0.0
        solution, used = _solved(flux, weight, columns, parameters, slice(n_order, n_linear))
        amplitude = solution[:, n_order:n_linear]
        polynomial = (solution[:, :n_order] @ polynomials).astype(np.float32)
        change = np.clip(solution[:, n_linear:], -_LARGEST_STEP, _LARGEST_STEP)
        parameters = np.clip(parameters + change, low, high)
    of_stars = _mixed(solution[:, :n_order], columns[:, :n_order])
    of_lines = _mixed(amplitude, columns[:, n_order:n_linear])
    n_line = used[:, n_order:n_linear].sum(axis=1)
    n_parameter = n_order + 3 + n_line + 2 * (n_line > 0)
    return Fit(of_stars + of_lines, of_stars, polynomial, parameters, n_parameter)


def _polynomials(wave_aa: np.ndarray) -> np.ndarray:
    """(order + 1, n_pixel)"""
    order = max(1, round(ORDER_PER_AA * (wave_aa[-1] - wave_aa[0])))
    x = np.interp(wave_aa, wave_aa[[0, -1]], [-1.0, 1.0])
    return np.polynomial.chebyshev.chebvander(x, order).T.astype(np.float32)


def _coarse_variance(flux, weight, stars: Stars, polynomials: np.ndarray) -> np.ndarray:
    """The variance (n,) among those of the templates that fits best between the lines."""
    found = []
    for k in range(stars.variance.size):
        columns = polynomials * (stars.old[:, k] + _PRIOR[2] * stars.young[:, k])[:, None]
        solution = _least_squares(*_normal(flux, weight, columns))
        residual = flux - _mixed(solution, columns)
        found.append(np.sum(weight * residual**2, axis=1))
    return stars.variance[np.argmin(found, axis=0)]


def _write_columns(columns, parameters, polynomial, amplitude, stars: Stars, lines: Lines, polynomials) -> None:
    """Columns (n, k + 5, n_pixel) of polynomials, of lines, and of changes of the parameters."""
    n_order = len(polynomials)
    v, variance, seen, gas_v, log_width = parameters.T
    light, by_v, by_variance, by_seen = stars.at(v * _UNIT, variance * _UNIT**2, seen)
    np.multiply(polynomials, light[:, None], out=columns[:, :n_order])
    changes = columns[:, n_order + len(lines) :]
    for k, (by, unit) in enumerate(((by_v, _UNIT), (by_variance, _UNIT**2), (by_seen, 1.0))):
        np.multiply(polynomial, by * np.float32(unit), out=changes[:, k])
    profiles = columns[:, n_order : n_order + len(lines)]
    lines.write(gas_v * _UNIT, np.exp(log_width) * _UNIT, amplitude, profiles, changes[:, 3], changes[:, 4])
    changes[:, 3] *= _UNIT


def _mixed(amplitude, columns) -> np.ndarray:
    """(n, n_pixel)"""
    return (amplitude[:, None].astype(np.float32) @ columns)[:, 0].astype(np.float64)


def _normal(flux, weight, columns):
    """Normal matrices (n, k, k) and right-hand sides (n, k)."""
    root = np.sqrt(weight).astype(np.float32)
    weighted = columns * root[:, None]
    right = weighted @ (flux * root).astype(np.float32)[..., None]
    return (weighted @ weighted.transpose(0, 2, 1)).astype(np.float64), right[..., 0].astype(np.float64)


def _solved(flux, weight, columns, parameters, lines: slice):
    """Amplitudes and changes (n, k + 5), those of the lines not negative; and which were used."""
    matrix, right = _normal(flux, weight, columns)
    diagonal = np.einsum("nkk->nk", matrix).copy()
    used = diagonal > 1e-12 * diagonal.max(axis=1, keepdims=True)
    changes = np.arange(right.shape[1] - N_FREE, right.shape[1])
    matrix[:, changes, changes] += _PRIOR_SIGMA**-2.0
    right[:, changes] += (_PRIOR - parameters) * _PRIOR_SIGMA**-2.0
    is_line = np.zeros(right.shape[1], dtype=bool)
    is_line[lines] = True
    for _ in range(4):
        solution = _least_squares(matrix, right, used)
        negative = used & is_line & (solution < 0.0)
        if not negative.any():
            break
        used &= ~negative
    return np.where(is_line, np.maximum(solution, 0.0), solution), used


def _least_squares(matrix, right, used=None):
    """Solutions (n, k) of normal equations, 0 for what is not used; scaled, and held where singular."""
    if used is not None:
        both = used[:, :, None] & used[:, None, :]
        matrix, right = np.where(both, matrix, 0.0), np.where(used, right, 0.0)
    diagonal = np.einsum("nkk->nk", matrix)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = matrix * scale[:, :, None] * scale[:, None, :]
    index = np.arange(matrix.shape[1])
    scaled[:, index, index] = 1.0 + 1e-9
    return np.linalg.solve(scaled, (right * scale)[..., None])[..., 0] * scale
