"""Errors against signal-to-noise ratio and attenuation."""

from __future__ import annotations

import numpy as np

from sfhmodel.plots.quantity_names import title
from sfhmodel.plots.style import BLUE, GREEN, GREY, PAGE_WIDTH_IN, PURPLE, RED, finish, legend, new_figure

_SCATTERS = ("mean_log10_age_yr_mass", "a_v_mag")
_ROWS = (("by_snr", "median S/N per pixel"), ("by_a_v", "true $A_V$ [mag]"))


def plot_dependence(metrics: dict):
    """Figure of the metrics of the groups of galaxies: a row for S/N, a row for attenuation."""
    figure = new_figure(PAGE_WIDTH_IN, 4.1)
    panels = figure.subplots(2, 4, sharey="col")
    for row, (groups, label) in zip(panels, _ROWS, strict=True):
        known = [group for group in metrics[groups] if group["median"] is not None]
        x = np.array([group["median"] for group in known])
        _row(row, x, known)
        for axes in row:
            axes.set_xlabel(label)
            if groups == "by_snr" and x.size and x.min() > 0 and x.max() > 3 * x.min():
                _log_ticks(axes, x)
    for axes, text in zip(
        panels[0],
        ("cumulative SFH", "metallicity", title(_SCATTERS[0]), title(_SCATTERS[1])),
        strict=True,
    ):
        axes.set_title(text, fontsize=8, pad=4)
    for axes, text in zip(panels.T.reshape(4, 2), _LABELS, strict=True):
        for panel in axes:
            panel.set_ylabel(text)
            panel.set_ylim(0, 1.18 * _highest(axes))
            finish(panel)
            panel.xaxis.label.set_size(8)
            panel.yaxis.label.set_size(8)
    legend(panels[0, 0], loc="lower right")
    return figure


def _highest(panels) -> float:
    return max(np.max(line.get_ydata(), initial=1e-9) for axes in panels for line in axes.lines)


_LABELS = ("mean error", "mean error [dex]", "scatter [dex]", "scatter [mag]")


def _row(panels, x: np.ndarray, groups: list[dict]) -> None:
    style = {"marker": "o", "ms": 3.5, "lw": 1.2}
    error = [group["cumulative_error"] for group in groups]
    deviation = [group["cumulative_error_standard_error"] for group in groups]
    panels[0].errorbar(x, error, deviation, color=RED, label="model", **style)
    prior = [group["prior_mean_cumulative_error"] for group in groups]
    panels[0].plot(x, prior, color=GREY, lw=1.1, ls=(0, (4, 2)), label="prior mean")
    panels[1].plot(x, [group["metallicity_error"] for group in groups], color=GREEN, **style)
    for axes, name, colour in zip(panels[2:], _SCATTERS, (BLUE, PURPLE), strict=True):
        axes.plot(x, [group["summaries"][name]["scatter"] for group in groups], color=colour, **style)


def _log_ticks(axes, x: np.ndarray) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.set_xlim(x.min() / 1.35, x.max() * 1.35)
    axes.xaxis.set_major_locator(FixedLocator([s * 10.0**e for e in range(-2, 6) for s in (1, 2, 5)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
