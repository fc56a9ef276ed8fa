"""Where samples are, as a density that new ones can be drawn of: a Student t of each group, by the groups' shares.

Coordinates that a group does not move are of a standard normal there, restricted to the group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import gammaln

from sfhmodel.posterior.coordinates import log_normal

_DEGREES = 8.0  # of freedom: tails wider than a normal's, so that no sample is out of reach
_FEWEST_PER_COORDINATE = 5  # samples
_RIDGE = 1e-8


@dataclass(frozen=True)
class _Group:
    """A group's share of the samples and of a standard normal; its own coordinates, their mean and Cholesky factor."""

    share: float
    of_normal: float
    own: np.ndarray
    mean: np.ndarray
    factor: np.ndarray


@dataclass(frozen=True)
class Shapes:
    """The shapes of groups of samples.

    Attributes
    ----------
    known : by number, those of groups with enough samples.
    """

    known: dict[int, _Group]

    @classmethod
    def of(cls, points: np.ndarray, group: np.ndarray, movable: Sequence[np.ndarray], of_normal: np.ndarray) -> Shapes:
        """Of samples (n, n_dim) and their groups (n,); see `sfhmodel.posterior.annealing.anneal`."""
        members = {number: points[group == number][:, own] for number, own in enumerate(movable)}
        members = {
            number: of for number, of in members.items() if len(of) > max(of.shape[1], 1) * _FEWEST_PER_COORDINATE
        }
        total = sum(map(len, members.values()))
        known = {}
        for number, of in members.items():
            mean = of.mean(axis=0)
            covariance = (of - mean).T @ (of - mean) / len(of) + _RIDGE * np.eye(mean.size)
            factor = np.linalg.cholesky(covariance)
            known[number] = _Group(len(of) / total, of_normal[number], movable[number], mean, factor)
        return cls(known)

    def knows(self, group: np.ndarray) -> np.ndarray:
        """(n,) bool: which groups (n,) have a shape."""
        return np.isin(group, list(self.known))

    def sample(
        self, n: int, groups: Callable[[np.ndarray], np.ndarray], random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, n_dim) and their groups (n,)."""
        numbers = list(self.known)
        group = random.choice(numbers, n, p=[self.known[number].share for number in numbers])
        points = np.empty((n, self.known[numbers[0]].own.size))
        for number in numbers:
            rows, shape = np.flatnonzero(group == number), self.known[number]
            points[rows] = random.standard_normal((rows.size, shape.own.size))
            while (elsewhere := rows[groups(points[rows]) != number]).size:
                points[elsewhere] = random.standard_normal((elsewhere.size, shape.own.size))
            tail = np.sqrt(_DEGREES / random.chisquare(_DEGREES, rows.size))[:, None]
            deviates = random.standard_normal((rows.size, shape.mean.size))
            points[np.ix_(rows, shape.own)] = shape.mean + tail * (deviates @ shape.factor.T)
        return points, group

    def log_density(self, points: np.ndarray, group: np.ndarray) -> np.ndarray:
        """(n,) natural logarithm at points (n, n_dim) of groups (n,) that are known."""
        found = np.empty(len(points))
        for number, shape in self.known.items():
            of = points[rows := group == number]
            size = shape.mean.size
            distance = (solve_triangular(shape.factor, (of[:, shape.own] - shape.mean).T, lower=True) ** 2).sum(axis=0)
            scale = gammaln(0.5 * (_DEGREES + size)) - gammaln(0.5 * _DEGREES) - 0.5 * size * np.log(_DEGREES * np.pi)
            student = scale - np.log(np.diag(shape.factor)).sum()
            student -= 0.5 * (_DEGREES + size) * np.log1p(distance / _DEGREES)
            found[rows] = np.log(shape.share / shape.of_normal) + student + log_normal(of[:, ~shape.own])
        return found
