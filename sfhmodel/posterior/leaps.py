"""Where samples are, as a density that new ones can be drawn of, by the groups' shares.

In each group it is a mixture of Student t, each of the samples nearest to one of them, in coordinates that make the
group's worst bends straight (`sfhmodel.posterior.bends`); of one of all samples where they are few. Nearest is meant in
units of the samples' spread, then in those of the neighbours found so. Coordinates that a group does not move are of a
standard normal, restricted to the group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import gammaln, logsumexp

from sfhmodel.posterior.bends import Bends
from sfhmodel.posterior.coordinates import log_normal

_DEGREES = 8.0  # of freedom: tails wider than a normal's, so that no sample is out of reach
_FEWEST_PER_COORDINATE = 5  # samples of a group
_NEAREST, _NEAREST_PER_COORDINATE = 60, 3  # samples of a part, whichever is more
_MOST = 128  # parts of a mixture
_UNCORRELATED = 0.05  # of a part's covariance
_RIDGE = 1e-8


@dataclass(frozen=True)
class _Mixture:
    """Equal parts: means (k, n), Cholesky factors (k, n, n) and their inverses."""

    mean: np.ndarray
    factor: np.ndarray
    inverse: np.ndarray

    @classmethod
    def around(cls, neighbours: np.ndarray, uncorrelated: float = _UNCORRELATED) -> _Mixture:
        """Of the samples (k, n_neighbour, n) of each part."""
        mean = neighbours.mean(axis=1)
        off = neighbours - mean[:, None]
        covariance = off.transpose(0, 2, 1) @ off / neighbours.shape[1]
        variance = np.diagonal(covariance, axis1=1, axis2=2)[:, :, None] * np.eye(mean.shape[1])
        covariance += uncorrelated * (variance - covariance) + _RIDGE * np.eye(mean.shape[1])
        factor = np.linalg.cholesky(covariance)
        return cls(mean, factor, np.linalg.inv(factor))

    @classmethod
    def of(cls, points: np.ndarray, random: np.random.Generator, far_apart: float = 0.0) -> _Mixture:
        """Of samples (n_sample, n), of which some may be equal."""
        distinct, n_near = np.unique(points, axis=0), max(_NEAREST, _NEAREST_PER_COORDINATE * points.shape[1])
        if points.shape[1] == 0 or len(distinct) < 2 * n_near:
            return cls.around(points[None], uncorrelated=0.0)
        centre = points[random.permutation(len(points))[: round(_MOST * (1.0 - far_apart))]]
        spread = np.maximum(distinct.std(axis=0), _RIDGE)
        others = _far_apart(distinct / spread, centre / spread, round(_MOST * far_apart), random)
        centre = np.concatenate([centre, distinct[others]])

        def nearest(distance: np.ndarray) -> np.ndarray:
            return distinct[np.argpartition(distance, n_near, axis=0)[:n_near].T]

        roughly = cls.around(nearest(cdist(distinct / spread, centre / spread, "sqeuclidean")))
        return cls.around(nearest(replace(roughly, mean=centre).distances(distinct)))

    def distances(self, points: np.ndarray) -> np.ndarray:
        """(n_point, k) squared, from each mean, in units of the part's spread."""
        k, n = self.mean.shape
        origin = (self.inverse @ self.mean[:, :, None])[:, :, 0]
        off = (points @ self.inverse.reshape(k * n, n).T).reshape(-1, k, n)
        off -= origin
        return np.einsum("pkn,pkn->pk", off, off)

    def sample(self, n_point: int, random: np.random.Generator) -> np.ndarray:
        """Points (n_point, n)."""
        part = random.integers(0, len(self.mean), n_point)
        tail = np.sqrt(_DEGREES / random.chisquare(_DEGREES, n_point))[:, None]
        deviates = random.standard_normal((n_point, self.mean.shape[1]))
        return self.mean[part] + tail * (self.factor[part] @ deviates[:, :, None])[:, :, 0]

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """(n_point,) natural logarithm."""
        k, n = self.mean.shape
        scale = gammaln(0.5 * (_DEGREES + n)) - gammaln(0.5 * _DEGREES) - 0.5 * n * np.log(_DEGREES * np.pi)
        volume = np.log(np.diagonal(self.factor, axis1=1, axis2=2)).sum(axis=1)
        student = -0.5 * (_DEGREES + n) * np.log1p(self.distances(points) / _DEGREES) - volume
        return scale - np.log(k) + logsumexp(student, axis=1)


