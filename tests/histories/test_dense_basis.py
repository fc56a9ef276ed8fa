"""Dense basis histories: exact quantiles, the Dirichlet's moments, and scipy's monotone cubic."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.stats import beta, kstest

from sfhsim.errors import RecipeError
from sfhsim.histories import DenseBasis, dirichlet_from_uniform

FAMILY = DenseBasis()
AGE_MAX = 13.7e9


def draw(n, k, alpha=1.0, seed=3):
    return dirichlet_from_uniform(np.random.default_rng(seed).random((n, k)), alpha)


@pytest.mark.parametrize("n_interval", [2, 4, 11])
def test_quantiles_are_met_exactly(n_interval):
    fractions = draw(50, n_interval)
    for row in fractions:
        times = AGE_MAX * (1.0 - np.cumsum(row)[:-1])  # lookback time at which k/(N+1) had formed
        got = FAMILY.cumulative_mass({"interval_fractions": row}, times[::-1], AGE_MAX)[0]
        expected = 1.0 - np.arange(1, n_interval)[::-1] / n_interval
        assert np.abs(got - expected).max() < 1e-12


@pytest.mark.parametrize("n_interval", [1, 2, 3, 8])
def test_agrees_with_scipy_where_the_recent_sfr_is_free(n_interval):
    ages = np.linspace(0.0, AGE_MAX, 301)
    fractions = draw(20, n_interval, seed=8)
    got = FAMILY.cumulative_mass({"interval_fractions": fractions}, ages, AGE_MAX)
    rate = FAMILY.sfr({"interval_fractions": fractions}, ages, AGE_MAX)
    for row, mass, sfr in zip(fractions, got, rate, strict=True):
        knots = np.concatenate([[0.0], np.cumsum(row[::-1])])
        knots[-1] = 1.0
        truth = PchipInterpolator(knots, np.linspace(0.0, 1.0, n_interval + 1))
        assert np.abs(mass - truth(ages / AGE_MAX)).max() < 1e-12
        expected = truth.derivative()(ages / AGE_MAX) / AGE_MAX
        assert sfr == pytest.approx(expected, rel=1e-9, abs=1e-9 * expected.max())


def test_recent_sfr_is_the_end_slope_up_to_the_monotone_limit():
    fractions = draw(200, 4, seed=5)
    wanted = np.random.default_rng(6).uniform(-12.0, -9.0, 200)
    params = {"interval_fractions": fractions, "log10_ssfr_yr": wanted}
    limit = 3.0 * 0.25 / (fractions[:, -1] * AGE_MAX)
    clipped = FAMILY.ssfr_clipped(params, AGE_MAX)
    assert 0 < clipped.sum() < 200
    assert np.array_equal(clipped, 10.0**wanted > limit)
    sfr = FAMILY.sfr(params, [0.0], AGE_MAX)[:, 0]
    assert sfr == pytest.approx(np.minimum(10.0**wanted, limit), rel=1e-12)
    mass = FAMILY.cumulative_mass(params, np.linspace(0.0, AGE_MAX, 2000), AGE_MAX)
    assert np.diff(mass, axis=1).min() > -1e-15
    assert np.abs(mass[:, -1] - 1.0).max() < 1e-10


@pytest.mark.parametrize("alpha", [0.3, 1.0, 5.0])
def test_drawn_histories_have_the_moments_of_the_dirichlet(alpha):
    n, k = 20_000, 4
    fractions = draw(n, k, alpha)
    assert fractions.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-14)
    variance = (k - 1) / (k * k * (k * alpha + 1.0))
    assert fractions.mean(axis=0) == pytest.approx(np.full(k, 1.0 / k), abs=4.0 * np.sqrt(variance / n))
    assert fractions.var(axis=0) == pytest.approx(np.full(k, variance), rel=0.06)
    # one interval of a symmetric Dirichlet follows a beta distribution
    assert kstest(fractions[:, 0], beta(alpha, (k - 1) * alpha).cdf).pvalue > 1e-3
    # and the histories meet those quantiles: the time by which half the mass had formed
    half = AGE_MAX * (1.0 - fractions[:, :2].sum(axis=1))
    some = slice(0, 200)
    masses = [
        FAMILY.cumulative_mass({"interval_fractions": f}, [t], AGE_MAX)[0, 0]
        for f, t in zip(fractions[some], half[some], strict=True)
    ]
    assert np.abs(np.array(masses) - 0.5).max() < 1e-12


def test_small_alpha_and_zeros_do_not_underflow():
    fractions = dirichlet_from_uniform(np.array([[0.0, 0.0, 0.0], [0.5, 1e-10, 0.2]]), 0.002)
    assert np.isfinite(fractions).all()
    assert fractions.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-14)


def test_degenerate_intervals_are_merged():
    params = {"interval_fractions": np.array([[0.0, 0.5, 1e-14, 0.5], [0.3, 0.7, 0.0, 0.0]])}
    ages = np.linspace(0.0, AGE_MAX, 50)
    mass = FAMILY.cumulative_mass(params, ages, AGE_MAX)
    assert np.isfinite(mass).all()
    assert np.diff(mass, axis=1).min() > -1e-15
    assert np.array_equal(mass[:, [0, -1]], [[0.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "dense_basis: interval_fractions must be given: fractions of cosmic time"),
        ({"interval_fractions": [0.2, 0.2]}, "galaxy 0 add up to 0.4, not 1; they are lengths of intervals"),
        ({"interval_fractions": [-0.2, 1.0, 0.2]}, "interval_fractions = -0.2 of galaxy 0 is outside"),
        ({"interval_fractions": 0.2}, r"interval_fractions has shape \(\); expected \(k,\) or \(1, k\)"),
        ({"interval_fractions": [0.5, 0.5], "log10_ssfr_yr": 3.0}, "log10_ssfr_yr = 3 dex"),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(RecipeError, match=message):
        FAMILY.cumulative_mass(params, [0.0, 1e9], AGE_MAX)


def test_bad_dirichlet_draws_are_refused():
    with pytest.raises(RecipeError, match=r"alpha = 0\.0: it must be above 0"):
        dirichlet_from_uniform(np.full((2, 3), 0.5), 0.0)
    with pytest.raises(RecipeError, match=r"must be \(n, k\) in \[0, 1\); got shape \(3,\)"):
        dirichlet_from_uniform(np.full(3, 0.5), 1.0)
    with pytest.raises(RecipeError, match=r"in \[0, 1\)"):
        dirichlet_from_uniform(np.full((2, 3), 1.0), 1.0)
