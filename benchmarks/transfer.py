"""Fine-tuning with few labels against training from nothing: ``python -m benchmarks.transfer [--target NAME] ...``.

A model of a source world (bc03-miles with Cloudy) is measured in a target world of another stellar library as it is,
with intervals set anew on few galaxies of it, and fine-tuned with the same few (`sfhmodel train --from`); beside it
stand networks that learnt the target world from nothing, with more and more galaxies. A data set of n galaxies holds
the first n of the larger ones. Printed for each, on the same test galaxies of the target world: error of the cumulative
fractions, also over that of the prior mean; truths in the 68% intervals; CPU time and largest memory of the training.
The last line says whether the few labels reach what the most galaxies give from nothing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import yaml

from benchmarks.folders import kept_or_temporary

RECIPE = "phangs-muse-hst-embedded"
TARGET = "emiles-spliced"
SPLITS = {
    "few": {"train": 0.65, "validation": 0.35},
    "many": {"train": 0.9, "validation": 0.1},
}  # few: 100 to calibrate
_TEST_SEED = 77


def main() -> None:
    """Parse the command line, run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default=RECIPE, help="of the source world, built-in name or YAML file")
    parser.add_argument("--target", default=TARGET, help="stellar library of the target world, or a YAML recipe")
    parser.add_argument("--source", help="run, .keras file or preset to start from; else one is trained")
    parser.add_argument("--few", type=int, default=300, help="labelled galaxies of the target world")
    parser.add_argument("--sizes", type=int, nargs="*", default=[300, 3000, 30_000], help="from nothing, ascending")
    parser.add_argument("--source-records", type=int, default=100_000)
    parser.add_argument("--source-steps", type=int, default=4000, help="of 256 galaxies")
    parser.add_argument("--steps", type=int, default=1500, help="of 256 galaxies, with the most from nothing")
    parser.add_argument("--galaxies", type=int, default=3000, help="measured")
    parser.add_argument("--keep", type=Path, help="keep everything in this folder, and go on there")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        summary = run(
            folder,
            recipe=options.recipe,
            target=options.target,
            source=options.source,
            few=options.few,
            sizes=options.sizes,
            source_records=options.source_records,
            source_steps=options.source_steps,
            steps=options.steps,
            n_test=options.galaxies,
        )
    print_table(summary)
    if options.json:
        options.json.write_text(json.dumps(summary, indent=1) + "\n")


def run(
    folder: Path,
    *,
    recipe: str = RECIPE,
    target: str = TARGET,
    source: str | None = None,
    few: int = 300,
    sizes=(300, 3000, 30_000),
    source_records: int = 100_000,
    source_steps: int = 4000,
    steps: int = 1500,
    n_test: int = 3000,
    tuning: dict | None = None,
    **config,
) -> dict:
    """Train and measure; returns the figures.

    Parameters
    ----------
    folder : of data sets and runs; what is finished there is not made again.
    recipe : of the source world.
    target : stellar library of the target world, or a YAML recipe.
    source : model to start from; one is trained where None.
    few : labelled galaxies of the target world, for the fine-tuning and the recalibration.
    sizes : of the data sets of the target world that networks learn from nothing, ascending.
    source_records, source_steps : of the source's training.
    steps : of the training from nothing with the most galaxies; with fewer as many as these can use.
    n_test : galaxies measured.
    tuning : config of the fine-tuning; the defaults, beside the source, where None.
    **config : of `sfhmodel.training.TrainingConfig`, for trainings from nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = target_recipe(recipe, target, folder)
    costs = {}
    if source is None:
        source = str(folder / "source")
        dataset = _dataset(recipe, source_records, folder / "source-data", SPLITS["many"])
        costs["source"] = in_own_process(dataset, source, _config(source_records, source_steps, config))
    labelled = _dataset(world, few, folder / f"labelled-{few}", SPLITS["few"])
    fine = {"transfer": {"source": source}, **(tuning or {})}
    costs["fine"] = in_own_process(labelled, folder / "fine", fine)
    for n in sizes:
        dataset = labelled if n == few else _dataset(world, n, folder / f"labelled-{n}", SPLITS["many"])
        costs[f"nothing-{n}"] = in_own_process(dataset, folder / f"nothing-{n}", _config(n, steps, config))
    rows = _measured(folder, source, labelled, world, few, sizes, n_test, costs)
    ratios = {row["name"]: row["ratio"] for row in rows}
    most = ratios[f"from nothing, {max(sizes)}"] if sizes else None
    return {
        "target": target,
        "rows": rows,
        "ratio_of_most": None if most is None else ratios[f"fine-tuned, {few}"] / most,
        "cores": os.cpu_count(),
    }


def target_recipe(recipe: str, target: str, folder: Path) -> str:
    """YAML recipe of the target world: the source's with another library, or as given."""
    from sfhsim import load_recipe
    from sfhsim.recipe import recipe_to_dict

    if Path(target).is_file():
        return target
    path = folder / "target.yaml"
    content = recipe_to_dict(load_recipe(recipe)) | {"name": "target", "library": target}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return str(path)


