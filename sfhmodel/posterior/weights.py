"""Importance sampling around samples, in rounds: what is a little wrong in them does not matter.

Points are drawn where samples are (`sfhmodel.posterior.leaps`), and weighted by posterior over density; the next are
drawn where its square root or fourth root is, which reach further. All rounds count, each point by the mean density of
all (Owen & Zhou 2000, J. Am. Stat. Assoc. 95, 135; Cornuet et al. 2012, Scand. J. Stat. 39, 798). No Markov chain takes
part in it: shares of groups are right however seldom a chain went from one to the other, and it says how many samples
it is worth. What is far from all samples it misses as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sfhmodel.posterior.annealing import Density, effective_size, finite, largest_step, resampled
from sfhmodel.posterior.leaps import Shapes

_POWERS = 0.5, 0.5, 0.25  # of the posterior, in turn, whose points the next round is drawn around
_LEAST_ROUNDS = 6  # drawn around such points: tails come into sight after effective sizes look good
_LEARNT_FROM, _LEAST_LEARNT = 4000, 0.2  # of these; and the share of them of each group at least
_LEAST_EFFECTIVE = 500.0  # of a group's: else its weights are made more even, which moves only where the next are drawn
_EVEN = 0.5  # of a round are drawn evenly of all groups, so that those of a small share are known as well
_FAR_APART = 0.5  # of the parts of a mixture
_CUT_WITHIN = 1e-3  # of the logarithm of the largest weight
_AT_A_TIME = 2000  # points, whose distances from all parts of a mixture fit the processor's cache


@dataclass(frozen=True, eq=False)
class Weighted:
    """Samples of unequal weight.

    Attributes
    ----------
    points : (n, n_dim)
    share : (n,) of the posterior, sums to 1.
    log_evidence : natural logarithm of the integral of p over the groups that were drawn of.

    Weights are cut where one is more than the square root of n times their mean (after Ionides 2008, J. Comput. Graph.
    Stat. 17, 295): a point that few runs meet, and that then outweighs all others, counts too little and not too much.
    """

    points: np.ndarray
    share: np.ndarray
    log_evidence: float

    @property
    def effective(self) -> float:
        """How many independent samples are worth as much."""
        return float(1.0 / np.sum(self.share**2)) if self.share.size else 0.0

    def samples(self, n: int, random: np.random.Generator) -> np.ndarray:
        """(n, n_dim) equally likely points, of which those of much weight are equal."""
        return self.points[random.permutation(resampled(self.share, n, random))]


def weighted(
    samples: Sequence[np.ndarray],
    target: Density,
    groups: Callable[[np.ndarray], np.ndarray],
    movable: Sequence[np.ndarray],
    random: np.random.Generator,
    *,
    of_normal: Sequence[float] | np.ndarray = (1.0,),
    wanted: float = 2000.0,
    most_rounds: int = 24,
    a_round: int = 10_000,
) -> Weighted:
    """The posterior, from sets of samples that others took for its own.

    Parameters
    ----------
    samples : (n, n_dim) each. A group of which no set has enough (`Shapes.known`) is left out; no points come of no
        groups.
    target : points to (n,) natural logarithm of p; may be -inf.
    groups, movable, of_normal : see `sfhmodel.posterior.annealing.anneal`.
    wanted : effective sample size, of weights as they are, after which, and six further rounds at least, none follows.
    most_rounds : of all together, the first one included.
    a_round : points of a round; in the first one around each set of samples.
    """

    def shape_of(points: np.ndarray) -> Shapes:
        shape = Shapes.of(points, groups(points), movable, np.asarray(of_normal), random, _FAR_APART)
        even = 1.0 / max(len(shape.known), 1)
        return shape.shared({number: _EVEN * even + (1.0 - _EVEN) * of.share for number, of in shape.known.items()})

    drawn, shapes = _Drawn(), [shape for of in samples if (shape := shape_of(of)).known]
    for n_learnt in range(most_rounds if shapes else 0):
        if n_learnt:
            shapes.append(shape_of(drawn.learnt_from(_POWERS[(n_learnt - 1) % len(_POWERS)], random)))
        for shape in shapes[len(drawn.shapes) :]:
            points, group = shape.sample(a_round, groups, random)
            drawn.add(shape, points, group, finite(target(points)))
        if n_learnt >= _LEAST_ROUNDS and effective_size(drawn.log_weight()) >= wanted:
            break
    return drawn.weighted() if drawn.shapes else Weighted(samples[0][:0], np.empty(0), -np.inf)


@dataclass
class _Drawn:
    """Points of all rounds, with the sum of all densities at each, however late a shape came."""

    shapes: list[Shapes] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    group: list[np.ndarray] = field(default_factory=list)
    target: list[np.ndarray] = field(default_factory=list)
    log_sum: list[np.ndarray] = field(default_factory=list)

    def add(self, shape: Shapes, points: np.ndarray, group: np.ndarray, target: np.ndarray) -> None:
        for k, log_sum in enumerate(self.log_sum):
            self.log_sum[k] = np.logaddexp(log_sum, _log_density(shape, self.points[k], self.group[k]))
        self.shapes.append(shape)
        self.points.append(points)
        self.group.append(group)
        self.target.append(target)
        self.log_sum.append(np.logaddexp.reduce([_log_density(each, points, group) for each in self.shapes]))

    def log_weight(self, power: float = 1.0) -> np.ndarray:
        return power * np.concatenate(self.target) - np.concatenate(self.log_sum) + np.log(len(self.shapes))

    def weighted(self) -> Weighted:
        log_weight = self.log_weight()
        n, before = log_weight.size, np.inf
        while (most := np.logaddexp.reduce(log_weight) - 0.5 * np.log(n)) < before - _CUT_WITHIN:
            before, log_weight = most, np.minimum(log_weight, most)
        total = np.logaddexp.reduce(log_weight)
        return Weighted(np.concatenate(self.points), np.exp(log_weight - total), float(total - np.log(n)))

    def learnt_from(self, power: float, random: np.random.Generator) -> np.ndarray:
        """Points of a power of the posterior, by weight in each group."""
        points, group, log_weight = np.concatenate(self.points), np.concatenate(self.group), self.log_weight(power)
        total, rows = np.logaddexp.reduce(log_weight), []
        for number in np.unique(group):
            own = np.flatnonzero(group == number)
            of_group = np.logaddexp.reduce(log_weight[own])
            step = largest_step(log_weight[own], 1.0, min(_LEAST_EFFECTIVE / own.size, 0.5))
            share = np.exp(step * (log_weight[own] - log_weight[own].max()))
            n = int(_LEARNT_FROM * max(np.exp(of_group - total), _LEAST_LEARNT))
            rows.append(own[resampled(share, n, random)])
        return points[np.concatenate(rows)]


def _log_density(shape: Shapes, points: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(n,) natural logarithm; a shape does not reach groups that it does not know."""
    found, rows = np.full(len(points), -np.inf), np.flatnonzero(shape.knows(group))
    for some in np.array_split(rows, max(1, rows.size // _AT_A_TIME)):
        found[some] = shape.log_density(points[some], group[some])
    return found
