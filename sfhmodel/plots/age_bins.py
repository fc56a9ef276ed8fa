"""Errors against lookback time: of the cumulative history and the metallicity, and SMAPE of both."""

from __future__ import annotations

import numpy as np

from sfhmodel.plots.style import (
    BLACK,
    GREEN,
    GREY,
    PAGE_WIDTH_IN,
    RED,
    age_edges_gyr,
    bin_steps,
    finish,
    legend,
    log_lookback,
    new_figure,
)


def plot_age_bins(metrics: dict, age_bin_edges_yr: np.ndarray):
    """Figure of the mean errors of each age bin.

    Parameters
    ----------
    metrics : of `sfhmodel.evaluation.metrics_of`.
    age_bin_edges_yr : (n_age_bin + 1,)
    """
    edges = _edges(age_bin_edges_yr)
    figure = new_figure(PAGE_WIDTH_IN, 2.6)
    formed, metals = figure.subplots(1, 2)
    formed.plot(*bin_steps(edges, metrics["cumulative_error_per_bin"]), color=RED, lw=1.4, label="model")
    formed.plot(
        *bin_steps(edges, metrics["prior_mean_cumulative_error_per_bin"]),
        color=GREY,
        lw=1.1,
        ls=(0, (4, 2)),
        label="prior mean",
    )
    formed.set_ylabel("mean |Δ cumulative mass fraction|")
    finish(formed, "cumulative star formation history")
    metals.plot(*bin_steps(edges, metrics["metallicity_error_per_bin"]), color=GREEN, lw=1.4, label="mean |Δ log Z|")
    bias = bin_steps(edges, metrics["metallicity_bias_per_bin"])
    metals.plot(*bias, color=BLACK, lw=1.0, ls=":", label="bias (median Δ log Z)")
    metals.axhline(0, color=GREY, lw=0.6)
    metals.set_ylabel("error of log Z [dex]")
    finish(metals, "metallicity")
    for axes in (formed, metals):
        log_lookback(axes, edges[0], edges[-1])
        axes.set_ylim(top=1.25 * max(np.max(line.get_ydata()) for line in axes.lines))
        legend(axes, loc="upper right")
    formed.set_ylim(bottom=0)
    return figure


def plot_smape(metrics: dict, age_bin_edges_yr: np.ndarray):
    """Figure of the SMAPE of each age bin."""
    edges = _edges(age_bin_edges_yr)
    figure = new_figure(PAGE_WIDTH_IN, 2.5)
    axes = figure.subplots()
    for name, colour, label in (("mass_fraction", RED, "mass fraction"), ("metallicity", GREEN, "metallicity Z")):
        mean = metrics[f"{name}_smape"]
        x, y = bin_steps(edges, metrics[f"{name}_smape_per_bin"])
        axes.plot(x, y, color=colour, lw=1.4, label=f"{label} (all bins: {mean:.1f}%)")
        axes.fill_between(x, 0, y, color=colour, alpha=0.12, lw=0)
    log_lookback(axes, edges[0], edges[-1])
    highest = max(np.max(line.get_ydata()) for line in axes.lines)
    axes.set(ylabel="SMAPE [%]", ylim=(0, min(100.0, 1.3 * highest)))
    finish(axes)
    legend(axes, loc="upper left", ncols=2)
    return figure


def _edges(age_bin_edges_yr) -> np.ndarray:
    return age_edges_gyr(np.array(age_bin_edges_yr, dtype=np.float64))
