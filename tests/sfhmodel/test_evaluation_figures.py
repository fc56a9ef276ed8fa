"""Pictures of an evaluation: what is drawn is what was found, labels have units and do not overlap."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from evaluated_galaxies import EDGES_YR, made_up_results

from sfhmodel.errors import InputError
from sfhmodel.evaluation import metrics_of
from sfhmodel.evaluation.attention_weights import Attention, mean_spectrum
from sfhmodel.evaluation.groups import equal_groups
from sfhmodel.plots.age_bins import plot_age_bins, plot_smape
from sfhmodel.plots.attention_over_wavelength import plot_attention, spread
from sfhmodel.plots.coverage import plot_coverage
from sfhmodel.plots.dependence import plot_dependence
from sfhmodel.plots.galaxies import plot_galaxies
from sfhmodel.plots.histories import draw_cumulative, metallicity_limits
from sfhmodel.plots.novelty import plot_novelty
from sfhmodel.plots.observed import draw_observed, masked_ranges
from sfhmodel.plots.quantity_names import signed
from sfhmodel.plots.style import DPI, PAGE_WIDTH_IN, as_png, new_figure
from sfhmodel.plots.summaries import plot_summaries


@pytest.fixture(scope="module")
def results():
    return made_up_results(400)


@pytest.fixture(scope="module")
def metrics(results):
    levels = list(results.description.quantile_levels)
    return metrics_of(results, np.full(5, 0.2)) | {"quantile_levels": levels}


@pytest.fixture(scope="module")
def attention(results):
    weights = np.random.default_rng(3).dirichlet(np.ones(11), len(results))
    age = results.truth.summaries[:, 1]
    return Attention(
        weights, np.linspace(4900.0, 6900.0, 11), mean_spectrum(results.inputs["flux"]), equal_groups(age, 3)
    )


@pytest.fixture(scope="module")
def figures(results, metrics, attention):
    return {
        "galaxies": plot_galaxies(results, np.arange(3)),
        "summaries": plot_summaries(results),
        "few": plot_summaries(results[:50]),
        "age_bins": plot_age_bins(metrics, EDGES_YR),
        "smape": plot_smape(metrics, EDGES_YR),
        "dependence": plot_dependence(metrics),
        "coverage": plot_coverage(metrics, EDGES_YR),
        "attention": plot_attention(attention, results.description.wave_aa),
        "novelty": plot_novelty(results.novelty),
    }


NAMES = (
    "galaxies",
    "summaries",
    "few",
    "age_bins",
    "smape",
    "dependence",
    "coverage",
    "attention",
    "novelty",
)


def visible_texts(figure):
    """Everything written, with its place on the page."""
    from matplotlib.text import Text

    renderer = figure.canvas.get_renderer()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    boxes = [(t, t.get_window_extent(renderer)) for t in texts]
    hidden = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not label.get_visible() or not axis.get_visible() or not _inside(axis, tick)
    }
    return [(t.get_text(), box) for t, box in boxes if t not in hidden and box.width > 0]


def _inside(axis, tick) -> bool:
    low, high = sorted(axis.get_view_interval())
    return low - 1e-9 * abs(low) <= tick.get_loc() <= high + 1e-9 * abs(high)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_written_overlaps_or_leaves_the_page(figures, name):
    assert_laid_out(figures[name])


def assert_laid_out(figure):
    """Nothing overlaps or leaves the page."""
    assert figure.get_figwidth() == PAGE_WIDTH_IN
    figure.set_dpi(DPI)
    figure.canvas.draw()
    texts = visible_texts(figure)
    assert len(texts) > 5
    page = figure.bbox
    for text, box in texts:
        assert box.x0 > page.x0 - 2, text
        assert box.x1 < page.x1 + 2, text
        assert box.y0 > page.y0 - 2, text
        assert box.y1 < page.y1 + 2, text
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert not (wide > 1 and high > 1), f"{one!r} and {other!r} overlap"


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_is_labelled_or_shares_one_that_is(figures, name):
    for axes in figures[name].axes:
        for axis, others in ((axes.xaxis, axes.get_shared_x_axes()), (axes.yaxis, axes.get_shared_y_axes())):
            related = [axes, *others.get_siblings(axes)]
            texts = [getattr(a, f"{axis.axis_name}axis").label.get_text() for a in related]
            # the bar of a colour scale has one axis
            assert any(texts) or axes.get_label() == "<colorbar>"


def test_the_cumulative_history_is_of_the_mass_formed_before(results):
    axes = new_figure(3, 3).subplots()
    shares = np.array([0.1, 0.0, 0.2, 0.3, 0.4])
    quantiles = np.repeat(np.cumsum(shares)[:, None], 5, axis=1)
    draw_cumulative(axes, EDGES_YR, shares, quantiles, shares[::-1], {"68": (1, 3)})
    recovered, true = axes.lines
    np.testing.assert_allclose(recovered.get_ydata(), [1.0, 0.9, 0.9, 0.7, 0.4, 0.0], atol=1e-12)
    np.testing.assert_allclose(recovered.get_xdata()[1:], EDGES_YR[1:] / 1e9)
    np.testing.assert_allclose(true.get_ydata(), [1.0, 0.6, 0.3, 0.1, 0.1, 0.0], atol=1e-12)
    assert axes.get_xlim()[0] > axes.get_xlim()[1]  # the Big Bang is on the left
    assert EDGES_YR[0] == 0.0  # inputs are not changed


def test_statistics_in_the_panels_are_those_of_the_metrics(results, metrics, figures):
    panel = figures["summaries"].axes[4]
    statistics = metrics["summaries"]["a_v_mag"]
    assert f"scatter {statistics['scatter']:.3f} mag" in panel.texts[0].get_text()
    assert panel.get_xlim() == panel.get_ylim()


def test_masked_pixels_are_shaded_and_not_drawn(results):
    axes = new_figure(3, 3).subplots()
    inputs = {name: values[0].copy() for name, values in results.inputs.items()}
    inputs["mask"][10:14] = 0
    inputs["flux"][30] = np.nan
    draw_observed(axes, results.description.wave_aa, inputs, results.description.bands)
    line = next(line for line in axes.lines if line.get_label() == "spectrum").get_ydata()
    assert np.flatnonzero(np.isnan(line)).tolist() == [10, 11, 12, 13, 30]
    step = np.diff(results.description.wave_aa)[0]
    ranges = masked_ranges(results.description.wave_aa, ~np.isnan(line))
    assert [(high - low) / step for low, high in ranges] == pytest.approx([4, 1])


def wide_survey(results):
    """Three galaxies observed without noise in bands from the far ultraviolet to the mid infrared."""
    places = {"FUV": 1530.0, "NUV": 2270.0, "u": 3550.0, "g": 4770.0, "i": 7630.0, "Ks": 21600.0, "W2": 46000.0}
    bands = tuple({"name": f"survey.{name}", "pivot_wave_aa": place} for name, place in places.items())
    photometry = {"magnitudes": np.full((3, len(bands)), 13.2), "magnitude_errors": np.full((3, len(bands)), 0.1)}
    few = results[:3]
    truth = replace(few.truth, snr=np.full(3, np.inf))
    return replace(few, description=replace(few.description, bands=bands), truth=truth, **photometry)


def test_wide_wavelength_ranges_and_bright_bands(results):
    figure = plot_galaxies(wide_survey(results), [0, 2])
    assert_laid_out(figure)
    observed = figure.axes[0]
    assert (observed.get_xscale(), observed.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in observed.texts] == ["FUV", "NUV", "u", "g", "i", "Ks", "W2"]
    assert observed.get_ylim()[1] > np.max(observed.containers[0].lines[0].get_ydata())


def test_no_bands(results):
    few = results[:3]
    none = {"magnitudes": np.zeros((3, 0)), "magnitude_errors": np.zeros((3, 0))}
    few = replace(few, description=replace(few.description, bands=()), **none)
    figure = plot_galaxies(few, [1])
    assert_laid_out(figure)
    assert not figure.axes[0].texts


@pytest.mark.parametrize("missing", ["one band", "all bands", "all pixels"])
def test_what_is_missing_is_not_drawn(results, missing):
    axes = new_figure(3, 3).subplots()
    inputs = {name: values[0].copy() for name, values in results.inputs.items()}
    if missing == "all pixels":
        inputs["mask"][:] = 0
    else:
        inputs["magnitudes"][: 1 if missing == "one band" else 2] = np.nan
    draw_observed(axes, results.description.wave_aa, inputs, results.description.bands)
    names = [text.get_text() for text in axes.texts]
    assert names == {"one band": ["red"], "all bands": [], "all pixels": ["blue", "red"]}[missing]


def test_masked_ranges_at_the_ends():
    used = np.array([False, True, True, False])
    assert masked_ranges(np.array([1.0, 2.0, 3.0, 4.0]), used) == [(0.5, 1.5), (3.5, 4.5)]
    assert masked_ranges(np.arange(3.0), np.ones(3, dtype=bool)) == []


def test_signs():
    assert [signed(value, 2) for value in (0.314, -0.271, -0.001, 0.0)] == ["+0.31", "−0.27", "0.00", "0.00"]


def test_limits_of_metallicities_without_any():
    assert metallicity_limits(np.zeros(3)) == (1e-4, 5e-2)
    low, high = metallicity_limits(np.array([0.01, 0.02]), np.array([0.001]))
    assert low < 0.001 < 0.02 < high


def test_places_are_spread():
    assert spread([0.0, 100.0], 10.0) == [0.0, 100.0]
    assert spread([0.0, 1.0, 50.0], 10.0) == pytest.approx([-4.5, 5.5, 50.0])
    moved = spread([0.0, 1.0, 12.0, 13.0], 10.0)  # the second pair is pushed by the first
    assert np.diff(moved) == pytest.approx([10.0] * 3)
    assert np.mean(moved) == pytest.approx(6.5)
    assert spread([], 10.0) == []


def test_lines_are_drawn_at_the_redshift(attention, results):
    wave_aa = results.description.wave_aa
    at_rest, shifted = (
        {text.get_text(): text.xy[0] for text in plot_attention(attention, wave_aa, z).axes[0].texts} for z in (0, 0.02)
    )
    assert at_rest["Hα"] == pytest.approx(6562.8)
    assert shifted["Hα"] == pytest.approx(6562.8 * 1.02)
    assert {"Hβ", "Mg b", "Na D", "Hα", "[N II]", "[S II]", "[O III]"} <= set(at_rest)


def test_weights_are_relative_to_uniform_ones(attention):
    assert attention.relative.mean() == pytest.approx(1.0)


def test_mean_spectrum_leaves_out_what_is_dark():
    flux = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [-1.0, -1.0, 5.0]])
    np.testing.assert_allclose(mean_spectrum(flux), [0.5, 1.0, 1.5])
    np.testing.assert_array_equal(mean_spectrum(-flux[:2]), np.ones(3))


def test_flagged_galaxies_are_counted(results):
    figure = plot_novelty(np.array([0.1, 0.5, 1.0, 3.0]))
    assert figure.axes[0].texts[0].get_text() == "flagged: 25.00% of 4"


def test_no_setting_of_matplotlib_is_touched(results, metrics):
    import matplotlib

    before = dict(matplotlib.rcParams)
    as_png(plot_age_bins(metrics, EDGES_YR))
    assert dict(matplotlib.rcParams) == before


def test_galaxies_without_their_spectra_are_not_drawn(results):
    with pytest.raises(InputError, match="the spectra were not kept"):
        plot_galaxies(results.without_inputs(), [0])
