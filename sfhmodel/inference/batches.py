"""Batches of galaxies: which go together, which cannot be used, and their results put back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sfhmodel.checking.result import CheckResult
from sfhmodel.errors import InputError
from sfhmodel.inference.prediction import Prediction
from sfhmodel.spectra import PreparedSpectra
from sfhmodel.spectra.checks import BadSpectraError


class Collector:
    """Outputs of batches, put back in the order of the inputs; NaN where there is none."""

    def __init__(self, description, n: int, keep_inputs: bool):
        self.description, self.n, self.keep_inputs = description, n, keep_inputs
        self.problems: dict[int, str] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self._check: dict[str, np.ndarray] = {}
        self._notes: dict[str, None] = {}
        if adaptation := description.adaptation:
            words = f"the model was adapted to {adaptation['observed']} spectra without labels; its intervals are "
            self._notes[words + adaptation["intervals"]] = None

    def add(self, rows: np.ndarray, outputs: dict, inputs: dict, prepared: list[PreparedSpectra]) -> None:
        values = dict(outputs)
        values["masked_fraction"] = 1.0 - inputs["mask"].mean(axis=1)
        if self.keep_inputs:
            values |= {name: inputs[name] for name in ("flux", "flux_error", "mask")}
            values["flux_scale"] = np.concatenate([part.flux_scale for part in prepared])
        self._put(self._arrays, rows, values)
        self._notes.update(dict.fromkeys(note for part in prepared for note in part.notes))

    def add_check(self, rows: np.ndarray, check: CheckResult, notes: tuple[str, ...]) -> None:
        """What comes of the check of a batch."""
        self._put(self._check, rows, (check if self.keep_inputs else check.without_spectra()).arrays())
        self._notes.update(dict.fromkeys(notes))

    def _put(self, arrays: dict[str, np.ndarray], rows: np.ndarray, values: dict) -> None:
        for name, value in values.items():
            if name not in arrays:
                nothing = False if value.dtype.kind == "b" else np.nan
                arrays[name] = np.full((self.n, *value.shape[1:]), nothing, dtype=value.dtype)
            arrays[name][rows] = value

    def prediction(self, **rest) -> Prediction:
        """Raises InputError when not one spectrum could be used."""
        if not self._arrays:
            raise InputError(f"not one of {self.n} spectra can be used: {next(iter(self.problems.values()))}")
        self._note_edges()
        problems = tuple(self.problems.get(k, "") for k in range(self.n))
        arrays: dict[str, Any] = self._arrays
        if self._check:
            arrays = arrays | {"check": CheckResult(**self._check)}
        return Prediction(description=self.description, notes=tuple(self._notes), problems=problems, **arrays, **rest)

    def _note_edges(self) -> None:
        """Say which answers lie at the edge of the training range, and of how many galaxies."""
        at_edge = self._arrays["at_edge"]
        for k, name in enumerate(self.description.summary_names):
            if count := int(at_edge[:, k].sum()):
                self._notes[
                    f"{name} is at the edge of the training range in {count} of {self.n}: a limit, no value"
                ] = None


def batches(redshift: np.ndarray, batch_size: int) -> Iterator[list[np.ndarray]]:
    """Rows of each batch, in parts of one redshift: these are prepared together."""
    order = np.argsort(redshift, kind="stable")
    for start in range(0, order.size, batch_size):
        rows = order[start : start + batch_size]
        yield np.split(rows, np.flatnonzero(np.diff(redshift[rows])) + 1)


def prepared_rows(
    parts: list[np.ndarray], prepare: Callable, problems: dict[int, str], on_bad: str
) -> tuple[np.ndarray, list[PreparedSpectra]]:
    """Rows that can be used and their spectra; with 'skip' the others go to ``problems``."""
    usable, prepared = [np.empty(0, dtype=np.intp)], []
    for part in parts:
        rows = part
        while rows.size:
            try:
                prepared.append(prepare(rows))
            except BadSpectraError as error:
                if on_bad == "raise":
                    raise
                problems.update(dict.fromkeys(rows[error.bad].tolist(), str(error)))
                rows = rows[~error.bad]
            else:
                usable.append(rows)
                break
    return np.concatenate(usable), prepared
