"""A data set to learn from: its manifest read and checked, its shards and numbers of records."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sfhmodel.data.features import feature_lengths
from sfhmodel.description import ModelDescription
from sfhmodel.errors import TrainingDataError


@dataclass(frozen=True)
class ShardPart:
    """The first ``n_records`` records of a file, which is the ``shard`` of the manifest."""

    path: Path
    n_records: int
    shard: dict


class TrainingData:
    """A finished data set of sfhsim.

    Parameters
    ----------
    folder : that holds the manifest and the shards.

    Attributes
    ----------
    folder : as given.
    manifest : its content.
    description : of a model that learns from it.
    precision : of the stored spectra.

    Raises
    ------
    TrainingDataError
        No such folder, a generation that has not finished, a manifest that is damaged or was changed, another schema
        version, or records that lack what models need.
    """

    def __init__(self, folder: str | Path):
        from sfhsim import Dataset

        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise TrainingDataError(f"there is no data set {self.folder}: make one with `sfhsim generate`")
        if (self.folder / "plan.json").is_file() and not (self.folder / "manifest.json").is_file():
            raise TrainingDataError(
                f"the generation of {self.folder} has not finished: run the same `sfhsim generate` again, it goes on"
            )
        with _errors_of_sfhsim():
            self._dataset = Dataset(self.folder)
        self.manifest, self.precision = self._dataset.manifest, self._dataset.precision
        self.description = ModelDescription.from_manifest(self.manifest)
        self._check_features()
        self._parts = {split: self._parts_of(split) for split in self.manifest["splits"]}

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self._parts)

    @property
    def world_names(self) -> tuple[str, ...]:
        """Names of the worlds of a mixture; none of a recipe without worlds."""
        return tuple(self._dataset.world_names)

    def n(self, split: str) -> int:
        """Number of records of a split.

        Raises
        ------
        TrainingDataError
            There is no such split, or it is empty.
        """
        return sum(part.n_records for part in self.parts(split))

    def parts(self, split: str, limit: int | None = None) -> list[ShardPart]:
        """The shards of a split in order, as far as the first ``limit`` records (all by default) reach.

        Raises
        ------
        TrainingDataError
            There is no such split, it is empty, or the limit is less than 1.
        """
        if split not in self._parts:
            raise TrainingDataError(f"no split {split!r} in {self.folder}: it has {', '.join(self._parts)}")
        if not self._parts[split]:
            raise TrainingDataError(
                f"split {split!r} of {self.folder} is empty: generate more samples, or give it a share with --split"
            )
        if limit is None:
            return list(self._parts[split])
        if limit < 1:
            raise TrainingDataError(f"limit must be at least 1, not {limit}")
        parts = []
        for part in self._parts[split]:
            if limit > 0:
                parts.append(replace(part, n_records=min(part.n_records, limit)))
                limit -= part.n_records
        return parts

    def check_same(self, description: ModelDescription) -> None:
        """That a model of this description can be given these records.

        Raises
        ------
        TrainingDataError
            Naming what differs: wavelengths, age bins or bands.
        """
        description.check_same(self.description)

    def check_shards(self, split: str) -> None:
        """That the shards of a split are there, of the right size, and begin and end with their own records.

        Raises
        ------
        TrainingDataError
            Naming the shard.
        """
        with _errors_of_sfhsim():
            self._dataset.check(split)

    def ids(self, part: ShardPart) -> np.ndarray:
        """(n_records,) int64 the ids of the samples of a part, in order."""
        with _errors_of_sfhsim():
            return self._dataset.ids(part.shard)[: part.n_records].astype(np.int64)

    def records(self, shard: dict) -> Iterator[dict]:
        """The records of a shard, one of ``manifest["shards"]``, as `sfhsim.Dataset` yields them.

        Raises
        ------
        TrainingDataError
            Naming the shard and what is wrong with it.
        """
        with _errors_of_sfhsim():
            yield from self._dataset.records(shard)

    def shard_error(self, path: Path, what: str) -> TrainingDataError:
        """The error of a shard that cannot be used."""
        return TrainingDataError(str(self._dataset.shard_error(path.name, what)))

    def _parts_of(self, split: str) -> list[ShardPart]:
        shards = [shard for shard in self.manifest["shards"] if shard["split"] == split and shard["n_records"] > 0]
        return [ShardPart(self.folder / shard["file"], shard["n_records"], shard) for shard in shards]

    def _check_features(self) -> None:
        names = {feature["name"] for feature in self.manifest["record"]["features"]}
        for name in feature_lengths(self.description):
            if name not in names:
                raise TrainingDataError(f"the records of {self.folder} have no feature {name!r}: models need it")


@contextlib.contextmanager
def _errors_of_sfhsim() -> Iterator[None]:
    """What sfhsim finds wrong with the data set becomes an error of sfhmodel with the same words."""
    from sfhsim.errors import DatasetError

    try:
        yield
    except DatasetError as error:
        raise TrainingDataError(str(error)) from error
