"""Generation: from a recipe to a directory of shards, whole shards at a time, resumed where it was interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.generation.dataset_simulator import job_of, recipe_simulator_fingerprint, settle
from sfhsim.generation.engines import Engine, open_engine
from sfhsim.generation.folder import check_room, check_same, planned, writable_folder
from sfhsim.generation.job import ShardTask, describe
from sfhsim.generation.manifest import build_manifest, write_manifest
from sfhsim.generation.progress import Progress
from sfhsim.generation.shards import finished, read_receipt
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.plan import DEFAULT_SPLIT, Plan, Shard


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


def generate_dataset(
    recipe,
    n_samples: int,
    folder: str | Path,
    *,
    seed: int | None = None,
    shard_bytes: int = 128_000_000,
    split: Mapping[str, float] | None = None,
    precision: str = "float32",
    workers: int | str | None = None,
    engine: str = "local",
    scheduler=None,
    show_progress: bool = False,
) -> Summary:
    """Make a data set, or finish one that was interrupted.

    The bytes of a record follow from the recipe, its library, the seed and the sample's id alone, whatever the number
    of workers, the engine, and however often it was interrupted.

    Parameters
    ----------
    recipe : Recipe or Mixture, built-in name, path, or a compiled simulator of either.
    n_samples : galaxies in the data set.
    folder : made when absent. Shards that are complete there are kept when they belong to the same data set.
    seed : with the recipe and the sample's id, decides every byte of a record; that of the Simulator, or 0.
    shard_bytes : size aimed at for one shard.
    split : share of each split; 90/5/5% train, validation, test by default.
    precision : of the spectra in the records: 'float32', or 'float16' for half the size; see `sfhsim.records.halves`.
    workers : worker processes, one thread each; 'auto' for one a core. None works in this process with all threads.
        A script that asks for workers needs the ``if __name__ == "__main__":`` guard of `multiprocessing`.
    engine : 'local', or 'dask' for the workers of a Dask cluster that share the folder.
    scheduler : with 'dask', its address or a ``distributed.Client``.
    show_progress : a progress bar with rate and time left, on the terminal.

    Raises
    ------
    DatasetError
        When the folder holds another data set, cannot be written or is being written by another process; the disk
        has no room for so many samples, or is full; a worker died. Whole shards are kept, and the same call goes on.
    RecipeError, MissingDataError, CoverageError
        From the recipe.
    """
    from sfhsim.synthesis.any_simulator import is_simulator

    recipe, simulator = (recipe.recipe, recipe) if is_simulator(recipe) else (_loaded(recipe), None)
    if simulator is not None and seed not in (None, simulator.seed):
        raise DatasetError(f"the simulator was made with seed {simulator.seed}, not {seed}: leave out the seed")
    seed = simulator.seed if simulator is not None else seed or 0
    folder = Path(folder)
    split = dict(split or DEFAULT_SPLIT)
    Plan("", seed, n_samples, split, 1, precision)  # fail on impossible numbers before the recipe is compiled
    with writable_folder(folder), Progress(show_progress, "spectra") as progress:
        planner = _Planner(folder, seed, n_samples, split, precision, shard_bytes)
        plan, document = planner.go_on(recipe, simulator) or planner.begin(recipe, simulator)
        job = job_of(folder, document)
        with open_engine(engine, job, job.open(), workers, scheduler, len(plan.shards())) as maker:
            maker.prepare()
            began = time.monotonic()
            made = _make_missing(maker, plan, folder, progress)
            seconds = time.monotonic() - began
        receipts = [_receipt(folder, shard) for shard in plan.shards()]
        write_manifest(folder, build_manifest(document, receipts))
    return Summary(folder, n_samples, made, len(receipts), seconds)


@dataclass(frozen=True)
class _Planner:
    """What was asked of a data set, and its plan from that."""

    folder: Path
    seed: int
    n_samples: int
    split: Mapping[str, float]
    precision: str
    shard_bytes: int

    def go_on(self, recipe, simulator) -> tuple[Plan, dict] | None:
        """The plan and the document of the data set that is there, when it is this one; None when none is."""
        document = planned(self.folder)
        if document is None:
            return None
        fingerprint = simulator.fingerprint() if simulator else recipe_simulator_fingerprint(recipe)
        plan, record_bytes = self._plan(fingerprint, document["feature_lengths"])
        check_same(self.folder, document["plan"], plan.to_dict())
        check_room(self.folder, plan, record_bytes)
        return plan, document

    def begin(self, recipe, simulator) -> tuple[Plan, dict]:
        """The plan and the document of a new data set, written into its directory."""
        from sfhsim.synthesis.any_simulator import make_simulator

        simulator = simulator or make_simulator(recipe, self.seed)
        description = describe(simulator)
        plan, record_bytes = self._plan(description["fingerprint"], description["feature_lengths"])
        check_room(self.folder, plan, record_bytes)
        return plan, settle(self.folder, plan, description, simulator)

    def _plan(self, fingerprint: str, feature_lengths: Mapping[str, int]) -> tuple[Plan, int]:
        record_bytes = RecordEncoder(feature_lengths, self.precision).record_bytes
        per_shard = max(1, self.shard_bytes // record_bytes)
        return Plan(fingerprint, self.seed, self.n_samples, self.split, per_shard, self.precision), record_bytes


def _loaded(recipe):
    from sfhsim.recipe import Mixture, Recipe, load_recipe

    return recipe if isinstance(recipe, Recipe | Mixture) else load_recipe(recipe)


def _make_missing(maker: Engine, plan: Plan, folder: Path, progress: Progress) -> int:
    """Make what is not there yet, one look at each shard; the number of samples made. No list grows with the plan."""

    def missing() -> Iterator[ShardTask]:
        where = str(folder.resolve())
        for shard in plan.shards():
            receipt = finished(folder, shard)
            if receipt is None:
                yield ShardTask(plan, shard, where)
            else:
                progress.skip(receipt["n_records"])

    progress.begin(plan.n_samples)
    return sum(receipt["n_records"] for receipt in maker.run(missing(), progress.advance))


def _receipt(folder: Path, shard: Shard) -> dict:
    receipt = read_receipt(folder, shard)
    if receipt is None:
        raise DatasetError(
            f"the receipt of {shard.file} vanished from {folder} while the data set was made: run the same command "
            "again"
        )
    return receipt
