"""A batch of a mixture: what its worlds made, in the order that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.mixture_description import Columns


@dataclass(frozen=True)
class MixtureBatch:
    """n simulated galaxies of several worlds; the arrays of a `Batch` by their names there.

    Attributes
    ----------
    world : (n,) index of each galaxy's world.
    parts : (world, rows, batch) of each world that occurs; draws and populations are in these batches.
    truth : (n, n_truth) float32, by the names of `MixtureSimulator.dimensions`.
    """

    world: np.ndarray
    parts: Sequence[tuple[int, np.ndarray, Batch]]
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.world)

    def __getattr__(self, name: str) -> np.ndarray:
        """An array of `Batch`, put together when it is first asked for."""
        if name not in _ARRAYS:
            raise AttributeError(f"a batch of a mixture has no {name!r}: look at its `parts`, one a world")
        array = self._in_order([getattr(batch, name) for _, _, batch in self.parts])
        object.__setattr__(self, name, array)
        return array

    def _in_order(self, arrays: list[np.ndarray]) -> np.ndarray:
        if len(arrays) == 1:
            return arrays[0]
        out = np.empty((len(self), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
        for (_, rows, _), array in zip(self.parts, arrays, strict=True):
            out[rows] = array
        return out

    def features(self) -> dict[str, np.ndarray]:
        """The arrays of the record schema, by feature name."""
        from sfhsim.records.schema import FEATURE_NAMES

        return {name: getattr(self, name) for name in FEATURE_NAMES}


_ARRAYS = {field.name for field in fields(Batch)} - {"draws", "populations", "truth"}


def gathered(world: np.ndarray, parts: Sequence[tuple[int, np.ndarray, Any]], columns: Columns) -> MixtureBatch:
    """The batch of these parts: (world, its rows, its `Batch`) each."""
    truth = np.full((world.size, len(columns.entries)), np.nan, dtype=np.float32)
    truth[:, columns.world] = world
    for k, rows, batch in parts:
        truth[np.ix_(rows, columns.of_world[k])] = batch.truth
    return MixtureBatch(world, tuple(parts), truth)
