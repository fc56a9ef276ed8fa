"""Distributions: quantiles against scipy.stats, bounds, and every message."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from sfhsim.recipe.distributions import DISTRIBUTION_NAMES, Distribution, median_of

P = np.linspace(0.001, 0.999, 41)
PARSE = TypeAdapter(Distribution).validate_python

CASES = {
    "constant": ({"value": 3.0}, lambda p: np.full_like(p, 3.0)),
    "uniform": ({"min": 1, "max": 4}, stats.uniform(1, 3).ppf),
    "log_uniform": ({"min": 0.1, "max": 10}, stats.loguniform(0.1, 10).ppf),
    "normal": ({"mean": 1, "std": 2, "min": 0}, stats.truncnorm(-0.5, np.inf, 1, 2).ppf),
    "log10_normal": (
        {"mean": 1, "std": 2, "max": 3},
        lambda p: 10 ** stats.truncnorm(-np.inf, 1, 1, 2).ppf(p),
    ),
    "exponential": ({"scale": 2, "min": 1, "max": 5}, stats.truncexpon(2, 1, 2).ppf),
    "beta": ({"a": 2, "b": 3, "min": -1, "max": 1}, stats.beta(2, 3, -1, 2).ppf),
    "choice": ({"values": [3, 1], "weights": [1, 3]}, lambda p: np.where(p < 0.25, 3.0, 1.0)),
}


def test_every_distribution_is_tested():
    assert set(CASES) == set(DISTRIBUTION_NAMES)


@pytest.mark.parametrize("name", CASES)
def test_quantiles(name):
    arguments, expected = CASES[name]
    distribution = PARSE({"distribution": name, **arguments})
    got = distribution.quantile(P)
    np.testing.assert_allclose(got, expected(P), rtol=1e-9)
    low, high = distribution.bounds()
    assert low <= got.min()
    assert got.max() <= high


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("left_out", ["", "min", "max"])
def test_the_most_extreme_random_numbers_stay_within_the_bounds(name, left_out):
    arguments = {key: value for key, value in CASES[name][0].items() if key != left_out or "uniform" in name}
    distribution = PARSE({"distribution": name, **arguments})
    low, high = distribution.bounds()
    got = distribution.quantile(np.array([2.0**-54, 0.5, 1.0 - 2.0**-53, 1.0]))
    assert np.isfinite([low, high, *got]).all()
    assert low <= got.min()
    assert got.max() <= high


@pytest.mark.parametrize("limits", [{"min": 8.25}, {"max": -37.0}, {"min": 3.0, "max": 3.0001}])
def test_normals_cut_far_from_the_mean_are_finite(limits):
    distribution = PARSE({"distribution": "normal", "mean": 0, "std": 1, **limits})
    got = distribution.quantile(np.array([2.0**-54, 0.3, 1.0]))
    low, high = distribution.bounds()
    assert np.isfinite(got).all()
    assert low <= got.min() <= got.max() <= high


def test_a_number_is_a_constant():
    assert PARSE(2).is_constant
    assert PARSE(2).bounds() == (2.0, 2.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"distribution": "uniform", "min": 3, "max": 1}, "min 3 is greater than max 1: swap them"),
        ({"distribution": "normal", "mean": 0, "std": 1, "min": 3, "max": 1}, "min 3 is greater than max 1"),
        ({"distribution": "exponential", "scale": 1, "min": 3, "max": 1}, "min 3 is greater than max 1"),
        ({"distribution": "log_uniform", "min": 0, "max": 1}, "must be positive"),
        ({"distribution": "normal", "mean": 0, "std": 1, "min": 60}, "nothing can be drawn"),
        ({"distribution": "normal", "mean": 0, "std": -1}, "greater than or equal to 0.0"),
        ({"distribution": "choice", "values": [1, 2], "weights": [1]}, "1 weights for 2 values"),
        ({"distribution": "choice", "values": [1, 2], "weights": [0, 0]}, "must not all be zero"),
        ({"distribution": "uniform", "min": 0, "max": float("inf")}, "finite"),
        ({"distribution": "gaussian"}, "gaussian"),
        ({"min": 0, "max": 1}, "a distribution needs its name"),
        ({"distribution": "uniform", "min": 0, "max": 1, "mean": 3}, "mean"),
        (True, "not true/false"),
        ("1-3", "expected a number or a distribution"),
    ],
)
def test_what_cannot_be_drawn_is_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        PARSE(content)


def test_the_medians_of_a_document_take_the_place_of_its_distributions():
    content = {
        "a": {"distribution": "log_uniform", "min": 0.1, "max": 10},
        "b": [{"c": {"distribution": "choice", "values": [1, 2, 7]}, "d": "text"}],
        "e": 3.0,
    }
    assert median_of(content) == {"a": pytest.approx(1.0), "b": [{"c": 2.0, "d": "text"}], "e": 3.0}
    assert content["a"]["max"] == 10
