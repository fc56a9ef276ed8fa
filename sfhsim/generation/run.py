"""Generation: from a recipe to a directory of shards, whole shards at a time, resumed where it was interrupted."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.generation.files import atomic_file, read_json, remove_leftovers, write_json
from sfhsim.generation.manifest import build_manifest
from sfhsim.generation.plan import DEFAULT_SPLIT, Plan, Shard
from sfhsim.records.dataset import MANIFEST
from sfhsim.records.example import ExampleEncoder
from sfhsim.records.tfrecord import FRAME_BYTES, require_fast_crc, write_record

PLAN = "plan.json"
_BATCH = 256


@dataclass(frozen=True)
class Summary:
    """What a call of `generate_dataset` did."""

    folder: Path
    n_samples: int
    n_made: int
    n_shards: int
    seconds: float

    def __str__(self) -> str:
        kept = self.n_samples - self.n_made
        rate = f", {self.n_made / self.seconds:.0f} spectra/s" if self.n_made and self.seconds > 0 else ""
        already = f" ({kept} were there already)" if kept else ""
        return f"{self.folder}: {self.n_samples} samples in {self.n_shards} shards{already}{rate}"


def parse_size(text: str) -> int:
    """Bytes of ``128MB``, ``1.5 GB``, ``64MiB`` or a plain number."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*(|k|M|G)(i?)B?\s*", text, flags=re.IGNORECASE)
    try:
        number, prefix, binary = match.groups()
        size = float(number) * (1024 if binary else 1000) ** " KMG".index(prefix.upper() or " ")
    except (AttributeError, ValueError):
        raise DatasetError(f"{text!r} is not a size: write e.g. 128MB") from None
    if size < 1:
        raise DatasetError(f"{text!r} is too small for a shard")
    return int(size)


def generate_dataset(
    recipe,
    n_samples: int,
    folder: str | Path,
    *,
    seed: int = 0,
    shard_bytes: int = 128_000_000,
    split: Mapping[str, float] | None = None,
    show_progress: bool = False,
) -> Summary:
    """Make a data set, or finish one that was interrupted.

    Parameters
    ----------
    recipe : Recipe, built-in name or path.
    n_samples : galaxies in the data set.
    folder : made when absent. Shards that are complete there are kept when they belong to the same data set.
    seed : with the recipe and the sample's id, decides every byte of a record.
    shard_bytes : size aimed at for one shard.
    split : share of each split; 90/5/5% train, validation, test by default.
    show_progress : a progress bar with rate and time left, on the terminal.

    Raises
    ------
    DatasetError
        When the folder holds another data set, or cannot be written.
    RecipeError, MissingDataError, CoverageError
        From the recipe.
    """
    from sfhsim.synthesis import Simulator

    require_fast_crc()
    simulator = recipe if isinstance(recipe, Simulator) else Simulator.from_recipe(recipe, seed=seed)
    encoder = ExampleEncoder(simulator.feature_lengths())
    record_bytes = 4 * sum(encoder.lengths.values()) + 256
    plan = Plan(
        fingerprint=simulator.fingerprint(),
        seed=seed,
        n_samples=n_samples,
        split=dict(split or DEFAULT_SPLIT),
        records_per_shard=max(1, shard_bytes // (record_bytes + FRAME_BYTES)),
    )
    folder = Path(folder)
    _claim(folder, plan)
    began = time.monotonic()
    shards = plan.shards()
    records, made = [], 0
    with _progress(show_progress, n_samples) as advance:
        for shard in shards:
            record = _finished(folder, shard)
            if record is None:
                record = write_shard(simulator, encoder, plan, shard, folder, advance)
                made += record["n_records"]
            else:
                advance(record["n_records"])
            records.append(record)
    write_json(folder / MANIFEST, build_manifest(simulator, plan, records))
    return Summary(folder, n_samples, made, len(shards), time.monotonic() - began)


def write_shard(simulator, encoder: ExampleEncoder, plan: Plan, shard: Shard, folder: Path, advance) -> dict:
    """Simulate and write one shard with its receipt; nothing is left behind when it fails."""
    ids = plan.sample_ids(shard)
    digest = hashlib.sha256()
    size = 0
    with atomic_file(folder / shard.file) as stream:
        tee = _Digesting(stream, digest)
        for start in range(0, ids.size, _BATCH):
            batch_ids = ids[start : start + _BATCH]
            batch = simulator.batch(batch_ids)
            for message in encoder.encode(batch_ids.astype("int64"), batch.features()):
                size += write_record(tee, message)
            advance(batch_ids.size)
    record = {
        "file": shard.file,
        "split": shard.split,
        "first_id": shard.first_id,
        "stop_id": shard.stop_id,
        "n_records": int(ids.size),
        "bytes": size,
        "sha256": digest.hexdigest(),
    }
    write_json(_receipt(folder, shard), record)
    return record


class _Digesting:
    """A stream that hashes what it writes."""

    def __init__(self, stream, digest):
        self._stream, self._digest = stream, digest

    def write(self, data) -> None:
        self._digest.update(data)
        self._stream.write(data)


def _receipt(folder: Path, shard: Shard) -> Path:
    return folder / ".receipts" / f"{shard.file}.json"


def _finished(folder: Path, shard: Shard) -> dict | None:
    """The receipt of a shard that is complete in the folder."""
    path = _receipt(folder, shard)
    if not path.is_file():
        return None
    try:
        record = read_json(path)
        whole = (folder / shard.file).stat().st_size == record["bytes"]
    except (DatasetError, FileNotFoundError, KeyError):
        return None
    return record if whole else None


def _claim(folder: Path, plan: Plan) -> None:
    """Take the folder for this plan, or say whose it is."""
    try:
        (folder / ".receipts").mkdir(parents=True, exist_ok=True) if not folder.exists() else None
        if not folder.is_dir():
            raise DatasetError(f"{folder} is a file: choose a directory for the data set")
        existing = [p.name for p in folder.iterdir() if p.name not in (PLAN, MANIFEST, ".receipts")]
        plan_path = folder / PLAN
        if plan_path.is_file():
            _compare(folder, read_json(plan_path), plan.to_dict())
        elif any(not name.startswith(".") for name in existing):
            raise DatasetError(
                f"{folder} already holds other files ({', '.join(sorted(existing)[:3])}): choose an empty directory"
            )
        (folder / ".receipts").mkdir(exist_ok=True)
        remove_leftovers(folder)
        if not plan_path.is_file():
            write_json(plan_path, plan.to_dict())
    except OSError as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"cannot use {folder} for a data set: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise DatasetError(f"no permission to write in {folder}: choose another directory")


def _compare(folder: Path, there: dict, wanted: dict) -> None:
    differs = [key for key in wanted if there.get(key) != wanted[key]]
    if differs:
        what = ", ".join(
            "the recipe, its library or the sfhsim version"
            if key == "fingerprint"
            else f"{key} ({there.get(key)} there, {wanted[key]} wanted)"
            for key in differs
        )
        raise DatasetError(
            f"{folder} holds another data set; different: {what}. Choose another directory, or delete this one"
        )


class _progress:
    """A rich progress bar that counts samples, or nothing."""

    def __init__(self, show: bool, total: int):
        self._bar = None
        if show:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
        self._total = total

    def __enter__(self):
        if self._bar is None:
            return lambda count: None
        self._bar.start()
        task = self._bar.add_task("spectra", total=self._total, rate="")
        began = time.monotonic()
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            rate = done / max(time.monotonic() - began, 1e-9)
            self._bar.update(task, advance=count, rate=f"{rate:.0f}/s")

        return advance

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.stop()
