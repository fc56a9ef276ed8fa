"""Does adaptation to unlabelled spectra help: ``python -m benchmarks.adaptation [--keep FOLDER] [--methods NAME ...]``.

A network learns from one world (bc03-miles, Cloudy), and is adapted to spectra of another stellar library and nebular
model whose labels it is not shown; then it is measured there on galaxies that neither saw, beside the network as it was
and an oracle that learnt from the labels. Metallicities are those that all libraries hold: stars that a library lacks
would else tell the oracle what they are. Columns are means over seeds:

    error      cumulative error over that of the prior mean (`sfhmodel.evaluation.worlds`)
    closed     share of the gap between source and oracle
    in 68%     truths in the intervals of cumulative fractions, metallicities, summaries
    own error  error in the world that the source learnt from
    AUC        of a linear classifier of simulated and observed latents: 0.5 where it cannot tell them apart

A cell (one training or adaptation, measured) is a file in ``--keep``; those that are there are not made again.

``--real RUN ADAPTED SPECTRA ...`` compares a network before and after on files of real spectra, of which nothing is
known: share flagged, mismatch of the spectra made again from the answers (`sfhmodel.checking`), and differences of
files named in ``--pairs`` as repeats or neighbours, in units of the stated sigma.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import yaml

from benchmarks.folders import kept_or_temporary
from benchmarks.worlds import worlds
from sfhmodel.building import definition
from sfhsim.files import whole_file

SOURCE = "bc03 cloudy"
TARGETS = ("emiles levesque", "m11 levesque", "emiles, other prior")


def _only(**losses: float) -> dict:
    """A config in which, of the terms, only these are beside `supervised`."""
    return {"losses": {"mmd": 0.0, "coral": 0.0, "consistency": 0.0} | losses}


METHODS = {
    "default": {},
    "same prior": {"label_weights": False},
    "mmd, coral": _only(mmd=1.0, coral=0.1),
    "mmd, coral, same prior": _only(mmd=1.0, coral=0.1) | {"label_weights": False},
    "transport": _only(transport=0.5),
    "all three": _only(mmd=1.0, coral=0.1, transport=0.5),
    "all three, same prior": _only(mmd=1.0, coral=0.1, transport=0.5) | {"label_weights": False},
    "adversarial": _only(adversarial=0.1),
    "consistency, reconstruction": _only(consistency=1.0, reconstruction=0.1),
}
METALLICITY = {
    "form": "linear_mass",
    "z_start": {"distribution": "log_uniform", "min": 0.01, "max": 0.015},
    "z_final": {"distribution": "log_uniform", "min": 0.015, "max": 0.03},
}
SPECTRUM = {"start_aa": 4800.0, "stop_aa": 7000.0, "step_aa": 5.0, "lsf": {"name": "constant", "fwhm_aa": 8.0}}
TRAINING = {
    "architecture": "attention",
    "batch_size": 256,
    "learning_rate": 3e-3,
    "epochs": 15,
    "steps_per_epoch": 100,
    "validation_records": 2000,
}
ADAPTATION = {"batch_size": 128, "epochs": 8, "steps_per_epoch": 50, "validation_records": 1500}
_SHOWN = ("ratio", "coverage_cumulative", "coverage_metallicity", "coverage_summaries", "flagged")


def recipes() -> dict[str, dict]:
    """The worlds by name, as plain recipes of spectra without bands."""
    content = definition("phangs-muse-hst")
    content["recipe"] = content["recipe"] | {"spectrum": SPECTRUM}
    made = {name: world for name, world in worlds(content).items() if name in (SOURCE, *TARGETS)}
    other = [{"family": "dense_basis", "n_quantiles": 7, "alpha": 5.0}]
    made["emiles, other prior"] = made["emiles levesque"] | {"histories": other}
    changes = {"photometry": {"filters": []}, "metallicity": METALLICITY}
    return {name: world | changes | {"name": _slug(name)} for name, world in made.items()}


class Cells:
    """Trainings and adaptations in a folder, each made once.

    Parameters
    ----------
    folder : made where needed.
    recipes : worlds by name; the first is the source's.
    records : galaxies of each world.
    training, adaptation : configs, as plain data.
    tested : galaxies measured in each world.
    """

    def __init__(self, folder: Path, recipes: dict, records: int, training: dict, adaptation: dict, tested: int = 3000):
        self.folder, self.recipes, self.records, self.tested = folder, recipes, records, tested
        self.training, self.adaptation = training, adaptation
        self.source = next(iter(recipes))
        folder.mkdir(parents=True, exist_ok=True)

    def data(self, world: str) -> Path:
        """The data set of a world."""
        import sfhsim

        folder = self.folder / f"data-{_slug(world)}"
        if not (folder / "manifest.json").is_file():
            recipe = self.folder / f"{_slug(world)}.yaml"
            recipe.write_text(yaml.safe_dump(self.recipes[world], sort_keys=False))
            seed = 1 + list(self.recipes).index(world)  # no galaxy is in two worlds
            sfhsim.generate_dataset(recipe, self.records, folder, seed=seed, precision="float16", workers=1)
        return folder

    def trained(self, world: str, seed: int) -> Path:
        """The run of a network that learnt in a world."""
        from sfhmodel.training import config_from_dict, train

        out = self.folder / f"trained-{_slug(world)}-{seed}"
        train(self.data(world), out, config_from_dict(self.training | {"seed": seed}))
        return out

    def adapted(self, world: str, seed: int, method: str) -> Path:
        """The run of the source's network adapted to a world."""
        from sfhmodel.adaptation import adapt, adaptation_config

        out = self.folder / f"adapted-{_slug(world)}-{seed}-{_slug(method)}"
        config = adaptation_config(self.adaptation | METHODS[method] | {"seed": seed})
        adapt(self.trained(self.source, seed), [self.data(world)], out, config)
        return out

    def cell(self, world: str, seed: int, method: str) -> dict:
        """A row: how a network does in a world; ``method`` is of `METHODS`, or 'source' or 'oracle'."""
        path = self.folder / f"cell-{_slug(world)}-{seed}-{_slug(method)}.json"
        if not path.is_file():
            trained_in = {"source": self.source, "oracle": world}.get(method)
            run = self.trained(trained_in, seed) if trained_in else self.adapted(world, seed, method)
            row = {"world": world, "seed": seed, "method": method, **self._measured(run, world)}
            with whole_file(path) as partial:
                partial.write_text(json.dumps(row, indent=1, default=float) + "\n")
        return json.loads(path.read_text())

    def _measured(self, run: Path, world: str) -> dict:
        from sfhmodel.evaluation.worlds import measure
        from sfhmodel.inference import load

        model = load(run, backend="keras").model
        prior = _galaxies(self.data(self.source), "train", 20_000)[1]["mass_fraction"].mean(axis=0)
        here, own = (_galaxies(self.data(name), "test", self.tested) for name in (world, self.source))
        found = measure(model, _batches(*here), prior)
        summary = json.loads((run / "summary.json").read_text())
        return {
            **{name: found[name] for name in (*_SHOWN, "bias")},
            "own_ratio": measure(model, _batches(*own), prior)["ratio"],
            "auc": auc(_latent(model, own[0]), _latent(model, here[0])),
            "best_epoch": summary["best_epoch"],
            "effective_share": summary.get("effective_share"),
        }


