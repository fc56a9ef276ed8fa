"""Train every architecture from nothing: ``python -m benchmarks.training [--minutes M] [--json OUT] [--keep DIR]``.

Makes a data set on the embedded library, trains each architecture for the same time with the same settings, and says
how well the test galaxies' histories are recovered: errors against those of the constant prior-mean predictor, scatter
and bias of the summaries, coverage of the intervals, and the rates of training, of the input pipeline alone and of
inference. The errors are computed here from the answers, and once more by `sfhmodel.evaluate`: both must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numpy as np

from benchmarks.folders import kept_or_temporary

ARCHITECTURES = ("branched", "attention")
RECIPE = "phangs-muse-hst-embedded"
BATCH = 512
_SLICE_S = 5.0  # of the rates that are not those of the training itself


def main() -> None:
    """Parse the command line, run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0, help="of training, for each architecture")
    parser.add_argument("--records", type=int, default=400_000, help="of the data set")
    parser.add_argument("--recipe", default=RECIPE, help="built-in name or YAML file")
    parser.add_argument("--architectures", nargs="+", default=list(ARCHITECTURES))
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--augmentation", action="store_true", help="train with the default augmentation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="keep data set, runs and reports in this folder, and go on there")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        summary = run(
            folder,
            options.minutes,
            options.records,
            recipe=options.recipe,
            architectures=options.architectures,
            seed=options.seed,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            augmentation=options.augmentation,
        )
    print_table(summary)
    if options.json:
        options.json.write_text(json.dumps(summary, indent=1) + "\n")


def run(folder: Path, minutes: float, records: int, *, recipe=RECIPE, architectures=ARCHITECTURES, seed=0, **config):
    """Make the data set, train and measure every architecture; returns the figures.

    Parameters
    ----------
    folder : where data set, runs and reports are; what is finished there is not made again.
    minutes : of training, for each architecture.
    records : of the data set, in all its splits.
    recipe : of sfhsim.
    architectures : names.
    seed : of the training. The data set has seed 1.
    **config : of `sfhmodel.training.TrainingConfig`.

    Raises
    ------
    AssertionError
        When the errors computed here and those of `sfhmodel.evaluate` differ.
    """
    import sfhsim

    dataset = folder / "dataset"
    sfhsim.generate_dataset(recipe, records, dataset, seed=1, workers="auto")
    summary = {
        "minutes": minutes,
        "records": records,
        "recipe": recipe,
        "config": config,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "input_pipeline_per_s": input_pipeline_per_s(dataset),
        "architectures": {},
    }
    for name in architectures:
        summary["architectures"][name] = train_and_measure(folder, dataset, name, minutes, seed, config)
    return summary


def train_and_measure(folder: Path, dataset: Path, architecture: str, minutes: float, seed: int, config: dict) -> dict:
    """The figures of one architecture."""
    from sfhmodel.evaluation import evaluate
    from sfhmodel.inference import load
    from sfhmodel.training import TrainingConfig, train

    run_folder = folder / architecture
    config = TrainingConfig(architecture=architecture, minutes=minutes, seed=seed, **config)
    trained = train(dataset, run_folder, config, show_progress=True)
    metrics = evaluate(run_folder, dataset, folder / f"{architecture}-report")
    model = load(run_folder).model
    figures = recovered(model, dataset)
    if not np.isclose(figures["cumulative_error"], metrics["cumulative_error"], rtol=1e-4):
        raise AssertionError(
            f"{architecture}: cumulative error {figures['cumulative_error']:.6f} here, "
            f"{metrics['cumulative_error']:.6f} in the report"
        )
    return {
        **figures,
        "training_per_s": trained["training_spectra_per_second"],
        "training_seconds": trained["seconds"],
        "epochs": trained["epochs"],
        "parameters": trained["parameters"],
        "inference_per_s": inference_per_s(model, dataset),
    }


