"""What the ranges of a world cost at home: ``python -m benchmarks.ranges [--steps N] [--records N] [--keep FOLDER]``.

A network for each of a row of worlds on one stellar library with Cloudy lines, each wider than the one before, from the
recipe `phangs-muse-hst-embedded` to the home world of a definition (`benchmarks.worlds`):

    fixed        one dispersion, dust law and enrichment, gas that moves with the stars
    motions      a range of dispersions, and the definition's histories
    dust         ranges of slopes and of the 2175 A bump
    enrichment   ranges of where metallicity begins, what it comes to, and yield
    gas          escape, weak lines of diffuse gas, velocities of the gas, scattered lines: the definition's world
    calibration  the same with the definition's augmentation: calibration errors, ripples, sky lines

S/N, bands and their errors and the network are the same in all of them, the training in all but the last. Measured are,
spectrum alone and with bands, the error over that of the mean history of the galaxies learnt from, in galaxies of its
own world and, where it is another, of the widest; and truths in the 68% intervals as they come from training. What is
in ``--keep`` is not made again.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
from pathlib import Path

import yaml

from benchmarks.folders import kept_or_temporary
from benchmarks.worlds import EMBEDDED, HOME, train_for, worlds
from sfhmodel.building import definition, measured
from sfhsim.recipe import builtin_text

STEPS = ("fixed", "motions", "dust", "enrichment", "gas", "calibration")
_UNLIKE_SKY = ("calibration", "ripples", "sky_lines")  # augmentations of `calibration`


def ranges(content: dict) -> dict[str, tuple[dict, dict]]:
    """Recipe and training of each of `STEPS`, as plain data."""
    home = worlds(content)[HOME]
    home["nebular"] |= {key: content["recipe"]["nebular"][key] for key in ("line_scatter_dex", "common_scatter_dex")}
    recipe = yaml.safe_load(builtin_text(EMBEDDED))
    recipe |= {"name": "world", "library": home["library"]}
    recipe |= {key: home[key] for key in ("spectrum", "photometry", "noise")}
    recipes = {"fixed": recipe}
    for step, changed in (
        ("motions", {"histories": home["histories"], "kinematics": _of_stars(home["kinematics"])}),
        ("dust", {"dust": home["dust"]}),
        ("enrichment", {"metallicity": home["metallicity"]}),
        ("gas", {key: home[key] for key in ("nebular", "sources", "kinematics")}),
        ("calibration", {}),
    ):
        recipe = recipe | changed
        recipes[step] = recipe
    plain = copy.deepcopy(content["training"])
    plain["augmentation"] = {k: v for k, v in plain["augmentation"].items() if k not in _UNLIKE_SKY}
    return {step: (recipes[step], content["training"] if step == "calibration" else plain) for step in STEPS}


def _of_stars(kinematics: dict) -> dict:
    return {key: value for key, value in kinematics.items() if not key.startswith("line_")}


def row(step: str, recipe: dict, training: dict, widest: dict, folder: Path, records: int) -> dict:
    """Galaxies, a training, and what it comes to in its own world and in the widest."""
    import sfhsim
    from sfhmodel.inference import load
    from sfhmodel.training import config_from_dict, train

    there = folder / step
    there.mkdir(exist_ok=True)
    own = _written(recipe, there / "world.yaml")
    # more than one network learns from the widest world
    dataset = folder / (step if recipe != widest else "widest") / "dataset"
    sfhsim.generate_dataset(own, records, dataset, seed=1, workers="auto", precision="float16")
    train(dataset, there / "run", config_from_dict(training, "training"), show_progress=True)
    model = load(there / "run").model
    found: dict = {"step": step}
    for bands in (False, True):
        found["own, bands" if bands else "own"] = measured(model, str(own), dataset, with_bands=bands)
    if recipe != widest:
        elsewhere = _written(widest, there / "widest.yaml")
        found["widest"] = measured(model, str(elsewhere), dataset, with_bands=False)
    return found


def _written(recipe: dict, path: Path) -> Path:
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path


def print_row(found: dict) -> None:
    """One step as text."""
    own, widest = found["own"], found.get("widest")
    print(f"{found['step']:13s}{own['ratio']:8.3f}{found['own, bands']['ratio']:8.3f}{own['coverage_cumulative']:9.3f}"
          + (f"{widest['ratio']:10.3f}{widest['coverage_cumulative']:9.3f}" if widest else ""))  # fmt: skip


def main() -> None:
    """Parse the command line, train and measure each step, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--definition", default="phangs-muse-hst", help="preset, or path of a definition")
    parser.add_argument("--steps", type=int, default=1000, help="of each training")
    parser.add_argument("--records", type=int, default=60_000, help="of each data set")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, metavar="NAME")
    parser.add_argument("--keep", type=Path, help="keep everything in this folder, and go on there")
    parser.add_argument("--json", type=Path, help="write the table here")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    content = definition(options.definition)
    train_for(content, options.steps)
    steps = ranges(content)
    with kept_or_temporary(options.keep) as folder:
        widest = steps[STEPS[-1]][0]
        rows = [row(name, *steps[name], widest, folder, options.records) for name in STEPS if name in options.only]
    print("error over prior mean's, truths in 68%: own world (spectrum, with bands, in 68%); the widest (spectrum)")
    for found in rows:
        print_row(found)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