def in_own_process(dataset: Path, out: str | Path, config: dict) -> dict:
    """Train in a process of its own, for its CPU time and memory; of a run that had finished, what it took then."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_train, str(dataset), str(out), config).result()


def _train(dataset: str, out: str, config: dict) -> dict:
    from sfhmodel.training import config_from_dict, train

    cost, began = Path(out) / ".cost.json", resource.getrusage(resource.RUSAGE_SELF)
    train(dataset, out, config_from_dict(config), show_progress=True)
    if not cost.exists():
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime
        cost.write_text(json.dumps({"cpu_s": cpu_s, "peak_gb": used.ru_maxrss / 1e6}))
    return json.loads(cost.read_text())


def _config(n: int, steps: int, config: dict) -> dict:
    """Of a training from nothing with n galaxies: small batches for few, no more steps than some dozens of passes."""
    batch = 32 if n < 1000 else 256
    steps = min(steps, max(60 * n // batch, 200))
    epochs = 10
    return {"batch_size": batch, "epochs": epochs, "steps_per_epoch": max(steps // epochs, 1), "seed": 1, **config}


def _dataset(recipe: str, n: int, folder: Path, split: dict) -> Path:
    import sfhsim

    sfhsim.generate_dataset(recipe, n, folder, seed=1, split=split)
    return folder


def _measured(folder: Path, source: str, labelled: Path, world: str, few: int, sizes, n_test: int, costs: dict):
    """The rows of the table."""
    from sfhmodel.building import galaxies
    from sfhmodel.building.build import prior_mean
    from sfhmodel.evaluation.worlds import measure
    from sfhmodel.inference import load
    from sfhmodel.training import recalibrate

    recalibrate(source, labelled, folder / "recalibrated.keras", overwrite=True)
    models = {
        "source as it is": (source, costs.get("source", {})),
        f"source recalibrated, {few}": (folder / "recalibrated.keras", {}),
        f"fine-tuned, {few}": (folder / "fine", costs["fine"]),
        **{f"from nothing, {n}": (folder / f"nothing-{n}", costs[f"nothing-{n}"]) for n in sizes},
    }
    largest = folder / f"labelled-{max([few, *sizes])}"
    batches, prior = list(galaxies(world, n_test, _TEST_SEED)), prior_mean(largest)
    return [
        {"name": name, **cost, **measure(load(path, backend="keras").model, batches, prior)}
        for name, (path, cost) in models.items()
    ]


def print_table(summary: dict) -> None:
    """The figures, for people."""
    columns = ("error", "ratio", "cum", "Z", "all", "flagged", "CPU s", "GB")
    print(f"target: {summary['target']}; truths in 68%: cum, Z, all\n{'':30s}" + "".join(f"{c:>9s}" for c in columns))
    keys = ("cumulative_error", "ratio", "coverage_cumulative", "coverage_metallicity", "coverage_summaries", "flagged")
    for row in summary["rows"]:
        cost = f"{row['cpu_s']:9.0f}{row['peak_gb']:9.1f}" if "cpu_s" in row else ""
        print(f"{row['name']:30s}" + "".join(f"{row[key]:9.4f}" for key in keys) + cost)
    if summary["ratio_of_most"] is not None:
        print(f"fine-tuned over from nothing with the most: {summary['ratio_of_most']:.3f}")


if __name__ == "__main__":
    main()
