"""Tabulated histories: exact areas of a piecewise linear function."""

import numpy as np
import pytest

from sfhsim.errors import RecipeError
from sfhsim.histories import Tabulated

FAMILY = Tabulated()
AGE = np.array([1e8, 2e9, 5e9, 1.38e10])
SFR = np.array([2.0, 0.0, 4.0, 1.0])


def exact(t):
    """Area below ``t`` by trapezoids on the union of the table and ``t``; constant below the first age."""
    nodes = np.union1d(np.concatenate([[0.0, t], AGE]), [])
    nodes = nodes[nodes <= min(t, AGE[-1])]
    return np.trapezoid(np.interp(nodes, AGE, SFR), nodes)


@pytest.mark.parametrize("age_max", [1.38e10, 7.3e9, 2.0e10])
def test_masses_are_exact(age_max):
    edges = np.array([0.0, 1e5, 1e8, 1.3e8, 2e9, 4.4e9, 5e9, 7.3e9, 1.1e10, 1.38e10, 1.9e10, 2.5e10])
    got = FAMILY.cumulative_mass({"age_yr": AGE, "sfr": SFR}, edges, age_max)[0]
    expected = np.array([exact(min(t, age_max)) for t in edges]) / exact(age_max)
    assert got == pytest.approx(expected, rel=1e-13)


def test_sfr_is_the_table_over_its_area():
    ages = np.array([0.0, 1e8, 1e9, 5e9, 1e10, 1.39e10])
    got = FAMILY.sfr({"age_yr": AGE, "sfr": SFR}, ages, 1.45e10)[0]
    expected = np.where(ages <= AGE[-1], np.interp(ages, AGE, SFR), 0.0) / exact(1.45e10)
    assert got == pytest.approx(expected, rel=1e-13)


def test_one_table_a_galaxy_and_mixed_sharing():
    sfr = np.array([SFR, SFR[::-1], np.ones(4)])
    edges = np.array([0.0, 1e9, 3e9, 1.3e10])
    together = FAMILY.cumulative_mass({"age_yr": AGE, "sfr": sfr}, edges, [1.38e10, 1.3e10, 1.2e10])
    for i, age_max in enumerate([1.38e10, 1.3e10, 1.2e10]):
        alone = FAMILY.cumulative_mass({"age_yr": AGE[None], "sfr": sfr[i]}, edges, age_max)
        assert np.array_equal(alone[0], together[i])
    many_ages = np.array([AGE, AGE * 0.9])
    assert FAMILY.cumulative_mass({"age_yr": many_ages, "sfr": SFR}, edges, 1.38e10).shape == (2, 4)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"age_yr": AGE}, "tabulated: sfr must be given"),
        ({"age_yr": AGE, "sfr": -SFR}, "sfr = -2 any of galaxy 0 is outside"),
        ({"age_yr": AGE / 1e9, "sfr": SFR}, r"tabulated: age_yr ends at 13\.8: that is not yr"),
        ({"age_yr": AGE[::-1], "sfr": SFR}, r"age_yr\[1\] = 5e\+09 of galaxy 0 is not above age_yr\[0\]"),
        ({"age_yr": AGE, "sfr": SFR[:3]}, "4 ages but 3 rates"),
        ({"age_yr": AGE, "sfr": np.array([0.0, 0.0, 0.0, 1.0])}, "forms no mass below age_max_yr = 4e"),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(RecipeError, match=message):
        FAMILY.cumulative_mass(params, [0.0, 1e9], 4e9)
