"""A row of panels for each galaxy: what was observed, the history and the metallicities recovered from it."""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.evaluation.metrics import INTERVALS
from sfhmodel.inference.prediction import Prediction
from sfhmodel.plots.histories import draw_cumulative, draw_metallicity, metallicity_limits
from sfhmodel.plots.observed import draw_observed
from sfhmodel.plots.style import NOTE_SIZE, PAGE_WIDTH_IN, finish, legend, new_figure

ROWS = 4  # galaxies in a figure


def plot_galaxies(results: Prediction, rows):
    """Figure of these rows (at most `ROWS` look well) of results that keep their inputs, with the truth."""
    figure = new_figure(PAGE_WIDTH_IN, 0.75 + 1.75 * len(rows))
    panels = figure.subplots(len(rows), 3, squeeze=False, sharex="col", width_ratios=(1.25, 1, 1))
    ends = {name: [results.level(q) for q in levels] for name, levels in INTERVALS.items()}
    true_z = 10.0**results.known_truth.log10_metallicity
    limits = metallicity_limits(true_z[rows], results.metallicity[rows], results.metallicity_quantiles[rows])
    for axes, row in zip(panels, rows, strict=True):
        _galaxy(axes, results, int(row), ends, true_z, limits)
    for axes in panels[:-1].flat:
        axes.set_xlabel("")
    _legend(figure, panels[0])
    figure.align_ylabels(panels)
    return figure


def _legend(figure, panels) -> None:
    """One for all panels, above them; of what is drawn in both histories, both colours."""
    from matplotlib.legend_handler import HandlerTuple

    entries: dict[str, list] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, []).append(handle)
    names = [name for name in _ORDER if name in entries]
    handles = [entries[name][0] if name == "true" else tuple(entries[name]) for name in names]
    legend(
        figure,
        handles=handles,
        labels=names,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.3)},
        loc="outside upper center",
        ncols=len(names),
        handlelength=2.4,
    )


_ORDER = ("spectrum", "error", "photometry", "true", "recovered", "90%", "68%")


def _galaxy(panels, results: Prediction, row: int, ends, true_z, limits) -> None:
    d, truth, inputs = results.description, results.known_truth, results.inputs
    if inputs is None:
        raise InputError("the spectra were not kept: they cannot be drawn")
    observed, formed, metals = panels
    draw_observed(observed, d.wave_aa, {name: v[row] for name, v in inputs.items()}, d.bands)
    edges = d.age_bin_edges_yr
    draw_cumulative(
        formed,
        edges,
        results.mass_fraction[row],
        results.cumulative_quantiles[row],
        truth.mass_fraction[row],
        ends,
    )
    draw_metallicity(
        metals,
        edges,
        results.metallicity[row],
        results.metallicity_quantiles[row],
        true_z[row],
        ends,
        limits,
    )
    snr = f"S/N {truth.snr[row]:.0f}" if np.isfinite(truth.snr[row]) else "no noise"
    error = np.abs(results.cumulative[row] - truth.cumulative[row]).mean()
    dex = np.abs(results.log10_metallicity[row] - truth.log10_metallicity[row])
    captions = (
        f"sample {truth.sample_id[row]}, {snr}, $A_V$ {truth.a_v_mag[row]:.2f}",
        f"mean |Δ fraction| {error:.3f}",
        f"by mass, mean |Δ log Z| {np.sum(dex * truth.mass_fraction[row]):.3f}",
    )
    for axes, caption in zip(panels, captions, strict=True):
        finish(axes)
        axes.set_title(caption, fontsize=NOTE_SIZE, loc="left", pad=3)
