"""What the flow's density is of, as points without limits, of about unit size.

Histories, metallicities and dust:

    v_j = ln(m_j / (m_j+1 + ... + m_n))    the share of an age bin against all that is older: broken sticks

Shares of the mass below `FLOOR` say nothing and may be 0, in one bin whatever the next one has: they become random
numbers well below it, by a seed, so that the density exists and has no edge there; on the way back what is nearer to
these than to the floor is 0. Each of these coordinates has but one bin that can be empty, as sums of older stars hardly
can, so that empty bins are no bumps in others.

Or the parameters of a recipe: the normal deviates of their cumulative probabilities, whose prior is a standard normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, ndtr, ndtri

from sfhmodel.errors import TrainingDataError

SCALARS = ("log10_metallicity_mass", "log10_metallicity_light", "a_v_mag")  # summaries beside the history
FLOOR = 1e-4
_EMPTY = (0.03, 0.1)  # times the floor: the random numbers
_EMPTY_BELOW = 0.3  # times the floor, on the way back: what lies between is little, and as much of either
_A_V_OFFSET_MAG = 0.05  # of the logarithm
_STD_FLOOR = 1e-3
_FURTHEST = 6.5  # normal deviates: beyond it float32 has no probabilities below 1


def by_scalar(scalars: np.ndarray) -> dict[str, np.ndarray]:
    """Each of `SCALARS` (...) by its name, of (..., 3)."""
    return dict(zip(SCALARS, np.moveaxis(scalars, -1, 0), strict=True))


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The way there and back.

    Attributes
    ----------
    mean, std : (n_age_bin - 1 + 3,) of the training data.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def fitted(cls, mass_fraction: np.ndarray, scalars: np.ndarray, seed: int = 0) -> Coordinates:
        """Those of training data, see `points`."""
        raw = _raw(mass_fraction, scalars, seed)
        return cls(raw.mean(axis=0), np.maximum(raw.std(axis=0), _STD_FLOOR))

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return self.mean.size

    def points_of(self, found: Mapping[str, np.ndarray], seed: int = 0) -> np.ndarray:
        """`points` of labelled galaxies, see `sfhmodel.posterior.training.galaxies`."""
        return self.points(found["mass_fraction"], found["scalars"], seed)

    def points(self, mass_fraction: np.ndarray, scalars: np.ndarray, seed: int = 0) -> np.ndarray:
        """(n, n_coordinate) of mass fractions (n, n_age_bin) and `SCALARS` (n, 3); ``seed`` for what is near 0."""
        return ((_raw(mass_fraction, scalars, seed) - self.mean) / self.std).astype(np.float32)

    def physical(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mass fractions (n, n_age_bin), and `SCALARS` (n, 3), of points (n, n_coordinate)."""
        raw = np.asarray(points, dtype=np.float64) * self.std + self.mean
        n_scalar = len(SCALARS)
        broken = raw[:, :-n_scalar]
        left = np.concatenate([np.zeros((len(raw), 1)), np.cumsum(log_expit(-broken), axis=1)], axis=1)
        fraction = np.exp(left) * np.concatenate([expit(broken), np.ones((len(raw), 1))], axis=1)
        fraction = np.where(fraction < _EMPTY_BELOW * FLOOR, 0.0, fraction)
        scalars = raw[:, -n_scalar:].copy()
        scalars[:, -1] = np.maximum(np.exp(np.minimum(scalars[:, -1], 10.0)) - _A_V_OFFSET_MAG, 0.0)
        return fraction / fraction.sum(axis=1, keepdims=True), scalars


class ParameterCoordinates:
    """The parameters of the galaxies of a data set.

    Parameters
    ----------
    recipe : of the data set, as its manifest has it.
    seed : of the data set.

    Attributes
    ----------
    cube : `sfhsim.PriorCube`.

    Raises
    ------
    TrainingDataError
        It is a mixture of worlds, which no one simulator makes, or the recipe is none.
    """

    def __init__(self, recipe: Mapping[str, Any], seed: int):
        from sfhsim import PriorCube, Recipe
        from sfhsim.errors import SfhsimError
        from sfhsim.recipe import recipe_from_dict

        try:
            made = recipe_from_dict(dict(recipe))
            if not isinstance(made, Recipe):
                raise TrainingDataError(
                    f"{recipe.get('name')} is a mixture of worlds: parameters can be sampled in one world only"
                )
            self.recipe, self.cube, self._seed = made, PriorCube(made), seed
        except SfhsimError as error:
            raise TrainingDataError(f"the recipe of the data set: {error}") from error

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return len(self.cube)

    def points_of(self, found: Mapping[str, np.ndarray], seed: int = 0) -> np.ndarray:
        """(n, n_coordinate) float32 of galaxies of the data set, by their ``sample_id`` (n,)."""
        return normal_deviates(self.cube.of_samples(found["sample_id"], self._seed)).astype(np.float32)


def normal_deviates(probability: np.ndarray) -> np.ndarray:
    """Of cumulative probabilities, of limited size."""
    return np.clip(ndtri(probability), -_FURTHEST, _FURTHEST)


def probabilities(normal: np.ndarray) -> np.ndarray:
    """The way back, see `normal_deviates`."""
    return ndtr(np.clip(normal, -_FURTHEST, _FURTHEST))


def log_normal(normal: np.ndarray) -> np.ndarray:
    """(n,) natural logarithm of a standard normal density at points (n, n_dim)."""
    return -0.5 * (normal**2).sum(axis=1) - 0.5 * normal.shape[1] * np.log(2.0 * np.pi)


def _raw(mass_fraction: np.ndarray, scalars: np.ndarray, seed: int) -> np.ndarray:
    fraction = np.asarray(mass_fraction, dtype=np.float64)
    random = np.random.default_rng([seed, 17])
    lowest, highest = np.log(_EMPTY)
    empty = FLOOR * np.exp(random.uniform(lowest, highest, size=fraction.shape))
    fraction = np.where(fraction < FLOOR, empty, fraction)
    older = np.cumsum(fraction[:, ::-1], axis=1)[:, -2::-1]
    scalars = np.array(scalars, dtype=np.float64)
    scalars[:, -1] = np.log(np.maximum(scalars[:, -1], 0.0) + _A_V_OFFSET_MAG)
    return np.concatenate([np.log(fraction[:, :-1] / older), scalars], axis=1)
