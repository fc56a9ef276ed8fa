"""From samples of an approximate posterior to samples of the right one, by importance weights in steps.

    pi_k(z) ~ q(z)^(1 - b_k) p(z)^b_k,    0 = b_0 < b_1 < ... = 1

q is the density that the samples are of, p the posterior but for a constant. If the weights p/q leave enough samples
(the effective sample size (sum w)^2 / sum w^2), one step is enough, and this is plain importance sampling. Else each b
is as large as still leaves a share of them; samples are drawn anew by their weights, and renewed by two Markov chains
in turn that leave pi_k as it is, half of the samples at a time, by what the other half knows of its shape: differences
of two of these in coordinates that make them straight, and leaps to where they are, in any group
(`sfhmodel.posterior.leaps`). A leap makes a sample anew, and brings groups to their shares; differences take about as
many moves as there are coordinates, and reach what leaps miss (annealed importance sampling, Neal 2001, Stat. Comput.
11, 125; Del Moral et al. 2006, J. R. Stat. Soc. B 68, 411; ter Braak 2006, Stat. Comput. 16, 239).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sfhmodel.posterior.leaps import Shapes

_SMALLEST_STEP = 1e-7  # of b
_JITTER = 1e-5  # so that no direction is left out
_WHOLE = 0.1  # of the moves are whole differences, which lead from mode to mode
_FEWEST = 8  # of a group, whose differences are its shape
_LEAPS = 4  # for each move: in curved posteriors they renew five times as much as any move that was tried
_MORE_ROUNDS = 6  # times as many, at most, in the last step
Density = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Annealed:
    """Samples of the posterior.

    Attributes
    ----------
    points : (n, n_dim), equally likely.
    effective : of the n first samples, the effective sample size under plain importance weights.
    log_evidence : natural logarithm of the integral of p.
    steps : needed.
    evaluations : of p.
    renewed : times that a sample was made anew in a step, on average; of the step with the fewest.
    before : (n, n_dim) points as they were before each step.
    """

    points: np.ndarray
    effective: float
    log_evidence: float
    steps: int
    evaluations: int
    renewed: float
    before: list[np.ndarray]


def anneal(
    points: np.ndarray,
    start: Density,
    target: Density,
    groups: Callable[[np.ndarray], np.ndarray],
    movable: Sequence[np.ndarray],
    random: np.random.Generator,
    *,
    of_normal: Sequence[float] | np.ndarray = (1.0,),
    share: float = 0.5,
    renewals: float = 3.0,
    most_rounds: int = 15,
) -> Annealed:
    """Samples of p from samples of q.

    Parameters
    ----------
    points : (n, n_dim) samples of q.
    start, target : points to (n,) natural logarithms of q and p; p may be -inf.
    groups : points to (n,) their groups, which follow from coordinates that no group moves.
    movable : of each group, (n_dim,) bool: coordinates that are moved within it.
    of_normal : of each group, the share of it among points of a standard normal.
    share : of the samples that a step leaves.
    renewals : times that each sample is to be made anew in a step, on average.
    most_rounds : of a move and four leaps in a step, at most; in the last one six times.
    """
    n, state = len(points), _State(points.copy(), start(points), finite(target(points)), groups(points))
    log_weight = state.target - state.start
    effective, evidence, b, steps, evaluations, fewest = effective_size(log_weight), 0.0, 0.0, 0, n, np.inf
    before = []
    while b < 1.0:
        before.append(state.points)
        log_weight = state.target - state.start
        step = largest_step(log_weight, 1.0 - b, share)
        b, steps = (1.0 if step >= 1.0 - b else b + step), steps + 1
        weight = np.exp(step * log_weight - (most := (step * log_weight).max()))
        evidence += most + np.log(weight.mean())
        state = state.of(resampled(weight, n, random))
        chain = _Chain(state, b, start, target, groups, movable, np.asarray(of_normal), random)
        renewed, rounds = 0.0, most_rounds * (_MORE_ROUNDS if b == 1.0 else 1)
        while renewed < renewals and rounds:
            renewed += chain.renew()
            rounds -= 1
        evaluations, fewest = evaluations + chain.evaluations, min(fewest, renewed)
    return Annealed(state.points, effective, float(evidence), steps, evaluations, fewest, before)


@dataclass
class _State:
    points: np.ndarray
    start: np.ndarray
    target: np.ndarray
    group: np.ndarray

    def of(self, rows: np.ndarray) -> _State:
        return _State(self.points[rows], self.start[rows], self.target[rows], self.group[rows])


@dataclass
class _Chain:
    """What renews the samples of a state, in place."""

    state: _State
    b: float
    first: Density
    last: Density
    groups: Callable[[np.ndarray], np.ndarray]
    movable: Sequence[np.ndarray]
    of_normal: np.ndarray
    random: np.random.Generator
    evaluations: int = 0

    def renew(self) -> float:
        """By differences of others of the group, as many as there are coordinates for one time; by leaps to where the
        others are, in any group."""
        moved = leapt = 0
        for own, others in self._halves():
            known = self.state.points[others], self.state.group[others]
            shapes = Shapes.of(*known, self.movable, self.of_normal, self.random)
            moved += self._taken(own, *self._differences(own, others, shapes)).sum()
            leapt += self._leapt(own[shapes.knows(self.state.group[own])], shapes)
        return (moved / self.movable[0].size + leapt) / len(self.state.points)

    def _halves(self):
        """Rows that are renewed, and those that say how."""
        chosen = self.random.random(len(self.state.points)) < 0.5
        halves = np.flatnonzero(chosen), np.flatnonzero(~chosen)
        return halves, halves[::-1]

    def _leapt(self, own: np.ndarray, shapes: Shapes) -> int:
        state, took = self.state, 0
        here = shapes.log_density(state.points[own], state.group[own])
        for _ in range(_LEAPS if own.size else 0):
            points, group = shapes.sample(own.size, self.groups, self.random)
            there = shapes.log_density(points, group)
            taken = self._taken(own, points, group, here - there)
            here[taken] = there[taken]
            took += taken.sum()
        return took

    def _differences(self, own: np.ndarray, others: np.ndarray, shapes: Shapes):
        state, random = self.state, self.random
        points, group = state.points[own], state.group[own]
        for number in np.unique(group):
            rows, known = np.flatnonzero(group == number), others[state.group[others] == number]
            if known.size < _FEWEST:
                continue
            free = self.movable[number]
            scale = 2.38 / np.sqrt(2.0 * max(free.sum(), 1)) * np.exp(random.normal(-0.3, 0.6, rows.size))
            scale[random.random(rows.size) < _WHOLE] = 1.0
            shape = (rows.size, free.size)
            some = random.random(shape) < np.where(random.random(rows.size) < 0.5, 1.0, 0.5)[:, None]
            one, two = (shapes.straight(state.points[random.choice(known, rows.size)], number) for _ in range(2))
            off = (scale[:, None] * (one - two) + _JITTER * random.standard_normal(shape)) * (some & free)
            points[rows] = shapes.bent(shapes.straight(points[rows], number) + off, number)
        return points, group, np.zeros(own.size)

    def _taken(self, own: np.ndarray, points: np.ndarray, group: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
        """Take each proposal with its chance; which ones were."""
        state = self.state
        if not own.size:
            return np.zeros(0, dtype=bool)
        self.evaluations += own.size
        last = finite(self.last(points))
        first = self.first(points) if self.b < 1.0 else state.start[own]  # the last step is of p alone
        gain = (1.0 - self.b) * (first - state.start[own]) + self.b * (last - state.target[own]) + log_ratio
        took = np.log(self.random.random(own.size)) < gain
        rows = own[took]
        state.points[rows], state.group[rows] = points[took], group[took]
        state.start[rows], state.target[rows] = first[took], last[took]
        return took


def finite(log_density: np.ndarray) -> np.ndarray:
    """With a very small number where nothing is possible."""
    return np.where(np.isfinite(log_density), log_density, -1e30)


def effective_size(log_weight: np.ndarray) -> float:
    """(sum w)^2 / sum w^2 of the weights."""
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def largest_step(log_weight: np.ndarray, most: float, share: float) -> float:
    """The largest power of the weights, up to ``most``, that leaves this share of the samples."""
    wanted = share * len(log_weight)
    if effective_size(most * log_weight) >= wanted:
        return most
    low, high = 0.0, most
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if effective_size(middle * log_weight) >= wanted else (low, middle)
    return max(low, min(_SMALLEST_STEP, most))


def resampled(weight: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """n rows by weight, systematically (Kitagawa 1996): each as often as its weight says, but for less than one."""
    places = (np.arange(n) + random.random()) / n
    return np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), places), len(weight) - 1)
