"""True against recovered summary quantities: where the galaxies lie, the 1:1 line, bias and scatter."""

from __future__ import annotations

import numpy as np

from sfhmodel.evaluation.statistics import difference_statistics
from sfhmodel.inference.prediction import Prediction
from sfhmodel.plots.quantity_names import on_axis, signed, title, unit
from sfhmodel.plots.style import BLACK, BLUE, ORANGE, PAGE_WIDTH_IN, finish, legend, new_figure, note

_FEW = 300  # galaxies; fewer are drawn as points
_SHARE_FLOOR = 1e-4  # of shares, which are drawn on logarithmic axes


def plot_summaries(results: Prediction):
    """Figure of a panel for each summary."""
    d = results.description
    n = len(d.summary_names)
    rows = -(-n // 3)
    figure = new_figure(PAGE_WIDTH_IN, 0.05 + 2.22 * rows)
    panels = figure.subplots(rows, 3, squeeze=False)
    drawn = []
    for k, axes in enumerate(panels.flat):
        if k >= n:
            axes.set_axis_off()
            continue
        true, recovered = results.known_truth.summaries[:, k], results.summaries[:, k]
        drawn.append(_panel(axes, d.summary_names[k], d.summary_units[k], true, recovered))
    meshes = [mesh for mesh in drawn if mesh is not None]
    if meshes:
        _same_scale(meshes)
        bar = figure.colorbar(meshes[0], ax=panels, shrink=0.6, aspect=35, pad=0.01)
        bar.set_label("galaxies per cell", fontsize=8.5)
        bar.ax.tick_params(labelsize=7.5)
    legend(panels[0, 0], loc="lower right")
    return figure


def _panel(axes, name: str, description_unit: str, true: np.ndarray, recovered: np.ndarray):
    statistics = difference_statistics(recovered, true)
    share = description_unit == "1"
    if share:
        true, recovered = (np.log10(np.clip(v, _SHARE_FLOOR, None)) for v in (true, recovered))
    low, high = _limits(true, recovered)
    mesh = _density(axes, true, recovered, low, high)
    axes.plot([low, high], [low, high], color=BLACK, lw=0.8, ls=(0, (4, 2)), label="1:1")
    _running(axes, true, recovered)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set(xlabel=f"true {on_axis(name)}", ylabel=f"recovered {on_axis(name)}")
    _same_ticks(axes, share, low, high)
    finish(axes, title(name))
    axes.yaxis.labelpad = 2
    note(axes, _in_words(statistics, unit(name), 4 if share else 3), x=0.035, y=0.965)
    return mesh


def _in_words(statistics: dict, unit_name: str, digits: int) -> str:
    after = f" {unit_name}" if unit_name else ""
    return "\n".join(
        [
            f"bias {signed(statistics['bias'], digits)}{after}",
            f"scatter {statistics['scatter']:.{digits}f}{after}",
            f"outliers {100 * statistics['outlier_fraction']:.1f}%",
        ]
    )


def _limits(true: np.ndarray, recovered: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(np.concatenate([true, recovered]), [0.2, 99.8])
    margin = 0.04 * (high - low) or 0.5
    return float(low - margin), float(high + margin)


def _density(axes, true, recovered, low: float, high: float):
    from matplotlib.colors import LogNorm

    if true.size < _FEW:
        axes.plot(true, recovered, ".", color=BLUE, ms=3.5, alpha=0.7, mew=0)
        return None
    n_cell = int(np.clip(np.sqrt(true.size) * 0.8, 20, 60))
    edges = np.linspace(low, high, n_cell + 1)
    counts, _, _ = np.histogram2d(true, recovered, bins=(edges, edges))
    norm = LogNorm(1, max(2.0, counts.max()))
    return axes.pcolormesh(edges, edges, np.where(counts > 0, counts, np.nan).T, cmap=_colours(), norm=norm)


def _colours():
    """Blues of which the palest can still be seen on white."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["Blues"](np.linspace(0.22, 1.0, 256)))


def _same_scale(meshes) -> None:
    top = max(mesh.norm.vmax for mesh in meshes)
    for mesh in meshes:
        mesh.norm.vmax = top


def _running(axes, true: np.ndarray, recovered: np.ndarray, n_bin: int = 10) -> None:
    """Median and central 68% of what is recovered, in bins of equal number along the truth."""
    if true.size < 10 * n_bin:
        return
    order = np.argsort(true, kind="stable")
    parts = [part for part in np.array_split(order, n_bin) if np.ptp(true[part]) > 0]
    x = [np.median(true[part]) for part in parts]
    low, middle, high = np.array([np.percentile(recovered[part], [16, 50, 84]) for part in parts]).T
    axes.plot(x, middle, color=ORANGE, lw=1.3, label="median")
    for edge, label in ((low, "16%, 84%"), (high, None)):
        axes.plot(x, edge, color=ORANGE, lw=0.9, ls=":", label=label)


def _same_ticks(axes, powers: bool, low: float, high: float) -> None:
    """The same on both axes, none in the corner where both would be written; whole powers of ten of a logarithm."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

    places = (MultipleLocator(1) if powers else MaxNLocator(4, steps=[1, 2, 5, 10])).tick_values(low, high)
    places = [place for place in places if low + 0.05 * (high - low) < place < high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(places)
        if powers:
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{value:.0f}}}$"))
