"""Are samples of the posterior right: ``python -m benchmarks.posterior [MODEL] [--records N] [--keep FOLDER]``.

A flow is trained on the features of MODEL with galaxies of one world of `benchmarks.worlds`, then asked for others of
the same world. For each quantity:

    p          of a chi-square test that the rank of the truth among the samples is uniform (Talts et al. 2018)
    in N%      truths within the central N% of the samples
    scatter    1.48 times the median absolute deviation of median - truth

Below it CPU seconds and largest memory. What is in ``--keep`` is not made again.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np
import yaml

from benchmarks.folders import kept_or_temporary
from benchmarks.worlds import worlds
from sfhmodel.building import definition

SHARES = (0.5, 0.68, 0.9)


def main() -> None:
    """Parse the command line, train, sample, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="phangs-muse-hst", help="file, run or preset")
    parser.add_argument("--definition", default="phangs-muse-hst", help="whose worlds")
    parser.add_argument("--world", default="bc03 cloudy", help="of benchmarks.worlds")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--galaxies", type=int, default=1000, help="measured")
    parser.add_argument("--samples", type=int, default=199, help="of each")
    parser.add_argument("--keep", type=Path, help="keep data and flow in this folder")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        run(folder, options)


def run(folder: Path, options: argparse.Namespace) -> list[dict]:
    """Train where there is no flow yet, measure, print; a row for each quantity."""
    import sfhsim
    from sfhmodel.data import TrainingData
    from sfhmodel.inference import load
    from sfhmodel.posterior import FlowConfig, Posterior, train_posterior
    from sfhmodel.posterior.training import galaxies

    dataset, flow = folder / "dataset", folder / "flow.npz"
    if not (dataset / "manifest.json").is_file():
        recipe = folder / "world.yaml"
        recipe.write_text(yaml.safe_dump(worlds(definition(options.definition))[options.world], sort_keys=False))
        rest = options.galaxies + min(2000, options.records // 10)
        n, held = options.records + rest, rest / (options.records + rest)
        split = {"train": 1.0 - held, "validation": held - options.galaxies / n, "test": options.galaxies / n}
        sfhsim.generate_dataset(recipe, n, dataset, seed=91, split=split)
    if not flow.is_file():
        began = time.process_time()
        train_posterior(options.model, dataset, flow, FlowConfig(steps=options.steps), show_progress=True)
        print(f"training: {time.process_time() - began:.0f} CPU s")
    posterior, model = Posterior.load(flow), load(options.model, backend="keras").model
    found = galaxies(model, TrainingData(dataset), "test", options.galaxies)
    began = time.process_time()
    fraction, scalars = posterior.sample_features(found["features"], options.samples)
    per_thousand = (time.process_time() - began) / fraction[..., 0].size * 1000
    rows = measured(found, fraction, scalars, np.asarray(model.description.age_bin_edges_yr))
    print_rows(rows)
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{len(fraction)} galaxies; 1000 samples in {per_thousand:.2f} CPU s; {memory_gb:.1f} GB")
    return rows


def measured(found: dict, fraction: np.ndarray, scalars: np.ndarray, edges_yr: np.ndarray) -> list[dict]:
    """A row for each quantity of truths (n, ...) and samples (n, n_sample, ...)."""
    from sfhmodel.posterior import PosteriorSamples, coverage, rank_p_value, ranks
    from sfhmodel.posterior.coordinates import FLOOR

    names = tuple(map(str, range(len(fraction))))
    true = np.where(found["mass_fraction"] < FLOOR, 0.0, found["mass_fraction"])  # as in the samples
    true = true / true.sum(axis=1, keepdims=True)
    kinds = [
        PosteriorSamples(names, edges_yr, share, *np.moveaxis(others, -1, 0)).quantities(["0-100Myr", "0-1Gyr"])
        for share, others in ((true[:, None], found["scalars"][:, None]), (fraction, scalars))
    ]
    rows, n_sample = [], fraction.shape[1]
    for name, (_, samples) in kinds[1].items():
        truth = kinds[0][name][1][:, 0]
        rank = ranks(truth, samples)
        off = np.median(samples, axis=1) - truth
        rows.append(
            {
                "quantity": name,
                "p": rank_p_value(rank, n_sample),
                **{f"in {100 * share:.0f}%": coverage(rank, n_sample, share) for share in SHARES},
                "scatter": float(1.4826 * np.median(np.abs(off - np.median(off)))),
            }
        )
    return rows


def print_rows(rows: list[dict]) -> None:
    """The rows as text."""
    print(f"{'quantity':26s}" + "".join(f"{name:>10s}" for name in list(rows[0])[1:]))
    for row in rows:
        print(f"{row['quantity']:26s}" + "".join(f"{value:10.3g}" for value in list(row.values())[1:]))


if __name__ == "__main__":
    main()
