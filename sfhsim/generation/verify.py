"""Verification: every byte of a data set against what was recorded when it was made.

The manifest and ``plan.json`` carry their own checksums, and each can be restored from the other (the manifest with the
help of the shards' receipts), so an edited one is found and the other is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from blake3 import blake3

from sfhsim.errors import DatasetError
from sfhsim.generation.manifest import read_manifest
from sfhsim.generation.progress import Progress
from sfhsim.generation.shards import read_receipt
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.plan import Plan, Shard
from sfhsim.records.plan_document import consistent, document_of_manifest, read_plan
from sfhsim.records.schema import COMPILED, MANIFEST, PLAN
from sfhsim.records.tfrecord import scan_records
from sfhsim.synthesis.compiled_recipe import read_compiled

_TOLD = 500  # records between two words to the progress bar
_NAMED = 5  # damaged records that are named one by one


@dataclass(frozen=True)
class Problem:
    """One thing that is broken: the file's name in the data set, and what is wrong with it."""

    file: str
    what: str


@dataclass
class Report:
    """What `verify_dataset` or `repair_dataset` found.

    Attributes
    ----------
    folder : of the data set.
    n_shards, n_records : that it should have.
    problems : that there are, after the repair if there was one.
    repaired : files that a repair made again.
    """

    folder: Path
    n_shards: int
    n_records: int
    problems: list[Problem] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.problems

    def to_dict(self) -> dict:
        """Plain data, ready for JSON."""
        return {**asdict(self), "folder": str(self.folder), "ok": self.ok}

    def __str__(self) -> str:
        state = "sound" if self.ok else f"{len(self.problems)} problems"
        lines = [f"{self.folder}: {self.n_records} records in {self.n_shards} shards, {state}"]
        lines += [f"  {problem.file}: {problem.what}" for problem in self.problems]
        lines += [f"  {name}: repaired" for name in self.repaired]
        return "\n".join(lines)


@dataclass(frozen=True)
class Recorded:
    """What is known of a data set.

    Attributes
    ----------
    folder, document, plan : where it is, its plan document and plan.
    listed : receipts in the manifest, by shard; None when it cannot be trusted, and the shards' own receipts count.
    problems : of its two files.
    """

    folder: Path
    document: dict
    plan: Plan
    listed: dict[str, dict] | None
    problems: list[Problem]

    def receipt(self, shard: Shard) -> dict | None:
        """What was recorded of a shard when it was made, None when nothing can be trusted."""
        return read_receipt(self.folder, shard) if self.listed is None else self.listed.get(shard.file)


def verify_dataset(folder: str | Path, *, show_progress: bool = False) -> Report:
    """Check a data set: manifest, presence, size, digest, and every record's checksum and id.

    Parameters
    ----------
    folder : of the data set.
    show_progress : a progress bar on the terminal.

    Raises
    ------
    DatasetError
        When it is not a data set, or neither its manifest nor its plan can be trusted.
    """
    folder = Path(folder)
    recorded = read_recorded(folder)
    shards = recorded.plan.shards()
    report = Report(folder, len(shards), recorded.plan.n_samples, list(recorded.problems))
    report.problems += check_compiled(folder, recorded)
    with Progress(show_progress, "records") as progress:
        progress.begin(recorded.plan.n_samples)
        for shard in shards:
            report.problems += check_shard(folder, shard, recorded, progress.advance)
    others = sorted(path.name for path in folder.glob("*.tfrecord") if shards.named(path.name) is None)
    report.problems += [Problem(name, "does not belong to the data set: move it elsewhere") for name in others]
    return report


def read_recorded(folder: Path) -> Recorded:
    """What the manifest, the plan and the receipts say, as far as they can be trusted."""
    if not folder.is_dir() or not ((folder / MANIFEST).exists() or (folder / PLAN).exists()):
        raise DatasetError(f"{folder} is not a data set: it has neither {MANIFEST} nor {PLAN}")
    problems: list[Problem] = []
    plan_document = _sound(read_plan, folder, PLAN, problems)
    manifest = _sound(read_manifest, folder, MANIFEST, problems)
    document = plan_document or (document_of_manifest(manifest) if manifest else None)
    if document is None:
        raise DatasetError(
            f"{folder}: {'; '.join(p.what for p in problems)}. Neither can be restored from the other: make the data "
            "set again"
        )
    plan = Plan.from_dict(document["plan"])
    if manifest is not None and not consistent(manifest, document):
        problems.append(Problem(MANIFEST, f"is of another data set than {PLAN}"))
        manifest = None
    listed = None if manifest is None else {receipt["file"]: receipt for receipt in manifest["shards"]}
    return Recorded(folder, document, plan, listed, problems)


def _sound(read: Callable[[Path], dict], folder: Path, name: str, problems: list[Problem]) -> dict | None:
    try:
        return read(folder)
    except DatasetError as error:
        problems.append(Problem(name, str(error).removeprefix(f"{folder / name} ")))
        return None


def check_compiled(folder: Path, recorded: Recorded) -> list[Problem]:
    """What is wrong with the compiled recipe: one problem at most."""
    if "compiled" not in recorded.document:  # before 0.3.0
        return []
    try:
        compiled = read_compiled(folder / COMPILED)
    except DatasetError as error:
        return [Problem(COMPILED, str(error).removeprefix(f"{folder / COMPILED} "))]
    if compiled.digest != recorded.document["compiled"]["blake3"]:
        return [Problem(COMPILED, "is of another data set: it was replaced")]
    return []


def check_shard(folder: Path, shard: Shard, recorded: Recorded, advance: Callable[[int], None]) -> list[Problem]:
    """What is wrong with a shard: one problem at most, the most telling."""
    path = folder / shard.file
    receipt = recorded.receipt(shard)
    try:
        what = _damage(path, shard, receipt, recorded, advance)
    except FileNotFoundError:
        what = "is missing"
    except DatasetError as error:
        what = str(error).removeprefix(f"{shard.file}, ")
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
    return [Problem(shard.file, what)] if what else []


def _damage(
    path: Path, shard: Shard, receipt: dict | None, recorded: Recorded, advance: Callable[[int], None]
) -> str | None:
    size = path.stat().st_size
    if receipt is not None and size != receipt["bytes"]:
        return f"has {size} bytes instead of {receipt['bytes']}: it was truncated or replaced"
    encoder = RecordEncoder(recorded.document["feature_lengths"], recorded.plan.precision)
    digest = blake3()
    ids, damaged = [], []
    for number, (message, sound) in enumerate(scan_records(path, digest.update)):
        if sound:
            ids.append(encoder.sample_id(message))
        else:
            damaged.append(number)
        if number % _TOLD == _TOLD - 1:
            advance(_TOLD)
    advance((len(ids) + len(damaged)) % _TOLD)
    if damaged:
        more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
        return f"record {', '.join(map(str, damaged[:_NAMED]))}{more}: the checksum of the data is wrong"
    expected = recorded.plan.sample_ids(shard)
    if len(ids) != expected.size:
        return f"has {len(ids)} records instead of {expected.size}"
    if not np.array_equal(np.asarray(ids, dtype=np.uint64), expected):
        return "holds other samples than planned"
    if receipt is None:
        return "has no receipt to be checked against"
    if digest.hexdigest() != receipt["blake3"]:
        return "its blake3 digest is not the recorded one, though every record is sound: it was replaced"
    return None
