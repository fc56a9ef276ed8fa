"""Shared look of the pictures; figures are made without pyplot, so nothing global changes and no display is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# Okabe & Ito (2008): distinguishable with any colour vision
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = (
    "#222222",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)


def new_figure(width_in: float, height_in: float):
    """A matplotlib figure of this size with the Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure, path: str | Path) -> Path:
    """Write the figure as PNG, making its folder; returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return path


def plain_axes(axes) -> None:
    """Frameless top and right, a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2, linewidth=0.6)
    axes.set_axisbelow(True)


def bin_steps(edges: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a histogram-like outline."""
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)
