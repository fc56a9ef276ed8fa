"""What the JWST bands of PHANGS cost and give: ``python -m benchmarks.jwst [--minutes M] [--json OUT] [--keep DIR]``.

Times `phangs-muse-hst-jwst` against `phangs-muse-hst-embedded` in turns, then makes two data sets of the same galaxies,
one with its JWST bands and one in which they are missing, trains the same network on each for the same number of steps
from the same seed, and compares the errors of ages, metallicities and A_V of the same test galaxies.

In the second data set, bands that no library reaches stand in the places of the JWST bands, so that every random number
is the same; that spectra are, and HST magnitudes but for the basis, is checked. Both networks have the same size.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from pathlib import Path

import numpy as np
import yaml

from benchmarks import training
from benchmarks.contestants import CORES, Contestant, consecutive, thread_limit
from benchmarks.folders import kept_or_temporary
from benchmarks.peers import repeat

RECIPE, WITHOUT = "phangs-muse-hst-jwst", "phangs-muse-hst-embedded"
SMALL_STEPS, BASIS_MAG = 200, 2e-3


def main() -> None:
    """Parse the command line, run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help=f"of training, for each network; {SMALL_STEPS} steps when absent")
    parser.add_argument("--records", type=int, default=20_000, help="of each data set; 400000 for 10 minutes or more")
    parser.add_argument("--architecture", default="branched")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of timing, for each recipe")
    parser.add_argument("--keep", type=Path, help="keep data sets, runs and reports in this folder, and go on there")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        summary = {"throughput": throughput(options.seconds)}
        print_throughput(summary["throughput"])
        pace = {"epochs": 2, "steps_per_epoch": SMALL_STEPS // 2} if options.minutes is None else {}
        summary |= compare(
            folder, options.minutes, options.records, architecture=options.architecture, seed=options.seed, **pace
        )
    print_comparison(summary)
    if options.json:
        options.json.write_text(json.dumps(summary, indent=1) + "\n")


def throughput(seconds: float, rounds: int = 5, batch: int = 1024, recipes=(RECIPE, WITHOUT)) -> dict:
    """Galaxies a second of two recipes in memory, in turns, and the median of each round's ratio."""
    from sfhsim import Simulator
    from sfhsim.errors import SfhsimWarning

    def work(step):
        def run(slice_s: float) -> dict:
            with thread_limit(CORES):
                return repeat(step, slice_s)

        return run

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhsimWarning)
        rows = []
        for recipe in recipes:
            simulator = Simulator.from_recipe(recipe, seed=1)
            rows.append(Contestant(simulator.recipe.name, "in memory", work(consecutive(simulator, batch))))
        for row in rows:
            row.slice(min(1.0, seconds / rounds))
            row.rates.clear()
        for _ in range(rounds):
            for row in rows:
                row.slice(seconds / rounds)
    ratios = [a / b for a, b in zip(rows[0].rates, rows[1].rates, strict=True)]
    return {"per_s": {row.key: row.rate for row in rows}, "ratio": float(np.median(ratios)), "cores": CORES}


def compare(
    folder: Path, minutes: float | None, records: int, *, recipe=RECIPE, architecture="branched", seed=0, **config
) -> dict:
    """Train with and without the JWST bands; returns the figures of `benchmarks.training` for both, and their ratios.

    Parameters
    ----------
    folder : where data sets, runs and reports are; what is finished there is not made again.
    minutes : of training, for the network with all bands; the other takes as many steps. None: ``config`` says.
    records : of each data set, in all its splits.
    recipe : name or YAML file of one with JWST bands.
    architecture, seed, **config : of `sfhmodel.training.TrainingConfig`.

    Raises
    ------
    AssertionError
        When the galaxies of both data sets differ in anything but the JWST bands.
    """
    import sfhsim
    from sfhmodel.training.config import load_config
    from sfhsim.errors import SfhsimWarning

    folder.mkdir(parents=True, exist_ok=True)
    recipes = {"with": recipe, "without": str(blinded_recipe(recipe, folder))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhsimWarning)
        for name, of_name in recipes.items():
            sfhsim.generate_dataset(of_name, records, folder / name / "dataset", seed=1, workers="auto")
    check_same_galaxies(*(folder / name / "dataset" for name in recipes))
    figures = {}
    for name in recipes:
        place = folder / name
        figures[name] = training.train_and_measure(place, place / "dataset", architecture, minutes, seed, config)
        settled = load_config(place / architecture / "config.yaml")
        minutes, config = None, config | {"epochs": settled.epochs, "steps_per_epoch": settled.steps_per_epoch}
    scatter = {name: {key: s["scatter"] for key, s in of["summaries"].items()} for name, of in figures.items()}
    ratios = {key: scatter["with"][key] / scatter["without"][key] for key in scatter["with"]}
    ratios["cumulative_error"] = figures["with"]["cumulative_error"] / figures["without"]["cumulative_error"]
    steps = config["epochs"] * config["steps_per_epoch"]
    return {"records": records, "steps": steps, "networks": figures, "with_over_without": ratios}


