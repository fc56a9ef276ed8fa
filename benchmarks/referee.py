"""Which of two sets of samples is right: importance sampling around both, in rounds.

Points are drawn where either has samples (`sfhmodel.posterior.leaps`), and weighted by posterior over density; the
next round's are drawn where these weights are. All rounds count, each point by the mean density of all (Owen & Zhou
2000, J. Am. Stat. Assoc. 95, 135). It shares the likelihood with those that it judges, and no Markov chain or bound;
what neither of them has found it can miss too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sfhmodel.posterior.coordinates import log_normal, normal_deviates, probabilities
from sfhmodel.posterior.leaps import Shapes

_A_ROUND = 20_000
_MOST_ROUNDS = 8
_EFFECTIVE = 2000.0
_LEARNT_FROM = 4000  # samples of a round, for the next


class Weighted(NamedTuple):
    """Points (n, n_dim) of the unit cube, their shares of the posterior (n,), and ln of its evidence."""

    points: np.ndarray
    share: np.ndarray
    log_evidence: float

    @property
    def effective(self) -> float:
        """How many independent samples are worth as much."""
        return float(1.0 / np.sum(self.share**2))


def weighted(likelihood, samples: list[np.ndarray], seed: int) -> Weighted:
    """The posterior, from samples (n, n_dim) each, of the unit cube, that others took for its own.

    Parameters
    ----------
    likelihood : with a ``cube``, see `sfhsim.Likelihood`.
    samples : at least 5 for each coordinate of a kind of history, or this kind is left out.
    """
    cube, random = likelihood.cube, np.random.default_rng(seed)
    movable = [cube.decides(family) for family in range(len(cube.family_share))]

    def family(normal: np.ndarray) -> np.ndarray:
        return cube.family(probabilities(normal))

    def shapes_of(normal: np.ndarray) -> Shapes:
        return Shapes.of(normal, family(normal), movable, cube.family_share, random)

    shapes, points, log_posterior = [shapes_of(normal_deviates(of)) for of in samples], [], []
    for _ in range(_MOST_ROUNDS):
        for shape in shapes[len(points) :]:
            points.append(shape.sample(_A_ROUND, family, random)[0])
            log_posterior.append(likelihood(probabilities(points[-1])) + log_normal(points[-1]))
        every, log_share = np.concatenate(points), np.concatenate(log_posterior)
        log_share = np.nan_to_num(log_share, nan=-np.inf, neginf=-np.inf) - _mean_density(shapes, every, family(every))
        found = Weighted(probabilities(every), np.exp(log_share - np.logaddexp.reduce(log_share)),
                         float(np.logaddexp.reduce(log_share) - np.log(len(every))))  # fmt: skip
        if found.effective >= _EFFECTIVE:
            break
        shapes.append(shapes_of(every[random.choice(len(every), _LEARNT_FROM, p=found.share)]))
    return found


def _mean_density(shapes: list[Shapes], points: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(n,) natural logarithm; shapes do not reach groups that they do not know."""
    log_density = np.full((len(shapes), len(points)), -np.inf)
    for of_shape, shape in zip(log_density, shapes, strict=True):
        rows = np.flatnonzero(shape.knows(group))
        for some in np.array_split(rows, max(1, rows.size // 2000)):
            of_shape[some] = shape.log_density(points[some], group[some])
    return np.logaddexp.reduce(log_density, axis=0) - np.log(len(shapes))
