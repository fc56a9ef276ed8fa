"""Repair: exactly what is broken in a data set is made again, and must come out as it was."""

from __future__ import annotations

from pathlib import Path

from sfhsim.generation.dataset_simulator import job_of
from sfhsim.generation.engines import open_engine
from sfhsim.generation.folder import writable_folder
from sfhsim.generation.job import ShardTask
from sfhsim.generation.manifest import build_manifest, write_manifest, write_plan
from sfhsim.generation.progress import Progress
from sfhsim.generation.verify import Recorded, Report, check_shard, read_recorded, verify_dataset
from sfhsim.records.schema import COMPILED, MANIFEST, PLAN


def repair_dataset(
    folder: str | Path,
    *,
    workers: int | str | None = None,
    engine: str = "local",
    scheduler=None,
    show_progress: bool = False,
) -> Report:
    """Verify a data set and make again what is broken, bit for bit.

    Parameters
    ----------
    folder : of the data set.
    workers, engine, scheduler, show_progress : as for `generate_dataset`.

    Returns
    -------
    Report
        What was repaired, and the problems that are left: files that do not belong to the data set.

    Raises
    ------
    DatasetError
        When it is not a data set, nothing in it can be trusted, it was made by another version of sfhsim or of the
        library, or a shard came out different from what was recorded.
    MissingDataError
        When its library is not installed.
    """
    folder = Path(folder)
    read_recorded(folder)
    with writable_folder(folder):
        report = verify_dataset(folder, show_progress=show_progress)
        broken = {problem.file for problem in report.problems}
        if not broken:
            return report
        recorded = read_recorded(folder)
        if PLAN in broken:
            write_plan(folder, recorded.document)
        if COMPILED in broken:
            job_of(folder, recorded.document)
        shards = [shard for shard in recorded.plan.shards() if shard.file in broken]
        made = _make_again(folder, recorded, shards, workers, engine, scheduler, show_progress) if shards else {}
        if MANIFEST in broken:
            in_order = [made.get(shard.file) or recorded.receipt(shard) for shard in recorded.plan.shards()]
            # each is whole, or was made just now
            write_manifest(folder, build_manifest(recorded.document, in_order))  # type: ignore[arg-type]
        left = read_recorded(folder)
        report.problems = [
            *left.problems,
            *(p for shard in shards for p in check_shard(folder, shard, left, lambda count: None)),
            *(p for p in report.problems if "does not belong" in p.what),
        ]
    report.repaired = sorted(broken - {problem.file for problem in report.problems})
    return report


def _make_again(
    folder: Path, recorded: Recorded, shards: list, workers, engine: str, scheduler, show_progress: bool
) -> dict[str, dict]:
    """Make these shards again; their receipts by file."""
    document = recorded.document
    job = job_of(folder, document)
    tasks = [
        ShardTask(recorded.plan, shard, str(folder.resolve()), (recorded.receipt(shard) or {}).get("blake3"))
        for shard in shards
    ]
    with (
        Progress(show_progress, "repairing") as progress,
        open_engine(engine, job, job.open(), workers, scheduler, len(tasks)) as maker,
    ):
        progress.begin(sum(recorded.plan.sample_ids(shard).size for shard in shards))
        return {receipt["file"]: receipt for receipt in maker.run(tasks, progress.advance)}