def blinded_recipe(recipe: str, folder: Path) -> Path:
    """A recipe file of the same galaxies, with bands beyond every library in the places of those of JWST."""
    from sfhsim import load_recipe
    from sfhsim.recipe import recipe_to_dict

    content = recipe_to_dict(load_recipe(recipe))
    photometry = content["photometry"]
    places = {name: name for name in photometry["filters"]}
    for k, name in enumerate(band for band in places if band.startswith("JWST/")):
        curve = folder / f"beyond-{k}.txt"
        curve.write_text("# wavelength in Angstrom, throughput\n2.9e6 0\n3.0e6 1\n3.1e6 0\n")
        places[name] = str(curve.resolve())
    photometry["filters"] = list(places.values())
    if "distribution" not in photometry["error_mag"]:
        photometry["error_mag"] = {places[name]: error for name, error in photometry["error_mag"].items()}
    photometry["missing"] = "allow"
    path = folder / "without-jwst.yaml"
    path.write_text(yaml.safe_dump(content | {"name": f"{content['name']}-blind"}, sort_keys=False))
    return path


def check_same_galaxies(with_bands: Path, without: Path) -> None:
    """AssertionError unless the data sets differ in nothing but bands that are missing in the second."""
    import sfhsim

    for split in ("train", "test"):
        both = [sfhsim.Dataset(folder).arrays(split, limit=500) for folder in (with_bands, without)]
        for name, values in both[0].items():
            other = both[1][name]
            there = np.isfinite(other) if name.startswith("photometry") else np.ones(other.shape, dtype=bool)
            # other bands, another basis: magnitudes and A_V are the same within its tolerance
            slack = BASIS_MAG if name in ("photometry", "photometry_error", "truth") else 0.0
            if not np.allclose(values[there], other[there], rtol=slack, atol=slack, equal_nan=True):
                raise AssertionError(f"{name} of the {split} galaxies differs with and without the JWST bands")
        missing = np.isnan(both[1]["photometry"]).all(axis=0)
        if not missing.any() or np.isnan(both[0]["photometry"]).any():
            raise AssertionError("no band is missing without JWST, or some is with it")


def print_throughput(figures: dict) -> None:
    """Rates, for people."""
    for name, rate in figures["per_s"].items():
        print(f"{name:28s}{rate:10.0f} galaxies/s on {figures['cores']} cores")
    print(f"{'ratio':28s}{figures['ratio']:10.3f}")


def print_comparison(summary: dict) -> None:
    """Errors of both networks, for people."""
    with_bands, without = (summary["networks"][name] for name in ("with", "without"))
    print(f"{summary['records']} galaxies, {summary['steps']} steps{'':14s}with JWST   without   ratio")
    rows = {"cumulative_error": (with_bands["cumulative_error"], without["cumulative_error"])}
    for name, spread in with_bands["summaries"].items():
        rows[f"scatter of {name}"] = (spread["scatter"], without["summaries"][name]["scatter"])
    for name, (a, b) in rows.items():
        print(f"{name:40s}{a:10.4f}{b:10.4f}{a / b:8.3f}")


if __name__ == "__main__":
    main()
