"""Families of star formation histories and their metallicities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.plots.style import (
    AGE_LABEL,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    check_picture_path,
    log_metallicity,
    new_figure,
    plain_axes,
    save,
)

_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)


def plot_histories(simulator, path: str | Path, n_each: int = 6, start: int = 0) -> Path:
    """Star formation and metallicity histories drawn from each family of a recipe, or of each world of a mixture.

    Parameters
    ----------
    simulator : Simulator or MixtureSimulator
    path : picture to write: .png, .pdf or .svg.
    n_each : galaxies of each family.
    start : sample id to begin at.
    """
    path = check_picture_path(path)
    families = _families(simulator)
    figure = new_figure(1.2 + 4.4 * len(families), 7.5)
    grid = figure.subplots(3, len(families), squeeze=False, sharex=True, sharey="row")
    peaks = []
    for column, (own, index, title) in enumerate(families):
        ids = np.arange(start, start + 200 * n_each * len(own.recipe.histories))
        chosen = ids[own.plan.draw(ids, own.seed).family == index][:n_each]
        peaks += _column(grid[:, column], own, chosen)
        grid[0, column].set_title(title)
        grid[2, column].set_xlabel(AGE_LABEL)
    # a narrow burst may leave the picture, so that the others can be seen
    grid[0, 0].set_ylim(0, min(1.08 * max(peaks), 2.2 * float(np.percentile(peaks, 75))))
    grid[0, 0].set_ylabel("SFR / mass formed [Gyr$^{-1}$]")
    grid[1, 0].set(ylabel="fraction of the mass formed", ylim=(0, 1.03))
    log_metallicity(grid[2, 0], np.concatenate([line.get_ydata() for axes in grid[2] for line in axes.lines]))
    grid[2, 0].set_xlim(13.8, 0)
    for axes in grid.flat:
        plain_axes(axes)
    figure.align_ylabels(grid[:, 0])
    return save(figure, path)


def _families(simulator) -> list[tuple]:
    """The simulator, the index and the title of each family of histories that there is, of each world."""
    from sfhsim.synthesis.any_simulator import worlds_by_name

    return [
        (own, index, f"{world}: {history.family}".removeprefix(": ").replace("_", " "))
        for world, own in worlds_by_name(simulator).items()
        for index, history in enumerate(own.recipe.histories)
    ]


def _column(panels, simulator, sample_ids: np.ndarray) -> list[float]:
    """Draw these samples, all of one family, in the three panels; returns the highest rate of each."""
    populations = simulator.populations
    age_yr = np.linspace(1e6, 1.3799e10, 3000)
    draws = simulator.plan.draw(sample_ids, simulator.seed)
    rate = populations.sfr(draws, age_yr) * 1e9
    # the integral of the curve above: from the Big Bang to today
    step = 0.5 * (rate[:, 1:] + rate[:, :-1]) * np.diff(age_yr) / 1e9
    formed = np.concatenate([np.cumsum(step[:, ::-1], axis=1)[:, ::-1], np.zeros((len(rate), 1))], axis=1)
    metallicity = populations.evaluate(draws).metallicity
    for k in range(len(sample_ids)):
        style = {"color": _COLOURS[k % len(_COLOURS)], "lw": 1.2}
        panels[0].plot(age_yr / 1e9, rate[k], **style)
        panels[1].plot(age_yr / 1e9, formed[k] / max(formed[k, 0], 1e-30), **style)
        panels[2].plot(simulator.library.age_yr / 1e9, metallicity[k], **style)
    return list(rate.max(axis=1))
