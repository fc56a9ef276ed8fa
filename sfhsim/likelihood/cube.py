"""The prior of a recipe as the unit cube: every galaxy is a point of it, and points are uniform.

Parameters are quantiles of their distributions (`sfhsim.recipe.distributions`), so that the cube's coordinates are the
uniform numbers themselves, and any sampler that takes a unit cube samples any recipe. Of several history families one
coordinate chooses; those of the other families are there, and decide nothing.
"""

from __future__ import annotations

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.recipe.distributions import EXTREMES
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.draws import Draws, ParameterPlan

_OF_NOISE = ("snr", "noise.", "photometry_error_mag.")
_FAMILY = "history.family"
_MIDDLE = 0.5


class PriorCube:
    """The unit cube of a recipe.

    Left out is what does not vary, what decides the noise alone, and the total mass, which only scales a galaxy.
    Where a recipe scatters lines, those of galaxy i have deviates of their own, by its sample id.

    Parameters
    ----------
    recipe : of one world.

    Attributes
    ----------
    names : (n_dim,) of the coordinates.
    n_family : histories that they choose from.
    family_share : (n_family,) of the cube, by the recipe's weights.

    Raises
    ------
    RecipeError
        All galaxies of the recipe are the same.
    """

    def __init__(self, recipe: Recipe):
        self._plan = ParameterPlan(recipe)
        self._tables = self._plan.tables
        places = [
            (stream, column, name)
            for stream, columns in self._tables.items()
            for column, (name, decides) in enumerate(columns)
            if decides and name != "total_mass_msun" and not name.startswith(_OF_NOISE)
        ]
        if not places:
            raise RecipeError(f"nothing varies in recipe {recipe.name}: there is nothing to infer")
        self._places = [(stream, column) for stream, column, _ in places]
        self.names = tuple(name for _, _, name in places)
        self.n_family = len(recipe.histories)
        self.family_share = self._plan.family_share

    def __len__(self) -> int:
        return len(self.names)

    def family(self, points) -> np.ndarray:
        """(n,) index of the recipe's history that points (n, n_dim) choose."""
        if _FAMILY not in self.names:
            return np.zeros(len(points), dtype=np.intp)
        return self._plan.family(np.asarray(points, dtype=np.float64)[:, self.names.index(_FAMILY)])

    def decides(self, family: int) -> np.ndarray:
        """(n_dim,) bool: coordinates that move a galaxy of this history without leaving it."""
        return np.array([name != _FAMILY and self._plan.belongs(name, family) for name in self.names])

    def values(self, draws: Draws) -> dict[str, np.ndarray]:
        """Each of the parameters that the coordinates are of, (n,), by their names; NaN where a history has it not."""
        found = {}
        for name in self.names:
            if name == _FAMILY:
                found[name] = draws.family.astype(np.float64)
            elif name in draws.values:
                found[name] = draws.values[name]
            else:
                index, vector, k = name.removeprefix("history.").split(".")
                element = draws.vectors[int(index)][vector][:, int(k)]
                found[name] = np.where(draws.family == int(index), element, np.nan)
        return found

    def of_samples(self, sample_ids, seed: int) -> np.ndarray:
        """Points (n, n_dim) of simulated samples (n,), as `Simulator.batch` makes them with this seed."""
        ids = np.ascontiguousarray(sample_ids, dtype=np.uint64)
        tables = self._plan.uniform(ids, seed)
        return np.stack([tables[stream][:, column] for stream, column in self._places], axis=1)

    def draws(self, points, sample_ids=None, seed: int = 0) -> Draws:
        """Parameters of galaxies at points (n, n_dim) of the cube, for `Simulator.simulate`.

        Parameters
        ----------
        points : from 0 to 1.
        sample_ids : (n,), from which deviates of single lines follow; 0, 1 ... where None.
        seed : of these.

        Raises
        ------
        RecipeError
            Points of another number of coordinates, or outside of the cube.
        """
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != len(self) or len(points) == 0:
            raise RecipeError(f"points of shape {points.shape}: expected (n, {len(self)}), the recipe's {self.names}")
        if not ((points >= 0.0) & (points <= 1.0)).all():
            row, column = map(int, np.argwhere(~((points >= 0.0) & (points <= 1.0)))[0])
            raise RecipeError(
                f"point {row} is outside of the unit cube: {self.names[column]} is {points[row, column]:g}"
            )
        points = np.clip(points, *EXTREMES)
        ids = np.arange(len(points)) if sample_ids is None else sample_ids
        ids = np.ascontiguousarray(ids, dtype=np.uint64)
        tables = {stream: np.full((len(points), len(columns)), _MIDDLE) for stream, columns in self._tables.items()}
        for k, (stream, column) in enumerate(self._places):
            tables[stream][:, column] = points[:, k]
        return self._plan.from_uniform(tables, ids, seed)
