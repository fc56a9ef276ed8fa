"""Coordinates in which samples that lie on a bent sheet lie on a straight one.

    y_i = z_i - g_i(z_j, z_k, ...)

of a few coordinates i, each a polynomial g of those that are left, which changes no volume. Spectra of high S/N fix one
combination of a history's parameters to a thousandth of what they leave to each: there a density of straight parts, or
differences of samples, lead away from the sheet nearly always.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from math import comb
from operator import itemgetter

import numpy as np

_MOST = 3  # coordinates made straight
_LEFT = 0.3  # of a coordinate's spread, at most: else it is not worth it
_DEGREES = (2, 3)  # the first chooses the coordinate
_SAMPLES_PER_TERM = 4
_RIDGES = np.geomspace(1e-6, 10.0, 8)
_LEAST_FREE = 1e-3  # of a sample that decides its own fit
_SMALLEST = 1e-8  # of a spread


@dataclass(frozen=True)
class _Bend:
    """A coordinate as a polynomial of others, in units of the spreads."""

    of: int
    others: np.ndarray
    degree: int
    coefficients: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return _terms(points[:, self.others], self.degree) @ self.coefficients


@dataclass(frozen=True)
class Bends:
    """The way there and back; both keep volumes.

    Attributes
    ----------
    mean, std : (n_dim,) of the samples.
    bends : of the coordinates made straight, in this order.
    """

    mean: np.ndarray
    std: np.ndarray
    bends: tuple[_Bend, ...]

    @classmethod
    def of(cls, points: np.ndarray) -> Bends:
        """Of samples (n, n_dim), of which some may be equal; none where they are few."""
        mean, std = points.mean(axis=0), np.maximum(points.std(axis=0), _SMALLEST)
        scaled, rest, bends = np.unique((points - mean) / std, axis=0), np.arange(points.shape[1]), []
        for _ in range(_MOST):
            fits = [fit for of in map(int, rest) if (fit := _fitted(scaled, of, rest[rest != of], _DEGREES[0]))]
            left, best = min(fits, key=itemgetter(0), default=(np.inf, None))
            if best is None or left > _LEFT:
                break
            higher = (_fitted(scaled, best.of, best.others, degree) for degree in _DEGREES[1:])
            bends.append(min([(left, best), *(fit for fit in higher if fit)], key=itemgetter(0))[1])
            rest = best.others
        return cls(mean, std, tuple(bends))

    def straight(self, points: np.ndarray) -> np.ndarray:
        """Of points (n, n_dim)."""
        scaled = (points - self.mean) / self.std
        found = points.copy()
        for bend in self.bends:
            found[:, bend.of] -= self.std[bend.of] * bend(scaled)
        return found

    def bent(self, points: np.ndarray) -> np.ndarray:
        """The way back."""
        found = points.copy()
        for bend in reversed(self.bends):  # of coordinates that are not bent, or were bent back before
            found[:, bend.of] += self.std[bend.of] * bend((found - self.mean) / self.std)
        return found


@cache
def _products(n: int, degree: int) -> tuple[np.ndarray, ...]:
    """For each degree from 2 on, which two factors make its terms: of the degree before, and of n coordinates."""
    factors, before = [], list(combinations_with_replacement(range(n), 1))
    for power in range(2, degree + 1):
        terms = list(combinations_with_replacement(range(n), power))
        place = {term: k for k, term in enumerate(before)}
        factors.append(np.array([(place[term[:-1]], term[-1]) for term in terms], dtype=np.intp).reshape(-1, 2).T)
        before = terms
    return tuple(factors)


def _terms(x: np.ndarray, degree: int) -> np.ndarray:
    """(n, n_term) of points (n, n_dim): 1, the coordinates, their products of two, and so on."""
    parts = [np.ones((len(x), 1)), x]
    for before, coordinate in _products(x.shape[1], degree):
        parts.append(parts[-1][:, before] * x[:, coordinate])
    return np.concatenate(parts, axis=1)


def _fitted(scaled: np.ndarray, of: int, others: np.ndarray, degree: int) -> tuple[float, _Bend] | None:
    """The share of the coordinate's spread that a polynomial of others leaves, and this; None of few samples.

    Least squares with the ridge that leaves least of each sample where it is left out.
    """
    n_term = comb(len(others) + degree, degree)
    if not len(others) or len(scaled) < _SAMPLES_PER_TERM * n_term:
        return None
    terms, wanted = _terms(scaled[:, others], degree), scaled[:, of]
    eigenvalue, vector = np.linalg.eigh(terms.T @ terms)
    along = terms @ vector
    amount, squares, best = along.T @ wanted, along * along, (np.inf, np.zeros(n_term))
    for ridge in _RIDGES:
        shrunk = 1.0 / (np.maximum(eigenvalue, 0.0) + ridge)
        off = (wanted - along @ (shrunk * amount)) / np.maximum(1.0 - squares @ shrunk, _LEAST_FREE)
        left = np.median(np.abs(off))
        if left < best[0]:
            best = left, vector @ (shrunk * amount)
    spread = np.median(np.abs(wanted - np.median(wanted)))
    return best[0] / max(spread, _SMALLEST), _Bend(of, others, degree, best[1])
