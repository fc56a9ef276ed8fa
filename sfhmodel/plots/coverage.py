"""Are the uncertainties right: how many truths lie below each quantile, and inside the intervals."""

from __future__ import annotations

import numpy as np

from sfhmodel.plots.quantity_names import title
from sfhmodel.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAGE_WIDTH_IN,
    PURPLE,
    RED,
    SKY,
    age_edges_gyr,
    bin_steps,
    finish,
    legend,
    log_lookback,
    new_figure,
)

_STYLES = (
    (RED, "o"),
    (GREEN, "s"),
    (BLUE, "^"),
    (SKY, "v"),
    (ORANGE, "D"),
    ("#8C6D1F", "P"),
    (PURPLE, "X"),
    (BLACK, "*"),
)


def plot_coverage(metrics: dict, age_bin_edges_yr: np.ndarray):
    """Figure of empirical against nominal levels, and of the coverage of the intervals against lookback time."""
    figure = new_figure(PAGE_WIDTH_IN, 4.0)
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.1))
    levels = np.array(metrics["quantile_levels"])
    curve, first = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
    _curve(curve, metrics["quantiles"], levels)
    second = figure.add_subplot(grid[1, 1], sharex=first)
    for axes, family, colour in ((first, "cumulative", RED), (second, "metallicity", GREEN)):
        _per_bin(axes, metrics["quantiles"][family], age_bin_edges_yr, colour)
        finish(axes, f"{title(family)}: intervals of 68% (solid), 90% (dotted)")
        axes.title.set_size(7.5)
    legend(figure, handles=curve.get_lines()[1:], loc="outside lower center", ncols=4)
    first.set_xlabel("")
    first.tick_params(labelbottom=False)
    return figure


def _curve(axes, quantiles: dict, levels: np.ndarray) -> None:
    axes.plot([0, 100], [0, 100], color=GREY, lw=0.8, ls=(0, (4, 2)))
    for (family, values), (colour, marker) in zip(quantiles.items(), _STYLES, strict=False):
        share = 100 * np.array(values["share_below"])
        axes.plot(100 * levels, share, color=colour, marker=marker, ms=4, mew=0, lw=0.9, label=title(family))
    axes.set(
        xlabel="level of the quantile [%]",
        ylabel="truths below the quantile [%]",
        xlim=(0, 100),
        ylim=(0, 100),
        xticks=100 * levels,
        yticks=100 * levels,
        aspect="equal",
    )
    finish(axes)


def _per_bin(axes, family: dict, age_bin_edges_yr, colour: str) -> None:
    edges = age_edges_gyr(np.array(age_bin_edges_yr, dtype=np.float64))
    for name, style in (("68", "-"), ("90", (0, (1, 1)))):
        inside = 100 * np.array(family[f"coverage_{name}_per_bin"])
        x, y = bin_steps(edges[: inside.size + 1], inside)
        axes.plot(x, y, color=colour, lw=1.3, ls=style, label=f"{name}% interval")
        axes.axhline(float(name), color=GREY, lw=0.7)
    log_lookback(axes, edges[0], edges[-1])
    lowest = min(np.min(line.get_ydata()) for line in axes.lines)
    axes.set(ylabel="truths inside [%]", ylim=(min(40.0, lowest - 5), 104), yticks=(0, 25, 50, 68, 90))
    axes.set_ylim(min(40.0, lowest - 5), 104)
