"""Do answers hold in worlds that training did not know: ``python -m benchmarks.worlds [MODEL] [--leave-out] ...``.

MODEL (file, run or preset) is measured on galaxies of worlds of several makers: other stellar libraries, other nebular
models, other priors, ProSpect's forms. Without one, the definition of a preset is built first, for ``--minutes``.
``--leave-out`` also builds it once without each donor library and once with each nebular model alone, and measures in
the world that was left out: rows marked ``held out``; ``nothing`` builds it whole, for comparison, ``all-but-bc03`` and
``all-but-emiles`` from galaxies of that library alone, with Cloudy lines: what the spectra of one world tell a network
that knows no other. ``--steps`` and ``--records`` make these builds smaller. Nothing is tuned on what is printed.

Recipes ask for metallicities that a foreign library does not have: its nearest stands in, and no spectrum tells. So
each foreign library also has worlds within its metallicities, ``... within Z``.

Columns are those of `sfhmodel.evaluation.worlds`: error over that of the prior mean, truths in the 68% intervals, bias
and scatter of the mean log age by mass, [M/H] by mass and A_V, and the share that is flagged.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from benchmarks.folders import kept_or_temporary
from sfhmodel.building import build, definition, galaxies, measured
from sfhsim.files import whole_file
from sfhsim.recipe import builtin_text, merged

LIBRARIES = {
    "m11": "m11-miles-spliced",
    "bpass": "bpass-spliced",
    "mastar": "mastar-ssp",
    "emiles": "emiles-spliced",
    "miuscat": "miuscat-spliced",
}
METALLICITIES = {
    "m11": (0.01, 0.04),
    "bpass": (0.008, 0.03),
    "mastar": (0.001, 0.04),
    "emiles": (0.0004, 0.03),
    "miuscat": (0.004, 0.03),
}
ALONE = {"bc03": "bc03-miles", "emiles": "emiles-spliced"}
DONOR = {"m11": "m11-miles", "bpass": "bpass", "mastar": "mastar-ssp"}
PROSPECT = {
    "discretisation": "prospect",
    "nebular": {
        "model": "lkl10",
        "continuum": False,
        "scaling": "sfr",
        "sfr_to_halpha": "prospect",
        "line_flux": "prospect",
        "escape_fraction": {"distribution": "uniform", "min": 0.0, "max": 0.3},
    },
}
HOME = "bc03 cloudy"
HELD_OUT = (*DONOR, "levesque", "cloudy")
_WORDS = {"nothing": "learnt", **{f"all-but-{name}": "learnt alone" for name in ALONE}}
EMBEDDED = "phangs-muse-hst-embedded"
_N = 4000


def worlds(content: dict) -> dict[str, dict]:
    """Recipes (plain data) to measure in, by name, on the grid, bins and bands of a definition."""
    cloudy, levesque = ({"nebular": turn} for turn in content["in_turn"]["nebular"][:2])
    base = {"metallicity": content["in_turn"]["metallicity"][0], "photometry": {"missing": "allow"}}
    base = merged(base, {"dust": {"screen": content["in_turn"]["dust.screen"][0]}})
    changes = {"bc03 cloudy": cloudy, "bc03 levesque": levesque}
    for name, library in LIBRARIES.items():
        changes[f"{name} cloudy"] = {**cloudy, "library": library}
        changes[f"{name} levesque"] = {**levesque, "library": library}
        for lines, change in (("cloudy", cloudy), ("levesque", levesque)):
            within = {"metallicity": _within(*METALLICITIES[name])}
            changes[f"{name} {lines} within Z"] = {**change, "library": library, **within}
    changes["other priors"] = {
        **cloudy,
        "histories": [{"family": "dense_basis", "n_quantiles": 7, "alpha": 5.0}],
        "metallicity": {"form": "constant", "z_final": {"distribution": "log_uniform", "min": 0.004, "max": 0.04}},
    }
    # ProSpect's forms know neither bursts with a duration nor dense basis
    skewed = [_without(history, "burst_duration_gyr") for history in content["recipe"]["histories"][:2]]
    changes["ProSpect's forms"] = PROSPECT | {
        "histories": skewed,
        "spectrum": content["recipe"]["spectrum"] | {"subtract_template_resolution": False},
    }
    found = {name: _changed(merged(content["recipe"], base), change) for name, change in changes.items()}
    # of one library, dispersion, dust law and enrichment: what a network that knows nothing else is measured in
    embedded = yaml.safe_load(builtin_text(EMBEDDED))
    return found | {EMBEDDED: embedded | {"spectrum": content["recipe"]["spectrum"]}}


def _within(lowest: float, highest: float) -> dict:
    """Closed boxes from the lower half of a range to the upper one."""
    middle = round((lowest * highest) ** 0.5, 5)
    return {
        "form": "closed_box",
        "z_start": {"distribution": "log_uniform", "min": lowest, "max": middle},
        "z_final": {"distribution": "log_uniform", "min": middle, "max": highest},
        "yield": {"distribution": "log_uniform", "min": 0.01, "max": 0.05},
    }


def train_for(content: dict, steps: int) -> None:
    """Make the training of a definition as long as this, in whole epochs, of which there is one at least."""
    content["training"]["epochs"] = max(round(steps / content["training"]["steps_per_epoch"]), 1)


def first_galaxies(recipe: Path, n: int, seed: int) -> tuple[dict, dict]:
    """Inputs and truths of the first ``n`` galaxies of a recipe, of its split for tests."""
    inputs, truths = zip(*galaxies(recipe, n, seed), strict=True)
    return tuple(
        {key: np.concatenate([np.asarray(b[key]) for b in bs])[:n] for key in bs[0]} for bs in (inputs, truths)
    )


def _changed(recipe: dict, change: dict) -> dict:
    """The recipe with a change; a section with another model or form takes nothing of the old one."""
    recipe = dict(recipe)
    if "metallicity" in change:
        recipe["metallicity"] = {}
    if "nebular" in change:
        recipe["nebular"] = {k: v for k, v in recipe.get("nebular", {}).items() if k == "escape_fraction"}
    return merged(recipe, change) | {"name": "world"}


def table(
    model,
    content: dict,
    dataset: Path,
    folder: Path,
    n: int = _N,
    only=None,
    seen_aa: tuple[float, float] | None = None,
) -> list[dict]:
    """A row for each world, with and without bands; where a library is missing or covers less, a word in its place."""
    from sfhsim.errors import CoverageError, MissingDataError

    rows = []
    for name, recipe in worlds(content).items():
        if only is not None and name not in only:
            continue
        path = folder / f"{name.replace(' ', '-')}.yaml"
        path.write_text(yaml.safe_dump(recipe, sort_keys=False))
        for with_bands in (False, True):
            try:
                row = measured(model, str(path), dataset, with_bands=with_bands, n=n, seen_aa=seen_aa)
            except (CoverageError, MissingDataError) as error:
                print(f"left out: {name} ({error})")
                break
            rows.append({"world": name, "bands": with_bands, **row})
    return rows


def left_out(
    content: dict, folder: Path, minutes: float | None, records: int, n: int = _N, names: Sequence[str] = ()
) -> list[dict]:
    """Rows of worlds that the definition was built without, one build each; of the builds in ``names`` where given."""
    from sfhmodel.inference import load

    rows = []
    for name, reduced, only in reduced_definitions(content):
        if name not in (names or HELD_OUT):
            continue
        path = folder / f"without-{name}.yaml"
        path.write_text(yaml.safe_dump(reduced, sort_keys=False))
        there = folder / f"without-{name}"
        model = load(build(path, there, minutes=minutes, records=records)).model
        found = table(model, content, there / "dataset", folder, n, only)
        rows += [{**row, "world": f"{row['world']}, {_WORDS.get(name, 'held out')}", "left_out": name} for row in found]
    return rows


def reduced_definitions(content: dict) -> Iterator[tuple[str, dict, tuple[str, ...] | None]]:
    """(name, definition without it, worlds to measure in)."""
    for name, donor in DONOR.items():
        reduced = copy.deepcopy(content)
        reduced["libraries"]["donors"] = [d for d in content["libraries"]["donors"] if d != donor]
        yield name, reduced, tuple(f"{name} {lines}{z}" for lines in ("cloudy", "levesque") for z in ("", " within Z"))
    nebular = content["in_turn"]["nebular"][:2]
    for name, kept in (("levesque", nebular[0]), ("cloudy", nebular[1])):
        reduced = copy.deepcopy(content)
        reduced["in_turn"]["nebular"] = [kept]
        yield name, reduced, (f"bc03 {name}",)
    yield "nothing", content, None
    for name, library in ALONE.items():
        reduced = copy.deepcopy(content)
        reduced["unseen"]["base"] = content["libraries"]["base"]  # not every library reaches as far as the donors
        reduced["libraries"] |= {"base": library, "count": 0, "plain": 1}
        reduced["in_turn"] = {key: choices[:1] for key, choices in content["in_turn"].items()}
        yield f"all-but-{name}", reduced, (f"{name} cloudy",)


def print_table(rows: list[dict]) -> None:
    """The rows as text."""
    print(f"{'world':28s}{'bands':>6s}{'error':>8s}{'ratio':>7s}{'in 68%: cum':>12s}{'Z':>7s}{'all':>7s}{'width':>7s}"
          f"{'age dex':>16s}{'[M/H] dex':>16s}{'A_V mag':>16s}{'flagged':>9s}")  # fmt: skip
    for row in rows:
        spreads = "".join(
            f"{row['bias'][name]:+8.3f} ±{row['scatter'][name]:6.3f}"
            for name in ("mean_log10_age_yr_mass", "log10_metallicity_mass", "a_v_mag")
        )
        bands = "yes" if row["bands"] else "no"
        print(f"{row['world']:28s}{bands:>6s}{row['cumulative_error']:8.4f}{row['ratio']:7.3f}"
              f"{row['coverage_cumulative']:12.3f}{row['coverage_metallicity']:7.3f}{row['coverage_summaries']:7.3f}"
              f"{row['width']:7.3f}{spreads}{row['flagged']:9.3f}")  # fmt: skip


def main() -> None:
    """Parse the command line, build or open, measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="file, run or preset; built when absent")
    parser.add_argument("--definition", default="phangs-muse-hst", help="preset, or path of a definition")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="of each training; 5 where --steps is not given, either")
    length.add_argument("--steps", type=int, help="of each training, of the definition's batches")
    parser.add_argument("--records", type=int, default=40_000, help="of each data set")
    parser.add_argument("--galaxies", type=int, default=_N, help="measured in each world")
    parser.add_argument("--world", nargs="+", metavar="NAME", help="only these, e.g. 'bc03 cloudy'")
    parser.add_argument(
        "--range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="what the model sees [A], at rest"
    )
    parser.add_argument(
        "--leave-out",
        nargs="*",
        metavar="NAME",
        choices=(*HELD_OUT, *_WORDS),
        help="also build without each maker, or these builds",
    )
    parser.add_argument("--keep", type=Path, help="keep everything in this folder, and go on there")
    parser.add_argument("--json", type=Path, help="write the table here")
    parser.add_argument("--card", type=Path, help="also into this card of a model that was built")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from sfhmodel.inference import load

    content = definition(options.definition)
    if options.steps is not None:
        train_for(content, options.steps)
    elif options.minutes is None:
        options.minutes = 5.0
    with kept_or_temporary(options.keep) as folder:
        built = folder / "built"
        if options.model is None:
            path = folder / "definition.yaml"
            path.write_text(yaml.safe_dump(content, sort_keys=False))
            options.model = build(path, built, minutes=options.minutes, records=options.records)
        elif not (built / "dataset").is_dir():
            import sfhsim

            path = folder / "prior.yaml"  # the prior mean is that of the definition's histories
            path.write_text(yaml.safe_dump(worlds(content)[HOME], sort_keys=False))
            sfhsim.generate_dataset(path, 5000, built / "dataset", seed=content["seed"])
        seen_aa = tuple(options.range) if options.range else None
        rows = table(
            load(options.model).model, content, built / "dataset", folder, options.galaxies, options.world, seen_aa
        )
        if options.leave_out is not None:
            rows += left_out(
                content, folder, options.minutes, options.records, options.galaxies, tuple(options.leave_out)
            )
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.card:
        card = json.loads(options.card.read_text("utf-8")) | {"benchmarks.worlds": rows}
        with whole_file(options.card) as partial:
            partial.write_text(json.dumps(card, indent=1) + "\n", "utf-8")


def _without(history: dict, name: str) -> dict:
    parameters = {key: value for key, value in history["parameters"].items() if key != name}
    return history | {"parameters": parameters}


if __name__ == "__main__":
    main()
