"""From samples of an approximate posterior to samples of the right one, by importance weights in steps.

    pi_k(z) ~ q(z)^(1 - b_k) p(z)^b_k,    0 = b_0 < b_1 < ... = 1

q is the density that the samples are of, p the posterior but for a constant. If the weights p/q leave enough samples
(the effective sample size (sum w)^2 / sum w^2), one step is enough, and this is plain importance sampling. Else each b
is as large as still leaves a share of them; samples are drawn anew by their weights, and moved by a Markov chain that
leaves pi_k as it is: differences of other samples, which know its shape (annealed importance sampling, Neal 2001, Stat.
Comput. 11, 125; Del Moral et al. 2006, J. R. Stat. Soc. B 68, 411; ter Braak 2006, Stat. Comput. 16, 239).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_SMALLEST_STEP = 1e-7  # of b
_JITTER = 1e-5  # so that no direction is left out
_WHOLE = 0.1  # of the moves are whole differences, which lead from mode to mode
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
    renewed : times that a sample was moved in the last step, on average.
    """

    points: np.ndarray
    effective: float
    log_evidence: float
    steps: int
    evaluations: int
    renewed: float


def anneal(
    points: np.ndarray,
    start: Density,
    target: Density,
    groups: Callable[[np.ndarray], np.ndarray],
    movable: Sequence[np.ndarray],
    random: np.random.Generator,
    *,
    share: float = 0.5,
    renewals: float = 3.0,
    most_moves: int = 100,
) -> Annealed:
    """Samples of p from samples of q.

    Parameters
    ----------
    points : (n, n_dim) samples of q.
    start, target : points to (n,) natural logarithms of q and p; p may be -inf.
    groups : points to (n,) their groups; a point stays in its group.
    movable : of each group, (n_dim,) bool: coordinates that are moved.
    share : of the samples that a step leaves.
    renewals : times that each sample is to be moved in a step, on average; twice as often in the last.
    most_moves : attempts in a step, at most; in the last one twice.
    """
    n, state = len(points), _State(points.copy(), start(points), _finite(target(points)), groups(points))
    log_weight = state.target - state.start
    effective, evidence, b, steps, evaluations, renewed = _effective(log_weight), 0.0, 0.0, 0, n, 0.0
    while b < 1.0:
        log_weight = state.target - state.start
        step = _step(log_weight, 1.0 - b, share)
        b, steps = (1.0 if step >= 1.0 - b else b + step), steps + 1
        weight = np.exp(step * log_weight - (most := (step * log_weight).max()))
        evidence += most + np.log(weight.mean())
        state = state.of(_resampled(weight, random))
        last = 2 if b == 1.0 else 1
        renewed = 0.0
        for _ in range(last * most_moves):
            renewed += _move(state, b, start, target, movable, random)
            evaluations += n
            if renewed >= last * renewals:
                break
    return Annealed(state.points, effective, float(evidence), steps, evaluations, renewed)


@dataclass
class _State:
    points: np.ndarray
    start: np.ndarray
    target: np.ndarray
    group: np.ndarray

    def of(self, rows: np.ndarray) -> _State:
        return _State(self.points[rows], self.start[rows], self.target[rows], self.group[rows])


def _finite(log_density: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(log_density), log_density, -1e30)


def _effective(log_weight: np.ndarray) -> float:
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def _step(log_weight: np.ndarray, most: float, share: float) -> float:
    """The largest step of b, up to ``most``, that leaves the share of the samples."""
    wanted = share * len(log_weight)
    if _effective(most * log_weight) >= wanted:
        return most
    low, high = 0.0, most
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _effective(middle * log_weight) >= wanted else (low, middle)
    return max(low, min(_SMALLEST_STEP, most))


def _resampled(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rows by weight, systematically (Kitagawa 1996): each as often as its weight says, but for less than one."""
    n = len(weight)
    places = (np.arange(n) + random.random()) / n
    return np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), places), n - 1)


def _move(
    state: _State, b: float, start: Density, target: Density, movable: Sequence[np.ndarray], random: np.random.Generator
) -> float:
    """Move samples of each group by differences of others of it; the share that moved."""
    n, n_dim = state.points.shape
    step = np.zeros_like(state.points)
    for group in np.unique(state.group):
        rows, own = np.flatnonzero(state.group == group), movable[group]
        scale = 2.38 / np.sqrt(2.0 * own.sum()) * np.exp(random.normal(-0.3, 0.6, rows.size))
        scale[random.random(rows.size) < _WHOLE] = 1.0
        some = random.random((rows.size, n_dim)) < np.where(random.random(rows.size) < 0.5, 1.0, 0.5)[:, None]
        first, second = (state.points[random.choice(rows, rows.size)] for _ in range(2))
        step[rows] = (scale[:, None] * (first - second) + _JITTER * random.standard_normal((rows.size, n_dim))) * (
            some & own
        )
    moved = state.points + step
    begun, aimed = start(moved), _finite(target(moved))
    gain = (1.0 - b) * (begun - state.start) + b * (aimed - state.target)
    took = np.log(random.random(n)) < gain
    state.points[took], state.start[took], state.target[took] = moved[took], begun[took], aimed[took]
    return float(took.mean())