def table(rows: list[dict]) -> list[dict]:
    """Means over seeds, with the share of the gap that is closed, of each world and method."""
    made = []
    for world in dict.fromkeys(row["world"] for row in rows):
        here = [row for row in rows if row["world"] == world]
        for method in dict.fromkeys(row["method"] for row in here):
            own = [row for row in here if row["method"] == method]
            ends = [
                [next(r["ratio"] for r in here if r["seed"] == row["seed"] and r["method"] == end) for row in own]
                for end in ("source", "oracle")
            ]
            closed = [(before - row["ratio"]) / (before - after) for row, before, after in zip(own, *ends, strict=True)]
            names = (*_SHOWN, "own_ratio", "auc")
            means = {name: float(np.mean([row[name] for row in own])) for name in names}
            made.append(
                {"world": world, "method": method, "seeds": len(own), **means, "closed": float(np.mean(closed)),
                 "least_closed": float(np.min(closed))}
            )  # fmt: skip
    return made


def print_table(rows: list[dict]) -> None:
    """The result of `table` as text."""
    print(f"{'world':20s}{'method':28s}{'seeds':>6s}{'error':>8s}{'closed':>8s}{'least':>7s}{'in 68%: cum':>12s}"
          f"{'Z':>7s}{'all':>7s}{'own error':>11s}{'AUC':>7s}{'flagged':>9s}")  # fmt: skip
    for row in rows:
        print(f"{row['world']:20s}{row['method']:28s}{row['seeds']:6d}{row['ratio']:8.3f}{row['closed']:8.0%}"
              f"{row['least_closed']:7.0%}{row['coverage_cumulative']:12.3f}{row['coverage_metallicity']:7.3f}"
              f"{row['coverage_summaries']:7.3f}{row['own_ratio']:11.3f}{row['auc']:7.3f}"
              f"{row['flagged']:9.3f}")  # fmt: skip


