"""The observed spectra that a network is adapted to: of files, as `sfhmodel predict` reads them, or of data sets.

Of a data set of records the labels are never looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sfhmodel.description import INPUT_NAMES
from sfhmodel.errors import InputError
from sfhmodel.inference.pieces import Report, predicted_pieces, usable
from sfhmodel.inference.predictor import Predictor
from sfhmodel.inference.progress import progress
from sfhmodel.spectra import PreparationSettings, ReadOptions

LEAST = 100  # spectra: fewer say little of how a survey differs from a simulation
_BATCH = 500


@dataclass(frozen=True, eq=False)
class Observed:
    """Observed spectra on the grid of a model.

    Attributes
    ----------
    inputs : of a model, (n, ...) each.
    targets : (name of the file or data set, number of its spectra).
    notes, problems : (file, what was done or what is wrong).
    """

    inputs: dict[str, np.ndarray]
    targets: tuple[tuple[str, int], ...]
    notes: tuple[tuple[str, str], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.inputs["flux"])

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Inputs of some of them."""
        return {name: values[rows] for name, values in self.inputs.items()}

    def parted(self, share: float, seed: int) -> tuple[dict, dict]:
        """Inputs to adapt to, and those of this share that are held out; by chance, at least one of each."""
        order = np.random.default_rng([seed, 1]).permutation(len(self))
        n = min(max(1, round(share * len(self))), len(self) - 1)
        return self.take(order[n:]), self.take(order[:n])

    @property
    def sha256(self) -> str:
        """Of all the numbers."""
        digest = hashlib.sha256()
        for name in INPUT_NAMES:
            digest.update(np.ascontiguousarray(self.inputs[name], dtype="<f4").tobytes())
        return digest.hexdigest()


def read_observed(
    model,
    targets: Sequence[str | Path],
    *,
    most: int,
    seed: int = 0,
    options: ReadOptions | None = None,
    settings: PreparationSettings | None = None,
    show_progress: bool = False,
) -> Observed:
    """Read and prepare the spectra of files and data sets; of more than ``most``, so many by chance.

    Parameters
    ----------
    model : StarFormationModel that is to be adapted.
    targets : files of spectra, see `sfhmodel.spectra.read_spectra`, and directories of data sets.
    options, settings : of reading and preparation of files.

    Raises
    ------
    InputError
        Fewer than 100 spectra can be used, with what is wrong with the others.
    TrainingDataError
        A data set that is unfinished or damaged, or whose records are not those of the model.
    """
    found = _Found()
    predictor = Predictor(model, settings)
    with progress(show_progress, "observed spectra") as advance:
        for target in map(Path, targets):
            before = found.n
            if target.is_dir():
                _read_records(target, model, most, found, advance)
            else:
                _read_file(target, predictor, options, found, advance)
            found.targets.append((target.name, found.n - before))
    if found.n < LEAST:
        wrong = f"; {found.report.problems[0][1]}" if found.report.problems else ""
        raise InputError(
            f"{found.n} observed spectra can be used, an adaptation needs at least {LEAST}: give more of them{wrong}"
        )
    inputs = {name: np.concatenate([part[name] for part in found.parts]) for name in INPUT_NAMES}
    observed = Observed(inputs, tuple(found.targets), tuple(found.report.notes), tuple(found.report.problems))
    if len(observed) <= most:
        return observed
    rows = np.sort(np.random.default_rng([seed, 0]).permutation(len(observed))[:most])
    return Observed(observed.take(rows), observed.targets, observed.notes, observed.problems)


@dataclass
class _Found:
    parts: list[dict[str, np.ndarray]] = field(default_factory=list)
    targets: list[tuple[str, int]] = field(default_factory=list)
    report: Report = field(default_factory=Report)

    @property
    def n(self) -> int:
        return sum(len(part["flux"]) for part in self.parts)

    def add(self, inputs: dict) -> None:
        self.parts.append({name: np.asarray(inputs[name], dtype=np.float32) for name in INPUT_NAMES})


def _read_records(folder: Path, model, most: int, found: _Found, advance: Callable[[int], None]) -> None:
    """Inputs of a data set: of its training split, or of the first that has records."""
    from sfhmodel.data import SplitRecords, TrainingData

    data = TrainingData(folder)
    data.check_same(model.description)
    split = "train" if "train" in data.splits else data.splits[0]
    records = SplitRecords(data, split, most)
    for batch in records.batches(range(len(records)), _BATCH):
        found.add(batch.inputs)
        advance(len(batch.sample_id))


def _read_file(target: Path, predictor: Predictor, options: ReadOptions | None, found: _Found, advance) -> None:
    """Inputs of the spectra of a file that can be used."""
    report = found.report
    for _, predicted in predicted_pieces(
        lambda: predictor, [target], options, report, keep_inputs=True, on_progress=advance
    ):
        inputs = usable(predicted).inputs
        assert inputs is not None  # kept
        found.add(inputs)
