"""Skewed normal histories against adaptive quadrature of the formula, and against closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from sfhsim.errors import RecipeError
from sfhsim.histories import SkewedNormal

FAMILY = SkewedNormal()
GYR = 1.0e9
EDGES_YR = np.array([0, 1e5, 1e7, 1.3e8, 1e9, 2.5e9, 4.1e9, 7.77e9, 9.9e9, 1.2e10, 1.37e10, 1.38e10, 1.5e10])


def smooth(t_gyr, peak, period, skewness, truncation):
    x = (t_gyr - peak) / period
    y = x * np.exp(skewness * np.arcsinh(x))
    span = abs(13.8 - peak)
    cut = 1.0
    if truncation > 0.0:
        cut = ndtr((peak + span / truncation - t_gyr) / (span / (2.0 * truncation)))
    return np.exp(-0.5 * y * y) * cut


def integral(low, high, *args):
    """Adaptive quadrature in pieces small enough for the narrowest feature."""
    nodes = np.linspace(low, high, max(2, int((high - low) / 0.05)))
    return sum(quad(smooth, a, b, args=args, epsabs=1e-14, epsrel=1e-11)[0] for a, b in pairwise(nodes))


@pytest.mark.parametrize("truncation", [0.0, 2.0, 30.0])
@pytest.mark.parametrize("skewness", [-0.5, 0.0, 1.5])
@pytest.mark.parametrize(("peak", "period"), [(10.0, 1.0), (1.0, 0.1), (13.6, 0.4), (12.0, 3.0), (0.0, 6.0)])
def test_cumulative_is_the_integral_of_the_formula(peak, period, skewness, truncation):
    age_max = 13.7
    got = FAMILY.cumulative_mass(
        {"peak_gyr": peak, "period_gyr": period, "skewness": skewness, "truncation": truncation},
        EDGES_YR,
        age_max * GYR,
    )[0]
    pieces = [
        integral(a, b, peak, period, skewness, truncation)
        for a, b in zip(EDGES_YR[:-3] / GYR, [*(EDGES_YR[1:-3] / GYR), age_max], strict=True)
    ]
    expected = np.concatenate([[0.0], np.cumsum(pieces) / np.sum(pieces), [1.0, 1.0]])
    assert np.abs(got - expected).max() < 1e-9


def test_unskewed_is_the_normal_distribution():
    edges = np.linspace(0.0, 13.8e9, 777)
    got = FAMILY.cumulative_mass({"peak_gyr": 6.9, "period_gyr": 0.3, "skewness": 0.0}, edges, 13.8e9)[0]
    assert np.abs(got - ndtr((edges / GYR - 6.9) / 0.3)).max() < 1e-9


def test_a_peak_far_beyond_the_age_of_the_universe_leaves_its_tail():
    """20 sigma out, f = exp(-x^2/2) falls as exp(-20 dx): the mass piles up at age_max."""
    age_max, peak, period = 8.0, 12.0, 0.2
    edges = (age_max - np.array([0.2, 0.1, 0.05, 0.02, 0.01])) * GYR
    got = FAMILY.cumulative_mass({"peak_gyr": peak, "period_gyr": period, "skewness": 0.0}, edges, age_max * GYR)[0]
    reference = smooth(age_max, peak, period, 0.0, 0.0)

    def relative(t):
        return smooth(t, peak, period, 0.0, 0.0) / reference

    whole = quad(relative, age_max - 0.4, age_max, epsrel=1e-12)[0]
    expected = [quad(relative, age_max - 0.4, t / GYR, epsrel=1e-12)[0] / whole for t in edges]
    assert np.abs(got - expected).max() < 2e-9
    sfr = FAMILY.sfr({"peak_gyr": peak, "period_gyr": period, "skewness": 0.0}, [age_max * GYR], age_max * GYR)
    assert sfr[0, 0] == pytest.approx(1.0 / (whole * GYR), rel=1e-8)


def test_a_truncation_as_sharp_as_a_step():
    edges = np.array([5e9, 13.8e9 - 1e6, 13.8e9 - 1e5])
    params = {"peak_gyr": 13.8, "period_gyr": 2.0, "skewness": 0.0, "truncation": 2.0}
    expected = (ndtr((edges / GYR - 13.8) / 2.0) - ndtr(-6.9)) / (0.5 - ndtr(-6.9))
    assert np.abs(FAMILY.cumulative_mass(params, edges, 13.8e9)[0] - expected).max() < 1e-9


def test_burst_adds_its_mass_exactly():
    base = {"peak_gyr": 10.0, "period_gyr": 1.0, "skewness": 0.3}
    edges = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 5.0, 13.8]) * GYR
    smooth_only = FAMILY.cumulative_mass(base, edges, 13.8e9)[0]
    whole = integral(0.0, 13.8, 10.0, 1.0, 0.3, 0.0)
    params = {"burst_sfr": 3.0, "burst_age_gyr": 0.2, "burst_duration_gyr": 0.1}
    got = FAMILY.cumulative_mass(base | params, edges, 13.8e9)[0]
    burst = 3.0 * np.array([0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.1])
    assert got == pytest.approx((smooth_only * whole + burst) / (whole + 0.3), abs=1e-9)
    until_today = FAMILY.cumulative_mass(base | {"burst_sfr": 3.0, "burst_age_gyr": 0.2}, edges, 13.8e9)[0]
    assert until_today[2] == pytest.approx((smooth_only[2] * whole + 0.3) / (whole + 0.6), abs=1e-9)


def test_the_truncation_dims_the_burst_too():
    base = {"peak_gyr": 0.5, "period_gyr": 2.0, "skewness": 0.0, "truncation": 2.0}
    span = 13.3
    edges = np.array([0.3, 0.7, 1.0, 13.8]) * GYR
    got = FAMILY.cumulative_mass(
        base | {"burst_sfr": 40.0, "burst_age_gyr": 1.0, "burst_duration_gyr": 0.7}, edges, 13.8e9
    )[0]

    def truncation(t):
        return ndtr((0.5 + span / 2.0 - t) / (span / 4.0))

    burst = np.array([quad(truncation, 0.3, t, epsrel=1e-12)[0] for t in (0.3, 0.7, 1.0, 1.0)]) * 40.0
    smooth_part = np.cumsum([integral(a, b, 0.5, 2.0, 0.0, 2.0) for a, b in pairwise([0.0, 0.3, 0.7, 1.0, 13.8])])
    assert got == pytest.approx((burst + smooth_part) / (burst[-1] + smooth_part[-1]), abs=1e-9)


def test_burst_given_by_its_share_of_the_mass():
    params = {"burst_mass_fraction": 0.25, "burst_age_gyr": 0.1, "peak_gyr": 12.0, "period_gyr": 0.2}
    edges = np.array([0.05, 0.1, 13.8]) * GYR
    got = FAMILY.cumulative_mass(params | {"skewness": 0.0}, edges, 13.8e9)[0]
    assert got == pytest.approx([0.125, 0.25, 1.0], abs=1e-12)
    assert FAMILY.sfr(params | {"skewness": 0.0}, [5e7, 2e8], 13.8e9)[0] == pytest.approx([2.5e-9, 0.0], rel=1e-9)


def test_sfr_is_the_formula_over_the_total():
    params = {"peak_gyr": 9.0, "period_gyr": 1.5, "skewness": 0.7, "truncation": 2.0}
    ages = np.array([1e8, 3e9, 9e9, 1.2e10])
    whole = integral(0.0, 13.8, 9.0, 1.5, 0.7, 2.0)
    expected = smooth(ages / GYR, 9.0, 1.5, 0.7, 2.0) / whole / GYR
    assert FAMILY.sfr(params, ages, 13.8e9)[0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"period_gyr": 0.0}, r"skewed_normal: period_gyr = 0 Gyr of galaxy 0 is outside \[0.001, 1000\]"),
        ({"peak_gyr": [10.0, np.nan]}, "peak_gyr = nan Gyr of galaxy 1"),
        ({"peak": 3.0}, r"no parameter 'peak' \(did you mean 'peak_gyr'\?\); it takes"),
        ({"burst_sfr": 1.0, "burst_mass_fraction": 0.1}, "galaxy 0 has burst_sfr and burst_mass_fraction"),
        ({"burst_mass_fraction": 0.1, "burst_age_gyr": 0.0}, "its burst lasts no time"),
        ({"peak_gyr": [1.0, 2.0], "skewness": [0.0, 0.1, 0.2]}, r"different lengths: \[2, 3\]"),
        ({"peak_gyr": [[1.0, 2.0]]}, r"peak_gyr has shape \(1, 2\); expected a number or \(1,\)"),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(RecipeError, match=message):
        FAMILY.cumulative_mass(params, EDGES_YR, 13.8e9)
