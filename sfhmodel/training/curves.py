"""Training curves: each metric in training and validation against the epoch, and the learning rate."""

from __future__ import annotations

import math
from pathlib import Path

from sfhmodel.training.files import whole_run_file
from sfhmodel.training.run_log import NOT_METRICS

_TRAINING, _VALIDATION, _BEST = "#0072B2", "#D55E00", "#8C8C8C"  # Okabe & Ito (2008)
_COLUMNS, _PANEL_IN, _DPI = 3, (3.4, 2.5), 120


def plot_curves(path: Path, rows: list[dict], best_epoch: int) -> None:
    """Draw the rows of a log to a PNG; the best epoch is marked.

    Raises
    ------
    TrainingError
        When the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    metrics = [name for name in rows[0] if name not in NOT_METRICS and not name.startswith("val_")]
    panels = [*sorted(metrics, key=lambda name: name != "loss"), "learning_rate"]
    n_rows = math.ceil(len(panels) / _COLUMNS)
    figure = Figure(figsize=(_COLUMNS * _PANEL_IN[0], n_rows * _PANEL_IN[1]), layout="constrained")
    axes = figure.subplots(n_rows, _COLUMNS, sharex=True, squeeze=False).flat
    epochs = [row["epoch"] for row in rows]
    for panel, name in zip(axes, panels, strict=False):
        _draw(panel, epochs, rows, name)
        panel.axvline(best_epoch, color=_BEST, linewidth=0.8, linestyle=":", label="best epoch")
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    for panel in axes[max(len(panels) - _COLUMNS, 0) : len(panels)]:
        panel.set_xlabel("epoch", fontsize=9)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.tick_params(labelbottom=True)
    axes[0].legend(fontsize=8, frameon=False)
    with whole_run_file(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, format="png")


def _draw(panel, epochs: list[float], rows: list[dict], name: str) -> None:
    marker = "." if len(rows) < 40 else None
    series = ((name, "training", _TRAINING), (f"val_{name}", "validation", _VALIDATION))
    for column, label, colour in series:
        values = [row.get(column, math.nan) for row in rows]
        if any(math.isfinite(v) for v in values):
            panel.plot(epochs, values, color=colour, marker=marker, linewidth=1.2, label=label)
    shown = [v for column, _, _ in series for row in rows if (v := row.get(column)) is not None]
    if min(shown) > 0 and max(shown) > 20 * min(shown):
        panel.set_yscale("log")
    panel.set_title(name.replace("_", " "), fontsize=9)
    panel.tick_params(which="both", direction="in", top=True, right=True, labelsize=8)
    panel.grid(alpha=0.25, linewidth=0.5)