def recovered(model, dataset: Path) -> dict:
    """Errors, scatter, bias and coverage on the test records, from the answers themselves."""
    import sfhsim
    from sfhmodel.data import TrainingData, batches

    data = TrainingData(dataset)
    parts: dict[str, list] = {}
    for inputs, truths in batches(data, "test", BATCH, shuffle=False):
        answers = {**model.predict_on_batch(inputs), **{f"true_{k}": v for k, v in model.targets(truths).items()}}
        for key, values in answers.items():
            parts.setdefault(key, []).append(np.asarray(values))
    found = {key: np.concatenate(values) for key, values in parts.items()}
    true = np.cumsum(found["true_mass_fraction"], axis=1)
    prior = np.cumsum(sfhsim.Dataset(dataset).arrays("train", limit=20_000)["mass_fraction"].mean(axis=0))
    low, high = found["cumulative_quantiles"][:, :-1, 1], found["cumulative_quantiles"][:, :-1, 3]
    error = float(np.abs(np.cumsum(found["mass_fraction"], axis=1) - true).mean())
    of_prior = float(np.abs(prior - true).mean())
    return {
        "test_records": len(true),
        "cumulative_error": error,
        "prior_mean_cumulative_error": of_prior,
        "ratio": error / of_prior,
        "coverage_68_cumulative": float(((true[:, :-1] >= low) & (true[:, :-1] <= high)).mean()),
        "coverage_68_metallicity": _coverage(np.log10(found["metallicity_quantiles"]), found["true_log10_metallicity"]),
        "coverage_68_summaries": _coverage(found["summary_quantiles"], found["true_summaries"]),
        "summaries": {
            name: _spread(found["summaries"][:, i] - found["true_summaries"][:, i])
            for i, name in enumerate(model.description.summary_names)
        },
    }


def _coverage(quantiles: np.ndarray, truths: np.ndarray) -> float:
    return float(((truths >= quantiles[:, :, 1]) & (truths <= quantiles[:, :, 3])).mean())


def _spread(residuals: np.ndarray) -> dict:
    bias = float(np.median(residuals))
    return {"bias": bias, "scatter": float(1.4826 * np.median(np.abs(residuals - bias)))}


def input_pipeline_per_s(dataset: Path) -> float:
    """Records a second that the pipeline reads, shuffles and parses, with nothing that uses them."""
    from sfhmodel.data import TrainingData, batches

    data = TrainingData(dataset)
    return _rate((len(inputs["flux"]) for inputs, _ in batches(data, "train", BATCH, endless=True)), first=10)


def inference_per_s(model, dataset: Path) -> float:
    """Spectra a second in batches, all outputs, from arrays to arrays."""
    from sfhmodel.data import TrainingData, batches

    inputs, _ = next(iter(batches(TrainingData(dataset), "test", BATCH, shuffle=False)))
    inputs = {name: np.asarray(values) for name, values in inputs.items()}

    def answered():
        while True:
            yield len(model.predict_on_batch(inputs)["novelty"])

    return _rate(answered(), first=3)


def _rate(counts, first: int) -> float:
    """Counts a second over a slice of time, after the first few."""
    counts = iter(counts)
    for _ in range(first):
        next(counts)
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < _SLICE_S:
        done += next(counts)
    return done / (time.perf_counter() - began)


def print_table(summary: dict) -> None:
    """The figures, for people."""
    print(f"input pipeline alone: {summary['input_pipeline_per_s']:.0f} records/s")
    for name, f in summary["architectures"].items():
        print(
            f"{name}: {f['parameters']} parameters, {f['training_per_s']:.0f}/s trained, "
            f"{f['inference_per_s']:.0f}/s answered\n"
            f"  cumulative error {f['cumulative_error']:.4f} = {f['ratio']:.3f} x that of the prior mean "
            f"({f['prior_mean_cumulative_error']:.4f})\n"
            f"  68% intervals cover: cumulative {f['coverage_68_cumulative']:.3f}, metallicity "
            f"{f['coverage_68_metallicity']:.3f}, summaries {f['coverage_68_summaries']:.3f}"
        )
        for summary_name, s in f["summaries"].items():
            print(f"  {summary_name:26s} bias {s['bias']:+.4f}   scatter {s['scatter']:.4f}")


if __name__ == "__main__":
    main()
