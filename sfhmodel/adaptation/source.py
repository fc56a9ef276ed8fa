"""Batches of an adaptation: simulated galaxies with truths, observed spectra beside them.

The observed of step i are decided by the seed and i alone, as the simulated are, so that a run that was killed goes on
with the batch that would have come next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sfhmodel.adaptation.model import OBSERVED
from sfhmodel.training.config import TrainingConfig


class AdaptationSource:
    """A source of training (`sfhmodel.training.sources`) whose inputs have observed ones beside them.

    Parameters
    ----------
    simulated : source of simulated galaxies.
    observed, held_out : inputs of observed spectra, to adapt to and to choose the epoch by.
    """

    def __init__(self, simulated, observed: dict[str, np.ndarray], held_out: dict[str, np.ndarray]):
        self.simulated, self.observed, self.held_out = simulated, observed, held_out
        self.description, self.name = simulated.description, simulated.name
        self._kept: dict[tuple, list] = {}

    def training(self, config: TrainingConfig, step: int) -> Iterator:
        """Endless batches from a step of the run on."""
        n, size = len(self.observed["flux"]), config.batch_size
        for k, (inputs, truths) in enumerate(self.simulated.training(config, step), start=step):
            random = np.random.default_rng([config.seed, 2, k])
            rows = random.permutation(n)[:size] if n >= size else random.integers(n, size=size)
            yield _together(inputs, self.observed, rows), _plain(truths)

    def validation(self, batch_size: int, limit: int | None, drop_remainder: bool = False) -> list:
        """Batches of validation records with held-out observed spectra, which return where they are fewer."""
        if (batch_size, limit) not in self._kept:
            batches, n = [], 0
            for inputs, truths in self.simulated.validation(batch_size, limit, drop_remainder):
                rows = np.arange(n, n + len(inputs["flux"])) % len(self.held_out["flux"])
                n += len(rows)
                batches.append((_together(inputs, self.held_out, rows), _plain(truths)))
            self._kept[batch_size, limit] = batches
        return self._kept[batch_size, limit]

    def explained_errors(self):
        """A context in which errors of reading name the record."""
        return self.simulated.explained_errors()

    def reference(self, config: TrainingConfig, n: int) -> dict[str, np.ndarray]:
        """Inputs of about ``n`` simulated galaxies of the training."""
        return joined(self.simulated.training(config, 0), n)[0]


def joined(batches: Iterable, n: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Inputs and truths of the first batches that have ``n`` galaxies together, or of all."""
    parts: list[tuple[dict, dict]] = []
    for inputs, truths in batches:
        parts.append((_plain(inputs), _plain(truths)))
        n -= len(parts[-1][0]["flux"])
        if n <= 0:
            break
    inputs, truths = (
        {name: np.concatenate([part[k][name] for part in parts]) for name in parts[0][k]} for k in range(2)
    )
    return inputs, truths


def _together(inputs: dict, observed: dict, rows: np.ndarray) -> dict[str, np.ndarray]:
    return _plain(inputs) | {OBSERVED + name: values[rows] for name, values in observed.items()}


def _plain(arrays: dict) -> dict[str, np.ndarray]:
    """NumPy arrays, of any backend's."""
    return {name: np.asarray(values) for name, values in arrays.items()}
