"""Which lines move together, by their names and by their wavelengths alone."""

import numpy as np
import pytest

from sfhsim.nebular import load_cloudy
from sfhsim.nebular.scatter import TOGETHER, line_factors, line_groups


@pytest.fixture(scope="module")
def cloudy():
    return load_cloudy()


def together(groups):
    return groups.index[:, None] == groups.index


def is_hydrogen(groups):
    return groups.index >= groups.first_hydrogen


def test_wavelengths_tell_what_names_do(cloudy):
    by_name = line_groups(cloudy.line_names, cloudy.line_wave_aa)
    by_wavelength = line_groups(None, cloudy.line_wave_aa)
    np.testing.assert_array_equal(is_hydrogen(by_wavelength), is_hydrogen(by_name))
    other = (together(by_name) != together(by_wavelength)).any(axis=1)
    # [Ar IV] 7332 lies where [O II] has its blend
    assert set(np.round(cloudy.line_wave_aa[other])) == {2471.0, 7323.0, 7332.0}


def test_hydrogen_is_all_lines_of_its_name_each_on_its_own(cloudy):
    groups = line_groups(cloudy.line_names, cloudy.line_wave_aa)
    named = np.char.startswith(cloudy.line_names.astype(str), "H I ")
    np.testing.assert_array_equal(is_hydrogen(groups), named)
    assert len(set(groups.index[named])) == named.sum()


def test_every_group_has_its_lines_in_the_tables(cloudy):
    groups = line_groups(cloudy.line_names, cloudy.line_wave_aa)
    for ion, lines in TOGETHER:
        near = np.abs(cloudy.line_wave_aa[:, None] - np.array(lines)).min(axis=1) < 2.0
        named = np.char.startswith(cloudy.line_names.astype(str), (f"{ion} "))
        blends = np.char.startswith(cloudy.line_names.astype(str), "Blend")
        found = groups.index[near & (named | blends)]
        assert found.size >= 2, ion
        assert len(set(found)) == 1, ion


def test_factors_are_those_of_the_equation():
    groups = line_groups(np.array(["O III 4958.91A", "H I 4861.32A", "O III 5006.84A"]), [4958.91, 4861.32, 5006.84])
    deviates = np.array([[1.0, -2.0]])
    factors = line_factors(groups, deviates, 0.1, np.array([0.02]), 0.3)
    np.testing.assert_allclose(factors, 10 ** np.array([[0.4, 0.26, 0.4]]), rtol=1e-14)
    np.testing.assert_array_equal(line_factors(groups, deviates), 1.0)
    np.testing.assert_allclose(line_factors(groups[[1]], deviates, 0.1, 0.02, 0.3), factors[:, [1]])
