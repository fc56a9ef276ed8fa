"""Generation: from a recipe to a directory of shards, whole shards at a time, resumed where it was interrupted."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sfhsim.errors import DatasetError, SfhsimWarning
from sfhsim.generation.engines import Engine, open_engine
from sfhsim.generation.folder import claim, writable_folder
from sfhsim.generation.job import Job, ShardTask
from sfhsim.generation.manifest import build_manifest, plan_document, write_manifest
from sfhsim.generation.plan import DEFAULT_SPLIT, Plan
from sfhsim.generation.progress import Progress
from sfhsim.generation.shards import finished
from sfhsim.records.encoder import RecordEncoder


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
    recipe : Recipe, built-in name, path, or a compiled Simulator.
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
        is full; a worker died. Whole shards are kept, and the same call goes on.
    RecipeError, MissingDataError, CoverageError
        From the recipe.
    """
    from sfhsim.synthesis import Simulator

    simulator = recipe if isinstance(recipe, Simulator) else None
    job = _job(recipe, seed)
    folder = Path(folder)
    split = dict(split or DEFAULT_SPLIT)
    Plan("", job.seed, n_samples, split, 1, precision)  # fail on impossible numbers before the recipe is compiled
    most = _most_shards(job, n_samples, shard_bytes, split)
    with writable_folder(folder), Progress(show_progress, "spectra") as progress:
        with open_engine(engine, job, simulator, workers, scheduler, most) as maker:
            description = maker.describe()
            if simulator is None:
                for note in description["notes"]:
                    warnings.warn(note, SfhsimWarning, stacklevel=2)
            elif description["fingerprint"] != simulator.fingerprint():
                raise DatasetError("the workers cannot compile this simulator: its library is another by that name")
            record_bytes = RecordEncoder(description["feature_lengths"], precision).record_bytes
            per_shard = max(1, shard_bytes // record_bytes)
            plan = Plan(description["fingerprint"], job.seed, n_samples, split, per_shard, precision)
            document = claim(folder, plan_document(plan, description))
            began = time.monotonic()
            receipts, made = _make_missing(maker, plan, folder, progress)
            seconds = time.monotonic() - began
        write_manifest(folder, build_manifest(document, receipts))
    return Summary(folder, n_samples, made, len(receipts), seconds)


def _job(recipe, seed: int | None) -> Job:
    from sfhsim.recipe import Recipe, load_recipe, recipe_to_dict
    from sfhsim.synthesis import Simulator
    from sfhsim.synthesis.simulator import DEFAULT_TOLERANCE

    if isinstance(recipe, Simulator):
        if seed not in (None, recipe.seed):
            raise DatasetError(f"the simulator was made with seed {recipe.seed}, not {seed}: leave out the seed")
        return Job(recipe_to_dict(recipe.recipe), recipe.seed, recipe.basis_tolerance)
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    return Job(recipe_to_dict(recipe), seed or 0, DEFAULT_TOLERANCE)


def _most_shards(job: Job, n_samples: int, shard_bytes: int, split: Mapping[str, float]) -> int:
    """About how many shards there will be, from the number of pixels alone: more workers would be idle."""
    spectrum = job.recipe["spectrum"]
    n_pixel = (spectrum["stop_aa"] - spectrum["start_aa"]) / spectrum["step_aa"]
    return int(n_samples * 10 * max(n_pixel, 1) / shard_bytes) + 2 * len(split)


def _make_missing(maker: Engine, plan: Plan, folder: Path, progress: Progress) -> tuple[list[dict], int]:
    """Make what is not there yet; the receipts of all shards in the order of the plan, and the samples made."""
    shards = plan.shards()
    receipts = {shard.file: receipt for shard in shards if (receipt := finished(folder, shard)) is not None}
    kept = sum(receipt["n_records"] for receipt in receipts.values())
    progress.begin(plan.n_samples, kept)
    missing = (ShardTask(plan, shard, str(folder.resolve())) for shard in shards if shard.file not in receipts)
    for receipt in maker.run(list(missing), progress.advance):
        receipts[receipt["file"]] = receipt
    return [receipts[shard.file] for shard in shards], plan.n_samples - kept
