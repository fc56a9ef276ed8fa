"""Metrics against answers worked out by hand, and on distributions whose metrics are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluated_galaxies import SIGMA, SIGMA_DEX, evaluated, made_up_description, made_up_results
from scipy.stats import norm

from sfhmodel.errors import InputError
from sfhmodel.evaluation import metrics_of
from sfhmodel.evaluation.conventions import CONVENTIONS
from sfhmodel.evaluation.groups import equal_groups
from sfhmodel.evaluation.statistics import (
    below,
    coverage,
    difference_statistics,
    pinball,
    smape_percent,
    standard_error,
)
from sfhmodel.inference import Prediction
from sfhmodel.truth import Truth

UNIFORM = np.full(5, 0.2)


def two_galaxies() -> Prediction:
    """One recovered perfectly, one with all its mass in the youngest bin instead of the oldest."""
    n_summary = len(made_up_description().summary_names)
    true = np.array([[0.2, 0.2, 0.2, 0.2, 0.2], [0.0, 0.0, 0.0, 0.0, 1.0]])
    recovered = np.array([[0.2, 0.2, 0.2, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0, 0.0]])
    log10_z = np.array([[-2.0] * 5, [-2.0] * 5])
    recovered_z = 10.0 ** np.array([[-2.0] * 5, [-2.0, -2.0, -2.0, -2.0, -2.3]])
    return evaluated(
        made_up_description(),
        Truth(
            sample_id=np.array([3, 7]),
            mass_fraction=true,
            log10_metallicity=log10_z,
            summaries=np.ones((2, n_summary)),
            a_v_mag=np.array([0.1, 0.2]),
            snr=np.array([10.0, np.inf]),
        ),
        mass_fraction=recovered,
        metallicity=recovered_z,
        summaries=np.zeros((2, n_summary)),
        cumulative_quantiles=np.repeat(np.cumsum(true, axis=1)[..., None], 5, axis=2),
        metallicity_quantiles=np.repeat(recovered_z[..., None], 5, axis=2),
        summary_quantiles=np.zeros((2, n_summary, 5)),
        novelty=np.array([0.5, 1.5]),
    )


def test_cumulative_errors_by_hand():
    metrics = metrics_of(two_galaxies(), UNIFORM)
    # the second galaxy is wrong by 1 in four of five bins
    assert metrics["cumulative_error"] == pytest.approx(0.4)
    assert metrics["cumulative_error_per_bin"] == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.0])
    assert metrics["cumulative_error_standard_error"] == pytest.approx(np.std([0.0, 0.8], ddof=1) / np.sqrt(2))
    assert metrics["cumulative_median_error"] == pytest.approx(0.0)
    # the uniform history is the first galaxy's, and wrong by 0.2, 0.4, 0.6, 0.8, 0 for the second
    assert metrics["prior_mean_cumulative_error"] == pytest.approx(0.2)
    assert metrics["cumulative_error_ratio"] == pytest.approx(2.0)


def test_smape_by_hand():
    metrics = metrics_of(two_galaxies(), UNIFORM)
    # of ten shares two are wrong altogether (100%), the others right, three of them 0/0
    assert metrics["mass_fraction_smape"] == pytest.approx(20.0)
    assert metrics["mass_fraction_smape_per_bin"] == pytest.approx([50.0, 0.0, 0.0, 0.0, 50.0])
    ratio = 10.0**-0.3
    assert metrics["metallicity_smape_per_bin"][4] == pytest.approx(50.0 * (1 - ratio) / (1 + ratio))


def test_metallicity_by_hand():
    metrics = metrics_of(two_galaxies(), UNIFORM)
    # all the mass of the second galaxy is in the bin that is wrong by 0.3 dex
    assert metrics["metallicity_error"] == pytest.approx(0.15)
    assert metrics["metallicity_error_per_bin"] == pytest.approx([0, 0, 0, 0, 0.15])
    assert metrics["metallicity_bias_per_bin"] == pytest.approx([0, 0, 0, 0, -0.15])


def test_summaries_and_novelty_by_hand():
    metrics = metrics_of(two_galaxies(), UNIFORM)
    assert metrics["summaries"]["a_v_mag"] == pytest.approx(
        {"unit": "mag", "bias": -1.0, "scatter": 0.0, "rmse": 1.0, "outlier_fraction": 0.0}
    )
    assert metrics["novelty_rate"] == 0.5


def test_a_constant_truth_leaves_no_ratio():
    results = two_galaxies()[0]
    assert metrics_of(results, UNIFORM)["cumulative_error_ratio"] is None


def test_smape_of_zeros_and_signs():
    assert smape_percent(np.zeros(3), np.zeros(3)) == 0.0
    assert smape_percent(np.array([1.0, 3.0]), np.array([0.0, 1.0])) == pytest.approx(75.0)


def test_outliers_lie_beyond_three_scatters():
    statistics = difference_statistics(np.array([-1.0, 0.0, 1.0, 0.5, -0.5, 9.0]), np.zeros(6))
    assert statistics["bias"] == pytest.approx(0.25)
    assert statistics["scatter"] == pytest.approx(1.4826 * 0.75)
    assert statistics["outlier_fraction"] == pytest.approx(1 / 6)


def test_statistics_of_a_gaussian():
    difference = np.random.default_rng(1).normal(0.3, 2.0, 40_000)
    statistics = difference_statistics(difference, np.zeros_like(difference))
    assert statistics["bias"] == pytest.approx(0.3, abs=0.05)
    assert statistics["scatter"] == pytest.approx(2.0, rel=0.02)
    assert statistics["rmse"] == pytest.approx(np.hypot(2.0, 0.3), rel=0.02)
    assert statistics["outlier_fraction"] == pytest.approx(2 * norm.sf(3), abs=0.0015)


def test_one_galaxy_has_no_standard_error():
    assert standard_error(np.array([4.0])) == 0.0
    assert standard_error(np.array([1.0, 3.0])) == pytest.approx(1.0)


def test_coverage_is_of_closed_intervals_and_forgives_rounding():
    true = np.array([0.0, 1.0, 1.0, 1.0])
    low, high = np.array([0.0, 0.0, 1.0 + 1e-8, 1.1]), np.array([0.0, 1.0 - 1e-8, 2.0, 2.0])
    assert coverage(true, low, high) == pytest.approx(0.75)


def test_ties_count_half_below():
    assert below(np.zeros(4), np.array([[0.0], [0.0], [1.0], [-1.0]])) == pytest.approx([0.5])


def test_pinball_by_hand():
    # 2 above the 10% quantile costs 0.1 x 2, 1 below the 90% quantile 0.1 x 1
    assert pinball(np.array([2.0]), np.array([[0.0, 3.0]]), (0.1, 0.9)) == pytest.approx(0.15)


def test_pinball_is_least_for_the_true_quantiles():
    truths, levels = np.random.default_rng(2).normal(size=20_000), (0.16, 0.5, 0.84)
    right = np.tile(norm.ppf(levels), (truths.size, 1))
    best = pinball(truths, right, levels)
    assert all(
        pinball(truths, right * factor + shift, levels) > best for factor, shift in ((0.7, 0), (1.4, 0), (1, 0.2))
    )


def test_quantiles_of_the_true_distribution_cover_what_they_claim():
    metrics = metrics_of(made_up_results(20_000, inputs=False), UNIFORM)
    for family, values in metrics["quantiles"].items():
        assert values["coverage_68"] == pytest.approx(0.68, abs=0.012), family
        assert values["coverage_90"] == pytest.approx(0.90, abs=0.012), family
        assert values["share_below"] == pytest.approx([0.05, 0.16, 0.5, 0.84, 0.95], abs=0.012), family
    assert len(metrics["quantiles"]["cumulative"]["coverage_68_per_bin"]) == 4  # the oldest is 1 for all
    assert metrics["quantiles"]["metallicity"]["coverage_90_per_bin"] == pytest.approx([0.9] * 5, abs=0.015)
    for sigma, values in zip(SIGMA, metrics["summaries"].values(), strict=True):
        assert values["scatter"] == pytest.approx(sigma, rel=0.04)
    assert metrics["metallicity_error"] == pytest.approx(SIGMA_DEX * np.sqrt(2 / np.pi), rel=0.02)


def test_intervals_that_are_too_narrow_cover_less():
    results = made_up_results(5000, inputs=False)
    steps = norm.ppf((0.05, 0.16, 0.5, 0.84, 0.95))
    results.summary_quantiles[:] = results.summaries[..., None] + 0.5 * SIGMA[:, None] * steps
    inside = metrics_of(results, UNIFORM)["quantiles"]["a_v_mag"]["coverage_68"]
    assert inside == pytest.approx(2 * norm.cdf(0.5 * norm.ppf(0.84)) - 1, abs=0.03)


def test_groups_have_equal_numbers_and_their_own_metrics():
    results = made_up_results(500, inputs=False)
    faint = results.truth.snr < np.median(results.truth.snr)
    results.mass_fraction[~faint] = results.truth.mass_fraction[~faint]
    groups = metrics_of(results, UNIFORM)["by_snr"]
    assert [group["n_galaxies"] for group in groups] == [100] * 5
    assert groups[0]["low"] == pytest.approx(results.truth.snr.min())
    assert groups[-1]["high"] == pytest.approx(results.truth.snr.max())
    assert groups[0]["cumulative_error"] > 0.1
    assert groups[-1]["cumulative_error"] == pytest.approx(0.0, abs=1e-12)


def test_equal_groups():
    groups = equal_groups(np.array([3.0, 1.0, np.nan, 2.0, 0.0]), n_group=2, smallest=1)
    assert [(g.low, g.high, g.median, g.rows.tolist()) for g in groups] == [
        (0.0, 1.0, 0.0, [1, 4]),
        (2.0, 3.0, 2.0, [0, 3]),
    ]


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        ([np.nan, np.nan], []),
        ([5.0] * 50, [50]),
        ([np.inf] * 50, [50]),
        ([1.0] * 30 + [2.0] * 30, [30, 30]),
        (list(range(25)), [12, 13]),
        ([1.0], [1]),
    ],
)
def test_equal_groups_of_few_or_like_values(values, sizes):
    assert [len(group.rows) for group in equal_groups(np.array(values))] == sizes


def test_metrics_are_json_and_each_has_a_convention():
    metrics = metrics_of(made_up_results(60, snr=np.full(60, np.inf)), UNIFORM)
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["by_snr"][0]["high"] is None
    names = {name.removesuffix("_per_bin") for name in metrics} | {"bias", "scatter", "rmse", "outlier_fraction"}
    names |= {name.removesuffix("_per_bin") for values in metrics["quantiles"].values() for name in values}
    names -= {"n_galaxies", "summaries", "quantiles", "by_snr", "by_a_v", "by_world", "metallicity_bias"}
    assert names <= set(CONVENTIONS)


@pytest.mark.parametrize("name", ["snr", "novelty"])
def test_arrays_of_different_length(name):
    with pytest.raises(InputError, match=f"'{name}': 19 rows for 20 galaxies"):
        made_up_results(20, **{name: np.ones(19)})


def test_no_galaxies():
    with pytest.raises(InputError, match="no galaxies"):
        made_up_results(5)[np.array([], dtype=int)]


def test_predictions_that_are_not_finite():
    summaries = made_up_results(20).summaries
    summaries[7] = np.nan
    with pytest.raises(InputError, match="summaries is not finite for 1 of 20 galaxies.*sample 7"):
        made_up_results(20, summaries=summaries)


def test_parts_are_joined_with_their_truth():
    results = made_up_results(7)
    again = Prediction.joined([results[:3], results[3:]])
    assert again.names == results.names
    np.testing.assert_array_equal(again.novelty, results.novelty)
    for name, values in results.truth.arrays().items():
        np.testing.assert_array_equal(again.truth.arrays()[name], values)
    np.testing.assert_array_equal(again[4:].truth.cumulative, results.truth.cumulative[4:])


def test_a_quantile_that_the_model_does_not_have():
    with pytest.raises(InputError, match=r"no quantile 0\.3: there are 0\.05, 0\.16"):
        made_up_results(5).level(0.3)


def test_observed_galaxies_cannot_be_evaluated():
    with pytest.raises(InputError, match="what these galaxies really are is not known"):
        metrics_of(replace(made_up_results(5), truth=None), UNIFORM)