def auc(a: np.ndarray, b: np.ndarray) -> float:
    """Area under the ROC curve of Fisher's discriminant of two samples (n, d), learnt on every other row of both."""
    fit, test = (a[::2], b[::2]), (a[1::2], b[1::2])
    covariance = np.cov(fit[0], rowvar=False) + np.cov(fit[1], rowvar=False)
    ridge = 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    direction = np.linalg.solve(covariance + ridge, fit[1].mean(axis=0) - fit[0].mean(axis=0))
    low, high = (part @ direction for part in test)
    ranks = np.searchsorted(np.sort(low), high, side="left") + np.searchsorted(np.sort(low), high, side="right")
    return float(ranks.mean() / (2 * len(low)))


def real(runs: list[str], files: list[Path], pairs: list[tuple[int, int]]) -> list[dict]:
    """What can be said of networks on spectra of which nothing is known, a row a network.

    Parameters
    ----------
    runs : networks, as `sfhmodel.load` takes them.
    files : of spectra.
    pairs : numbers of spectra, from 0 on in their order, that should give the same answer.
    """
    from sfhmodel.inference import Prediction, load
    from sfhmodel.spectra import read_spectra

    rows = []
    for run in runs:
        predictor = load(run, backend="keras")
        spectra = [spectrum for file in files for spectrum in read_spectra(file)]
        found: Prediction = predictor.predict_spectra(spectra, on_bad="skip", check=True)
        usable = np.array([not problem for problem in found.problems])
        assert found.check is not None
        rows.append(
            {
                "run": run,
                "spectra": int(usable.sum()),
                "flagged": float(found.unlike_training[usable].mean()),
                "mismatch": float(np.nanmedian(found.check.mismatch[usable])),
                "difference_sigma": difference_sigma(found, pairs) if pairs else None,
            }
        )
    return rows


def difference_sigma(found, pairs: list[tuple[int, int]]) -> float:
    """rms difference of the summaries of pairs, over the two stated 68% half-widths in quadrature."""
    low, middle, high = (found.summary_quantiles[..., found.level(q)] for q in (0.16, 0.5, 0.84))
    first, second = np.array(pairs).T
    half = 0.5 * (high - low)
    sigma = np.hypot(half[first], half[second])
    return float(np.sqrt(np.nanmean(((middle[first] - middle[second]) / np.maximum(sigma, 1e-9)) ** 2)))


def _galaxies(folder: Path, split: str, n: int) -> tuple[dict, dict]:
    """Inputs and truths of the first galaxies of a split."""
    from sfhmodel.data import SplitRecords, TrainingData

    data = TrainingData(folder)
    records = SplitRecords(data, split, min(n, data.n(split)))
    batch = next(records.batches(range(len(records)), len(records)))
    return batch.inputs, batch.truths


def _batches(inputs: dict, truths: dict, size: int = 500):
    for start in range(0, len(inputs["flux"]), size):
        yield tuple({name: v[start : start + size] for name, v in part.items()} for part in (inputs, truths))


def _latent(model, inputs: dict) -> np.ndarray:
    return np.concatenate([np.array(model.forward(x).latent, dtype=np.float64) for x, _ in _batches(inputs, {})])


def _slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")


def main() -> None:
    """Parse the command line, make what is missing, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--records", type=int, default=30_000, help="galaxies of each world")
    parser.add_argument("--worlds", nargs="+", default=list(TARGETS[:2]), choices=TARGETS)
    parser.add_argument("--methods", nargs="+", default=["default"], choices=list(METHODS))
    parser.add_argument("--keep", type=Path, help="keep everything in this folder, and go on there")
    parser.add_argument("--json", type=Path, help="write the cells here")
    parser.add_argument("--real", nargs="+", metavar="FILE", help="RUN ADAPTED SPECTRA ... in place of all that")
    parser.add_argument("--pairs", nargs="*", default=[], metavar="I,J", help="spectra of --real that are the same")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if options.real:
        pairs = [tuple(map(int, pair.split(","))) for pair in options.pairs]
        for row in real(options.real[:2], [Path(file) for file in options.real[2:]], pairs):
            print(json.dumps(row))
        return
    with kept_or_temporary(options.keep) as folder:
        made = recipes()
        cells = Cells(folder, {name: made[name] for name in (SOURCE, *TARGETS)}, options.records, TRAINING, ADAPTATION)
        rows = [
            cells.cell(world, seed, method)
            for seed in range(options.seeds)
            for world in options.worlds
            for method in ("source", "oracle", *options.methods)
        ]
    print_table(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
