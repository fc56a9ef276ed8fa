"""How unlike the training data the evaluated galaxies look to the model."""

from __future__ import annotations

import numpy as np

from sfhmodel.plots.style import BLUE, PAGE_WIDTH_IN, RED, finish, new_figure, note, plain_numbers

_FLOOR = 1e-3


def plot_novelty(novelty: np.ndarray):
    """Figure of the distribution of the novelty scores (n,), with the limit above which they are flagged."""
    scores = np.maximum(np.asarray(novelty, dtype=np.float64), _FLOOR)
    figure = new_figure(PAGE_WIDTH_IN, 2.2)
    axes = figure.subplots()
    low, high = min(0.5, scores.min()), max(2.0, scores.max())
    edges = np.geomspace(low / 1.05, high * 1.05, 61)
    edges = np.sort(np.append(edges[np.abs(np.log(edges)) > 1e-3], 1.0))  # the limit between two bars
    counts, _ = np.histogram(scores, bins=edges)
    for part, colour in ((edges[:-1] < 1 - 1e-9, BLUE), (edges[:-1] >= 1 - 1e-9, RED)):
        axes.bar(edges[:-1][part], counts[part], width=np.diff(edges)[part], align="edge", color=colour, alpha=0.75)
    axes.axvline(1.0, color=RED, lw=1.1, ls=(0, (4, 2)))
    axes.set(xscale="log", yscale="log", xlim=edges[[0, -1]], ylim=(0.6, 1.6 * max(1, counts.max())))
    axes.set(xlabel="novelty score (above 1: unlike the training data)", ylabel="galaxies")
    axes.set_xticks([t for t in (0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100, 1000) if edges[0] < t < edges[-1]])
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)
    finish(axes)
    note(axes, f"flagged: {100 * np.mean(novelty > 1):.2f}% of {len(scores)}", x=0.98, y=0.93, color=RED)
    return figure