def _far_apart(points: np.ndarray, chosen: np.ndarray, n: int, random: np.random.Generator) -> list[int]:
    """Up to n rows of points, each by its squared distance from the nearest chosen before (Arthur & Vassilvitskii 2007,
    SODA 1027)."""
    rows: list[int] = []
    near = cdist(points, chosen, "sqeuclidean").min(axis=1)
    while len(rows) < n and near.any():
        rows.append(int(random.choice(len(points), p=near / near.sum())))
        near = np.minimum(near, ((points - points[rows[-1]]) ** 2).sum(axis=1))
    return rows


@dataclass(frozen=True)
class _Group:
    """A group's share of the samples and of a standard normal; its own coordinates, which make samples straight, and
    where they are in these."""

    share: float
    of_normal: float
    own: np.ndarray
    bends: Bends
    mixture: _Mixture

    @classmethod
    def of(
        cls,
        points: np.ndarray,
        share: float,
        of_normal: float,
        own: np.ndarray,
        random: np.random.Generator,
        far_apart: float,
    ) -> _Group:
        """Of samples (n, n_own)."""
        bends = Bends.of(points)
        return cls(share, of_normal, own, bends, _Mixture.of(bends.straight(points), random, far_apart))

    def sample(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Points (n, n_own)."""
        return self.bends.bent(self.mixture.sample(n, random))

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """(n,) of points (n, n_own)."""
        return self.mixture.log_density(self.bends.straight(points))


@dataclass(frozen=True)
class Shapes:
    """The shapes of groups of samples.

    Attributes
    ----------
    known : by number, those of groups with enough samples.
    """

    known: dict[int, _Group]

    @classmethod
    def of(
        cls,
        points: np.ndarray,
        group: np.ndarray,
        movable: Sequence[np.ndarray],
        of_normal: np.ndarray,
        random: np.random.Generator,
        far_apart: float = 0.0,
    ) -> Shapes:
        """Of samples (n, n_dim) and their groups (n,); see `sfhmodel.posterior.annealing.anneal`.

        ``far_apart`` is the share of a mixture's parts that are not where samples are dense, but where they reach to.
        """
        members = {number: points[group == number][:, own] for number, own in enumerate(movable)}
        members = {
            number: of for number, of in members.items() if len(of) > max(of.shape[1], 1) * _FEWEST_PER_COORDINATE
        }
        total = sum(map(len, members.values()))
        return cls(
            {
                number: _Group.of(of, len(of) / total, of_normal[number], movable[number], random, far_apart)
                for number, of in members.items()
            }
        )

    def knows(self, group: np.ndarray) -> np.ndarray:
        """(n,) bool: which groups (n,) have a shape."""
        return np.isin(group, list(self.known))

    def straight(self, points: np.ndarray, number: int) -> np.ndarray:
        """Of points (n, n_dim) of a group, in which its samples do not bend; as they are where it has no shape."""
        return self._turned(points, number, Bends.straight)

    def bent(self, points: np.ndarray, number: int) -> np.ndarray:
        """The way back."""
        return self._turned(points, number, Bends.bent)

    def _turned(self, points: np.ndarray, number: int, way: Callable[[Bends, np.ndarray], np.ndarray]) -> np.ndarray:
        if number not in self.known:
            return points
        shape, found = self.known[number], points.copy()
        found[:, shape.own] = way(shape.bends, points[:, shape.own])
        return found

    def shared(self, share: dict[int, float]) -> Shapes:
        """With other shares of the groups that are known; they sum to 1."""
        return Shapes({number: replace(shape, share=share[number]) for number, shape in self.known.items()})

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
            points[np.ix_(rows, shape.own)] = shape.sample(rows.size, random)
        return points, group

    def log_density(self, points: np.ndarray, group: np.ndarray) -> np.ndarray:
        """(n,) natural logarithm at points (n, n_dim) of groups (n,) that are known."""
        found = np.empty(len(points))
        for number, shape in self.known.items():
            of = points[rows := group == number]
            weight = np.log(shape.share / shape.of_normal)
            found[rows] = weight + shape.log_density(of[:, shape.own]) + log_normal(of[:, ~shape.own])
        return found
