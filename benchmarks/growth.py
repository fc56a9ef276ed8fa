"""How the cost of a galaxy grows with the batch size and with the number of templates; see `benchmarks.throughput`."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from benchmarks.contestants import compile_simulators, consecutive
from benchmarks.peers import repeat
from sfhsim.errors import SfhsimWarning

BATCH_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
AGE_COUNTS = (9, 15, 30, 60, 120, 196)  # of the embedded library's 7 x 196 templates: 63 to 1372
ROUNDS, BATCH = 5, 1024


def plot_growth(recipe: str, seconds: float, path: Path) -> Path:
    """Measure and draw; returns the path.

    Parameters
    ----------
    recipe : built-in name or YAML file.
    seconds : for each of the two sweeps.
    path : of the picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhsimWarning)
        fixed, drawn = compile_simulators(recipe)
        batches = by_kinematics([(s, n) for s in (fixed, drawn) for n in BATCH_SIZES], seconds)
        counts = sorted({min(n, fixed.library.age_yr.size) for n in AGE_COUNTS})
        libraries = [with_fewer_ages(fixed.library, n) for n in counts]
        templates = by_kinematics(recompiled(fixed, libraries) + recompiled(drawn, libraries), seconds)
    sizes = [library.shape[0] * library.shape[1] for library in libraries]
    return draw(BATCH_SIZES, batches, sizes, templates, path)


def by_kinematics(pairs: list[tuple], seconds: float) -> dict[str, list[float]]:
    """Rates of pairs, the first half with fixed kinematics, all in turns, so that the curves can be compared."""
    found = rates(pairs, seconds / (ROUNDS * len(pairs)))
    half = len(pairs) // 2
    return {"fixed kinematics": found[:half], "drawn per galaxy": found[half:]}


def recompiled(simulator, libraries: list) -> list[tuple]:
    """The simulator on each library, with the batch size to time it with."""
    from sfhsim import Simulator

    return [(Simulator(simulator.recipe, library, seed=simulator.seed), BATCH) for library in libraries]


def with_fewer_ages(library, n_age: int):
    """A library of ``n_age`` of its ages, the first and the last among them."""
    ages = np.unique(np.linspace(0, library.age_yr.size - 1, n_age).round().astype(int))
    return library.replace(age_yr=library.age_yr[ages], flux=np.ascontiguousarray(library.flux[:, ages]))


def rates(pairs: list[tuple], seconds: float) -> list[float]:
    """Galaxies a second of (simulator, batch size) pairs, in turns; medians."""
    steps = [consecutive(simulator, batch) for simulator, batch in pairs]
    for step in steps:
        step()
    found: list[list[float]] = [[] for _ in steps]
    for _ in range(ROUNDS):
        for step, list_of_it in zip(steps, found, strict=True):
            done = repeat(step, seconds)
            list_of_it.append(done["count"] / done["seconds"])
    return [float(np.median(list_of_it)) for list_of_it in found]


def draw(batch_sizes, batches: dict, sizes, templates: dict, path: Path) -> Path:
    """Two panels: rate against batch size, and against the number of templates."""
    from sfhsim.plots.style import BLUE, GREY, ORANGE, legend, new_figure, plain_axes, plain_numbers, save

    figure = new_figure(9, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, x, curves in ((left, batch_sizes, batches), (right, sizes, templates)):
        for (label, values), colour in zip(curves.items(), (BLUE, ORANGE), strict=True):
            axes.plot(x, values, "o-", color=colour, ms=4, lw=1.5, label=label)
        axes.set(xscale="log", yscale="log")
    first = templates["fixed kinematics"][0]
    right.plot(sizes, first * sizes[0] / np.asarray(sizes), "--", color=GREY, lw=1, label="1 / number of templates")
    left.set(xlabel="galaxies in a batch", ylabel="galaxies per second", xticks=batch_sizes)
    right.set(xlabel=f"templates in the library (batches of {BATCH})", xticks=sizes)
    for axes in (left, right):
        plain_axes(axes)
        plain_numbers(axes.xaxis)
        legend(axes, loc="lower right" if axes is left else "lower left")
    plain_numbers(left.yaxis)
    return save(figure, path)


if __name__ == "__main__":
    raise SystemExit("run `python -m benchmarks.throughput --plot PNG`")
