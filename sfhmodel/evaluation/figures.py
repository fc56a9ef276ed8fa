"""The pictures of a report, each with its caption, as the bytes of PNG files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sfhmodel.evaluation.attention_weights import Attention
from sfhmodel.inference.prediction import Prediction


@dataclass(frozen=True)
class Picture:
    """A PNG, the name of its file without ending, and its caption."""

    name: str
    caption: str
    png: bytes


def pictures(
    results: Prediction, metrics: dict, shown: Prediction | None, attention: Attention | None
) -> Iterator[Picture]:
    """Those of a report, in order; arguments as of `sfhmodel.evaluation.write_report`."""
    from sfhmodel.plots.age_bins import plot_age_bins, plot_smape
    from sfhmodel.plots.attention_over_wavelength import plot_attention
    from sfhmodel.plots.coverage import plot_coverage
    from sfhmodel.plots.dependence import plot_dependence
    from sfhmodel.plots.novelty import plot_novelty
    from sfhmodel.plots.style import as_png
    from sfhmodel.plots.summaries import plot_summaries

    edges = results.description.age_bin_edges_yr
    if shown is not None:
        yield from _galaxies(shown)
    figures = {
        "summaries": plot_summaries(results),
        "age_bins": plot_age_bins(metrics, edges),
        "smape": plot_smape(metrics, edges),
        "dependence": plot_dependence(metrics),
        "coverage": plot_coverage(metrics, edges),
    }
    if attention is not None:
        figures["attention"] = plot_attention(
            attention, results.description.wave_aa, results.description.conditions.redshift or 0.0
        )
    figures["novelty"] = plot_novelty(results.novelty)
    for name, figure in figures.items():
        yield Picture(name, _CAPTIONS[name], as_png(figure))


def _galaxies(shown: Prediction) -> Iterator[Picture]:
    from sfhmodel.plots.galaxies import ROWS, plot_galaxies
    from sfhmodel.plots.style import as_png

    n_figure = -(-len(shown) // ROWS)
    for number, rows in enumerate(np.array_split(np.arange(len(shown)), n_figure), start=1):
        name = "galaxies" if n_figure == 1 else f"galaxies_{number}"
        caption = _GALAXIES if number == 1 else f"Further galaxies, as in the figure before ({number} of {n_figure})."
        yield Picture(name, caption, as_png(plot_galaxies(shown, rows)))


_GALAXIES = (
    "Galaxies of the evaluated split, one a row. Left: spectrum (black, with its error in grey), photometry (red) and "
    "masked pixels (grey bands), divided by the median flux density of the spectrum; strong lines are cut. Middle: "
    "fraction of the stellar mass formed before each lookback time, true (dashed) and recovered (red), with the "
    "central 68% and 90% intervals. Right: the same for the metallicity of the stars of each age bin. The youngest bin "
    "begins today; it is drawn from a third of its upper edge."
)
_CAPTIONS = {
    "summaries": (
        "True against recovered summary quantities: number of galaxies (or points, when there are few), 1:1 line "
        "(dashed), and running median, 16% and 84% of what was recovered (orange). Bias is the median difference, "
        "scatter 1.4826 times the median absolute deviation, outliers lie beyond three times the scatter. Shares below "
        "0.0001 are drawn at that value; their statistics are linear."
    ),
    "age_bins": (
        "Errors against lookback time. Left: mean absolute error of the cumulative mass fraction at the old edge of "
        "each age bin; the dashed line is the error made by predicting the mean history of the training data for every "
        "galaxy. Right: mean absolute error and bias of log Z of the stars of each bin, whatever their mass."
    ),
    "smape": (
        "Symmetric mean absolute percentage error, 100% |recovered − true| / (|recovered| + |true|), of the mass "
        "fractions and of the metallicities of each age bin. Where hardly any stars formed, small absolute differences "
        "are large shares."
    ),
    "dependence": (
        "Errors against signal-to-noise ratio (top) and attenuation (bottom), in groups of equal numbers of galaxies, "
        "drawn at their medians; error bars are standard errors of the mean."
    ),
    "coverage": (
        "Calibration of the uncertainties. Left: share of the truths below each predicted quantile; on the dashed "
        "line, the quantiles are right. Right: share of the truths inside the central 68% and 90% intervals of each "
        "age bin; grey lines mark what is claimed."
    ),
    "attention": (
        "Where the network looks. Top: mean of the spectra, each divided by its median. Bottom: mean weights "
        "of the attention pooling over wavelength, in units of uniform attention, for the first galaxies evaluated (at "
        "most 512), and for the thirds of them that are youngest and oldest by light. Orange lines mark "
        "prominent spectral features."
    ),
    "novelty": (
        "Novelty scores of the evaluated galaxies. The limit, 1, was set on validation data so that 1% of galaxies "
        "like the training data are flagged."
    ),
}
