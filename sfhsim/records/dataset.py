"""A data set on disk: its manifest and its records, read without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.example import decode_example
from sfhsim.records.plan import in_split
from sfhsim.records.schema import FEATURE_NAMES, SAMPLE_ID, precision_of
from sfhsim.records.shard import OTHER_SAMPLES, ShardProblem, check_ends, check_size, problem_of
from sfhsim.records.tfrecord import read_records


class Dataset:
    """A finished data set.

    Opening it checks the manifest. Before shards are read, their sizes and first and last records are held against it,
    and while they are read the number of their records and their ids.

    Parameters
    ----------
    folder
        Directory that holds ``manifest.json`` and the shards.

    Attributes
    ----------
    folder : as given.
    manifest : its content.
    precision : of the stored spectra; what is read is always float32.

    Raises
    ------
    DatasetError
        When there is no manifest, it is damaged or was changed, or its schema is another version; from every method
        that reads, when a shard is missing, damaged, or not what the manifest says.
    """

    def __init__(self, folder: str | Path):
        from sfhsim.records.opening import open_manifest

        self.folder = Path(folder)
        self.manifest = open_manifest(self.folder)
        self.precision = precision_of(self.manifest["schema_version"])
        features = self.manifest["record"]["features"]
        self._lengths = {f["name"]: f["shape"][0] for f in features if f["name"] in FEATURE_NAMES}
        self._checked: set[str] = set()

    def __len__(self) -> int:
        return self.manifest["n_samples"]

    @property
    def wave_aa(self) -> np.ndarray:
        """(n_pixel,) observed wavelengths of the spectra."""
        return np.asarray(self.manifest["dimensions"]["pixel"]["wave_aa"])

    @property
    def age_bin_edges_yr(self) -> np.ndarray:
        """(n_age_bin + 1,) edges of the label bins."""
        return np.asarray(self.manifest["dimensions"]["age_bin"]["edges_yr"])

    @property
    def truth_names(self) -> list[str]:
        """Names of the scalar truths, in order."""
        return [truth["name"] for truth in self.manifest["dimensions"]["truth"]]

    @property
    def band_names(self) -> list[str]:
        """Names of the photometric bands, in order."""
        return [band["name"] for band in self.manifest["dimensions"]["band"]]

    @property
    def world_names(self) -> list[str]:
        """Names of the worlds of a mixture, by the truth ``world``; none of a recipe without worlds."""
        return [world["name"] for world in self.manifest["dimensions"].get("world", [])]

    def shards(self, split: str | None = None) -> list[Path]:
        """Paths of the shards, of one split or of all."""
        return [self.folder / shard["file"] for shard in self._entries(split)]

    def check(self, split: str | None = None) -> None:
        """Hold the shards of a split, or all, against the manifest, as far as that is cheap; `verify` reads them all.

        Raises
        ------
        DatasetError
            Naming the shard that is missing, of another size, or begins or ends with another shard's records.
        """
        for shard in self._entries(split):
            self._check(shard)

    def __iter__(self) -> Iterator[dict]:
        self.check()
        for shard in self.manifest["shards"]:
            yield from self.records(shard)

    def records(self, shard: dict) -> Iterator[dict]:
        """The records of a shard, one of ``manifest["shards"]``."""
        self._check(shard)
        ids, n = self.ids(shard), 0
        try:
            for n, message in enumerate(read_records(self.folder / shard["file"]), start=1):
                if n > ids.size:
                    break
                record = decode_example(message, self.precision)
                self._check_record(record, ids[n - 1])
                yield record
        except OSError as error:
            raise self.shard_error(shard["file"], problem_of(error, shard["file"])) from error
        if n != ids.size:
            count = f"more than {ids.size} records" if n > ids.size else f"{n} records instead of {ids.size}"
            raise self.shard_error(shard["file"], f"has {count}")

    def ids(self, shard: dict) -> np.ndarray:
        """(n_records,) uint64 the ids of the samples of a shard, one of ``manifest["shards"]``, in order."""
        ids = np.arange(shard["first_id"], shard["stop_id"], dtype=np.uint64)
        ids = ids[in_split(ids, shard["split"], self.manifest["plan"]["split"])]
        if ids.size != shard["n_records"]:
            raise DatasetError(
                f"the manifest of {self.folder} contradicts itself: shard {shard['file']} holds {ids.size} samples of "
                f"its split, not {shard['n_records']}; `sfhsim verify {self.folder}` tells more"
            )
        return ids

    def arrays(self, split: str | None = None, limit: int | None = None) -> dict[str, np.ndarray]:
        """The first ``limit`` records (all by default) of a split, stacked: each (n, length), ids (n,)."""
        self.check(split)
        records = chain.from_iterable(map(self.records, self._entries(split)))
        rows = list(islice(records, limit))
        if not rows:
            raise DatasetError(f"no records in split {split!r} of {self.folder}")
        return {name: np.stack([row[name] for row in rows]) for name in (*self._lengths, SAMPLE_ID)}

    def sample(self, sample_id: int) -> dict:
        """The record with this id."""
        for shard in self.manifest["shards"]:
            if shard["first_id"] <= sample_id < shard["stop_id"]:
                for record in self.records(shard):
                    if record[SAMPLE_ID] == sample_id:
                        return record
        raise DatasetError(f"no sample {sample_id} in {self.folder}: ids run from 0 to {len(self) - 1}")

    def shard_error(self, file: str, what: str) -> DatasetError:
        """The error of a shard that cannot be used."""
        return DatasetError(
            f"shard {file} of {self.folder} {what}; `sfhsim verify {self.folder} --repair` makes it anew"
        )

    def _entries(self, split: str | None) -> list[dict]:
        known = self.manifest["splits"]
        if split is not None and split not in known:
            raise DatasetError(f"no split {split!r} in {self.folder}: it has {', '.join(known)}")
        return [shard for shard in self.manifest["shards"] if split is None or shard["split"] == split]

    def _check(self, shard: dict) -> None:
        """The size every time, the first and last record once."""
        path = self.folder / shard["file"]
        ids = None if shard["file"] in self._checked else self.ids(shard)
        try:
            check_size(path, shard)
            if ids is not None:
                check_ends(path, ids, self._encoder)
        except OSError as error:  # DatasetErrors are some
            raise self.shard_error(shard["file"], problem_of(error, shard["file"])) from error
        self._checked.add(shard["file"])

    @cached_property
    def _encoder(self) -> RecordEncoder:
        return RecordEncoder(self._lengths, self.precision)

    def _check_record(self, record: dict, sample_id: int) -> None:
        """DatasetError unless the record has the features of the data set, and this id."""
        for name, length in self._lengths.items():
            if np.size(record.get(name, ())) != length:
                raise ShardProblem(
                    f"is damaged: sample {record.get(SAMPLE_ID)}: feature {name!r} has {np.size(record.get(name, ()))} "
                    f"values, the manifest says {length}"
                )
        if record.get(SAMPLE_ID) != sample_id:
            raise ShardProblem(OTHER_SAMPLES)

    def describe(self) -> str:
        """A few lines on what the data set holds."""
        m = self.manifest
        pixels = self.wave_aa
        worlds = ", ".join(f"{w['name']} {100 * w['share']:.3g}%" for w in m["dimensions"].get("world", []))
        splits = ", ".join(f"{name} {s['n_records']}" for name, s in m["splits"].items())
        size_mb = sum(s["bytes"] for s in m["shards"]) / 1e6
        return "\n".join(
            [
                f"{m['name']}: {m['n_samples']} samples ({splits}) in {len(m['shards'])} shards, {size_mb:.1f} MB",
                f"  recipe      {m['recipe']['description'] or m['name']}",
                f"  library     {m['library']['name']} (sha256 {m['library']['checksum'][:12]})",
                *([f"  worlds      {worlds}"] if worlds else []),
                f"  spectrum    {pixels.size} pixels, {pixels[0]:g}-{pixels[-1]:g} A, {self.precision}",
                f"  photometry  {', '.join(self.band_names) or 'none'}",
                f"  labels      {self.age_bin_edges_yr.size - 1} age bins, {len(self.truth_names)} truths",
                f"  made by     sfhsim {m['sfhsim_version']}, seed {m['seed']}, schema {m['schema_version']}",
            ]
        )

    def describe_sample(self, record: dict) -> str:
        """The labels and truths of one record, for people."""
        edges_myr = self.age_bin_edges_yr / 1e6
        lines = [f"sample {record[SAMPLE_ID]}"]
        if self.world_names:
            lines[0] += f", world {self.world_names[int(record['truth'][self.truth_names.index('world')])]}"
        lines += [
            f"  {low:7.0f} - {high:7.0f} Myr   mass fraction {fraction:8.5f}   Z {z:8.6f}"
            for low, high, fraction, z in zip(
                edges_myr[:-1], edges_myr[1:], record["mass_fraction"], record["metallicity"], strict=True
            )
        ]
        lines += [f"  {name:32s} {v:.6g}" for name, v in zip(self.truth_names, record["truth"], strict=True)]
        lines += [
            f"  {name:32s} {m:.3f} +- {e:.3f} mag"
            for name, m, e in zip(self.band_names, record["photometry"], record["photometry_error"], strict=True)
        ]
        return "\n".join(lines)
