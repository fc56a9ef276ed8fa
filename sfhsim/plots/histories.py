"""Families of star formation histories and their metallicities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.plots.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, new_figure, plain_axes, save

_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)


def plot_histories(simulator, path: str | Path, n_each: int = 6, start: int = 0) -> Path:
    """Star formation and metallicity histories drawn from each family of a recipe.

    Parameters
    ----------
    simulator : Simulator
    path : PNG to write.
    n_each : galaxies of each family.
    start : sample id to begin at.
    """
    families = simulator.recipe.histories
    figure = new_figure(5.5 * len(families), 8)
    grid = figure.subplots(3, len(families), squeeze=False)
    age_yr = np.linspace(1e6, 1.3799e10, 2000)
    ids = np.arange(start, start + 200 * n_each * len(families))
    draws = simulator.plan.draw(ids, simulator.seed)
    for column, history in enumerate(families):
        chosen = ids[draws.family == column][:n_each]
        own = simulator.plan.draw(chosen, simulator.seed)
        rate = simulator.populations.sfr(own, age_yr) * 1e9
        stars = simulator.populations.evaluate(own)
        edges_yr = simulator.populations.label_edges_yr
        formed = 1 - np.concatenate([np.zeros((len(chosen), 1)), np.cumsum(stars.label_mass, axis=1)], axis=1)
        for k in range(len(chosen)):
            colour = _COLOURS[k % len(_COLOURS)]
            grid[0, column].plot(age_yr / 1e9, rate[k], color=colour, lw=1.1)
            grid[1, column].plot(edges_yr / 1e9, formed[k], color=colour, lw=1.1)
            grid[2, column].plot(simulator.library.age_yr / 1e9, stars.metallicity[k], color=colour, lw=1.1)
        grid[0, column].set(title=history.family.replace("_", " "), ylabel="SFR / total mass [1/Gyr]")
        grid[0, column].set_ylim(0, min(rate.max() * 1.05, 2.5 * np.percentile(rate.max(axis=1), 75)))
        grid[1, column].set(ylabel="fraction of the mass formed before")
        grid[2, column].set(ylabel="metallicity Z", xlabel="lookback time [Gyr]")
    for axes in grid.flat:
        axes.set_xlim(13.8, 0)
        plain_axes(axes)
    return save(figure, path)
