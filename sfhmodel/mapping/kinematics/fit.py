"""Velocity and dispersion of many spectra at once, by chi-square.

    y = sum_k c_k B_k(v, sigma) + sum_l a_l P_l,    chi2(v, sigma) = min over c, a of sum w (y - model)^2

B are the stellar basis (`templates`), P polynomials. First chi2 is scanned in v with one dispersion and weights that
the spectra have in common; from its minimum, v and sigma follow by Gauss-Newton steps with the linear parts projected
out (variable projection: Golub & Pereyra 1973), each spectrum with its own weights. Errors are those of the projected
normal equations, times the square root of the reduced chi2 where that is above 1. Rebinning to pixels of the same width
leaves 2/3 of the variance of each pixel, the rest in its neighbours' covariance: errors are sqrt(3/2) larger for it.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from sfhmodel.mapping.kinematics.templates import Basis

FASTEST_KMS = 700.0
_SCAN_SIGMA_KMS = 100.0
_GAS_SCAN_KMS, _GAS_KMS = 800.0, 500.0  # half widths of what is left out around lines of gas
_LOWEST_SIGMA_KMS, _HIGHEST_SIGMA_KMS = 5.0, 500.0
_BATCH = 64
_MOST_STEPS, _CLIP_AT, _CLIP_SIGMA = 25, (3, 6), 4.0
_CONVERGED = 0.01  # pixels
_LEAST_PIXELS = 150
_WORST_ERROR_KMS = 100.0
_REBINNED = 1.5


@dataclass(frozen=True, eq=False)
class Kinematics:
    """Of n spectra, km/s; NaN where nothing could be found.

    Attributes
    ----------
    velocity, velocity_error, dispersion, dispersion_error : (n,)
    """

    velocity: np.ndarray
    velocity_error: np.ndarray
    dispersion: np.ndarray
    dispersion_error: np.ndarray


def fit_kinematics(
    flux: np.ndarray, error: np.ndarray, mask: np.ndarray, basis: Basis, threads: int | None = None
) -> Kinematics:
    """Velocities and dispersions relative to the templates' resolution.

    Parameters
    ----------
    flux, error : (n, n_pixel) on the basis' grid.
    mask : (n, n_pixel) bool, True = use.
    threads : that work on batches of spectra, each with a single-threaded BLAS; None: one a core. The answer does not
        depend on it.
    """
    from threadpoolctl import threadpool_limits

    flux, error = (np.asarray(x, dtype=np.float64) for x in (flux, error))
    known = mask & np.isfinite(flux) & (error > 0.0) & np.isfinite(error)
    usable = known.sum(axis=1) >= _LEAST_PIXELS
    out = np.full((4, len(flux)), np.nan)
    if not usable.any():
        return Kinematics(*out)
    rows = np.flatnonzero(usable)
    scale = np.mean(np.abs(flux[rows]), axis=1, where=known[rows], keepdims=True)
    flux = np.where(known[rows], flux[rows] / scale, 0.0)
    weight = np.where(known[rows], np.square(scale / np.where(known[rows], error[rows], 1.0)), 0.0)
    batches = [slice(first, first + _BATCH) for first in range(0, rows.size, _BATCH)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        start = _scan(flux, weight, known[rows], basis)
        found = pool.map(lambda some: _Batch(flux[some], weight[some], start[some], basis).solve(), batches)
        for some, values in zip(batches, found, strict=True):
            out[:, rows[some]] = values
    return Kinematics(*out)


def _scan(flux: np.ndarray, weight: np.ndarray, known: np.ndarray, basis: Basis) -> np.ndarray:
    """(n,) velocities in pixels at the lowest chi-square of a grid, with weights that all have in common."""
    step = basis.grid.step_kms
    common = np.median(np.where(known, weight, 0.0), axis=0) * basis.grid.gas_free(np.zeros(1), _GAS_SCAN_KMS)[0]
    if np.count_nonzero(common) < _LEAST_PIXELS:
        common = known.mean(axis=0)
    root = np.sqrt(common)
    x = np.arange(root.size)
    filled = np.stack([f if k.all() else np.interp(x, x[k], f[k]) for f, k in zip(flux, known, strict=True)]) * root
    velocities = np.arange(-FASTEST_KMS, FASTEST_KMS + 1.0, 0.5 * step) / step
    explained = np.empty((velocities.size, len(flux)))
    for k, velocity in enumerate(velocities):
        stars = basis.broadened(basis.transform, np.array([velocity]), np.array([_SCAN_SIGMA_KMS / step]))[0]
        q = np.linalg.qr((np.concatenate([stars, basis.polynomials]) * root).T)[0]
        explained[k] = np.sum(np.square(filled @ q), axis=1)
    return velocities[np.argmax(explained, axis=0)]


class _Batch:
    """Some spectra on their way to the minimum; velocities and dispersions in pixels."""

    def __init__(self, flux: np.ndarray, weight: np.ndarray, velocity: np.ndarray, basis: Basis):
        self.basis, self.flux = basis, flux
        self.step = basis.grid.step_kms
        self.weight = weight * basis.grid.gas_free(velocity * self.step, _GAS_KMS)
        self.velocity, self.sigma = velocity.copy(), np.full(velocity.size, _SCAN_SIGMA_KMS / self.step)
        self.limits = _LOWEST_SIGMA_KMS / self.step, _HIGHEST_SIGMA_KMS / self.step

    def solve(self) -> np.ndarray:
        """(4, n): velocity, its error, dispersion, its error, km/s."""
        state = self._evaluate(self.velocity, self.sigma)
        shrink = np.ones(self.velocity.size)
        for number in range(_MOST_STEPS):
            if number in _CLIP_AT:
                self._clip(state["residual"])
                state = self._evaluate(self.velocity, self.sigma)
            step = np.clip(state["step"] * shrink[:, None], -2.0, 2.0)
            velocity = self.velocity + step[:, 0]
            sigma = np.clip(self.sigma + step[:, 1], *self.limits)
            trial = self._evaluate(velocity, sigma)
            better = trial["chi2"] <= state["chi2"] * (1.0 + 1e-12)
            moved = np.where(better, np.abs(step).max(axis=1), np.abs(step).max(axis=1) * 0.5)
            self.velocity = np.where(better, velocity, self.velocity)
            self.sigma = np.where(better, sigma, self.sigma)
            state = {name: np.where(_like(better, v), v, state[name]) for name, v in trial.items()}
            shrink = np.where(better, 1.0, 0.4 * shrink)
            if number > _CLIP_AT[-1] and (moved < _CONVERGED).all():
                break
        return self._result(state)

    def _evaluate(self, velocity: np.ndarray, sigma: np.ndarray) -> dict[str, np.ndarray]:
        """Chi-square, the residual, and the step towards the minimum with its matrix."""
        basis = self.basis
        stars = basis.broadened(basis.transform, velocity, sigma)
        polynomials = np.broadcast_to(basis.polynomials, (velocity.size, *basis.polynomials.shape))
        design = np.concatenate([stars, polynomials], axis=1)
        weighted = design * self.weight[:, None, :]
        normal = weighted @ design.swapaxes(1, 2)
        normal += 1e-10 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(normal.shape[1])
        coefficients = np.linalg.solve(normal, weighted @ self.flux[..., None])[..., 0]
        residual = self.flux - np.einsum("nk,nkp->np", coefficients, design)
        slope = self._slopes(coefficients[:, : len(basis.transform)], velocity, sigma)
        across = weighted @ slope.swapaxes(1, 2)
        own = (slope * self.weight[:, None, :]) @ slope.swapaxes(1, 2)
        matrix = own - across.swapaxes(1, 2) @ np.linalg.solve(normal, across)
        matrix += 1e-12 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(2) + 1e-300 * np.eye(2)
        right = np.einsum("nsp,np->ns", slope, self.weight * residual)
        return {
            "chi2": np.sum(self.weight * np.square(residual), axis=1),
            "residual": residual,
            "step": np.linalg.solve(matrix, right[..., None])[..., 0],
            "matrix": matrix,
        }

    def _slopes(self, coefficients: np.ndarray, velocity: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """(n, 2, n_pixel) derivatives of the model by velocity and dispersion."""
        omega = self.basis.frequency[None, :]
        stars = coefficients @ self.basis.transform
        both = np.stack([-1j * omega * stars, -np.square(omega) * sigma[:, None] * stars], axis=1)
        return self.basis.broadened(both, velocity, sigma)

    def _clip(self, residual: np.ndarray) -> None:
        """Leave out what is far off: sky lines, cosmic rays."""
        n_good = np.maximum(np.count_nonzero(self.weight, axis=1), 1)
        scatter = np.sqrt(np.sum(self.weight * np.square(residual), axis=1) / n_good)
        far = self.weight * np.square(residual) > np.square(_CLIP_SIGMA * scatter)[:, None]
        self.weight = np.where(far, 0.0, self.weight)

    def _result(self, state: dict[str, np.ndarray]) -> np.ndarray:
        n_free = len(self.basis.transform) + len(self.basis.polynomials) + 2
        n_good = np.count_nonzero(self.weight, axis=1)
        reduced = state["chi2"] / np.maximum(n_good - n_free, 1)
        variance = np.abs(np.linalg.inv(state["matrix"]).diagonal(axis1=1, axis2=2))
        errors = np.sqrt(_REBINNED * variance * np.maximum(reduced, 1.0)[:, None])
        out = np.stack([self.velocity, errors[:, 0], self.sigma, errors[:, 1]]) * self.step
        bad = (n_good < _LEAST_PIXELS) | ~np.isfinite(out).all(axis=0)
        bad |= (out[1] > _WORST_ERROR_KMS) | (np.abs(out[0]) > 1.1 * FASTEST_KMS)
        bad |= out[2] > 0.99 * _HIGHEST_SIGMA_KMS  # what is that broad are no stars
        return np.where(bad, np.nan, out)


def _like(flags: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) flags that broadcast along the other axes of values (n, ...)."""
    return flags.reshape(-1, *(1,) * (values.ndim - 1))
