"""Metallicity histories, their means in coarse bins, and weights between library metallicities."""

import numpy as np
import pytest

from sfhsim.errors import LibraryError, RecipeError
from sfhsim.histories import (
    METALLICITIES,
    Tabulated,
    bin_metallicity,
    get_metallicity,
    mass_weighted_metallicity,
    metallicity_weights,
)

AGES = np.array([1e8, 1e9, 5e9, 1.2e10])
BEFORE = np.array([[1.0, 0.9, 0.4, 0.0], [0.7, 0.5, 0.1, 0.05]])
LIBRARY = np.array([0.0004, 0.004, 0.02, 0.05])


def test_closed_box_starts_ends_and_follows_its_formula():
    params = {"z_start": 0.001, "z_final": [0.02, 0.03], "yield": 0.03}
    got = get_metallicity("closed_box").evaluate(params, BEFORE, AGES)
    assert got[0, [0, -1]] == pytest.approx([0.02, 0.001], rel=1e-14)
    used = 1.0 - np.exp(-(0.03 - 0.001) / 0.03)
    assert got[1] == pytest.approx(0.001 - 0.03 * np.log(1.0 - BEFORE[1] * used), rel=1e-13)


def test_linear_constant_and_tabulated():
    linear = get_metallicity("linear_mass").evaluate({"z_start": 0.001, "z_final": 0.021}, BEFORE, AGES)
    assert linear == pytest.approx(0.001 + 0.02 * BEFORE, rel=1e-14)
    assert (get_metallicity("constant").evaluate({"z_final": [0.01, 0.02]}, BEFORE, AGES)[1] == 0.02).all()
    table = {"age_yr": [0.0, 1e9, 1.38e10], "z": [[0.02, 0.01, 0.001], [0.03, 0.01, 0.001]]}
    got = get_metallicity("tabulated").evaluate(table, BEFORE, AGES)
    assert got[1] == pytest.approx(np.interp(AGES, table["age_yr"], table["z"][1]), rel=1e-14)


def test_bins_take_the_mass_midpoint():
    edges = np.array([0.0, 1e9, 4e9, 1.38e10])
    cumulative = Tabulated().cumulative_mass({"age_yr": [0.0, 1.38e10], "sfr": [1.0, 1.0]}, edges, 1.38e10)
    got = bin_metallicity(get_metallicity("linear_mass"), {"z_start": 0.0, "z_final": 0.0138}, cumulative, edges)
    assert got[0] == pytest.approx([0.0133, 0.0113, 0.0049], rel=1e-13)
    table = {"age_yr": edges, "z": [0.04, 0.03, 0.02, 0.01]}
    middle = bin_metallicity(get_metallicity("tabulated"), table, cumulative, edges)
    assert middle[0] == pytest.approx([0.035, 0.025, 0.015], rel=1e-13)


def test_mass_weighted_metallicity_of_coarse_bins():
    edges = np.array([0.0, 1e8, 1e9, 3e9, 5e9, 1e10, 1.38e10, 1.5e10])
    cumulative = np.array([[0.0, 0.1, 0.3, 0.3, 0.3, 0.9, 1.0, 1.0]])
    metallicity = np.array([[0.05, 0.04, 0.03, 0.025, 0.02, 0.01, 0.001]])
    mass, weighted = mass_weighted_metallicity(cumulative, metallicity, edges, [0.0, 1e9, 5e9, 1.38e10])
    assert mass[0] == pytest.approx([0.3, 0.0, 0.7], abs=1e-15)
    # the middle bin forms nothing: Z of the fine bin that holds its middle, 3 Gyr
    assert weighted[0] == pytest.approx([(0.05 * 0.1 + 0.04 * 0.2) / 0.3, 0.025, (0.02 * 0.6 + 0.001) / 0.7])
    with pytest.raises(RecipeError, match=r"label edge 2e\+09 yr is not among the age edges"):
        mass_weighted_metallicity(cumulative, metallicity, edges, [0.0, 2e9])
    with pytest.raises(RecipeError, match="label edges must be two or more increasing ages"):
        mass_weighted_metallicity(cumulative, metallicity, edges, [1e9, 0.0])


def test_weights_are_linear_in_log_z_and_clipped():
    z = np.array([[0.0004, 0.004, np.sqrt(0.004 * 0.02), 0.05], [0.0, 0.0003, 0.06, 0.03]])
    lower, fraction, clipped = metallicity_weights(z, LIBRARY)
    log_z = (1.0 - fraction) * np.log10(LIBRARY[lower]) + fraction * np.log10(LIBRARY[lower + 1])
    assert log_z == pytest.approx(np.log10(np.clip(z, LIBRARY[0], LIBRARY[-1])), abs=1e-12)
    assert fraction[0, 2] == pytest.approx(0.5, abs=1e-12)
    assert clipped.tolist() == [0, 3]
    assert (fraction >= 0.0).all()
    assert (fraction <= 1.0).all()


def test_weights_of_a_library_with_one_metallicity():
    lower, fraction, clipped = metallicity_weights(np.array([[0.02, 0.01]]), [0.02])
    assert (lower.tolist(), fraction.tolist(), clipped.tolist()) == ([[0, 0]], [[0.0, 0.0]], [1])


@pytest.mark.parametrize("name", METALLICITIES.names())
def test_batch_equals_singles_and_inputs_are_not_modified(name):
    params = {
        "closed_box": {"z_start": np.array([0.001, 0.002]), "z_final": np.array([0.02, 0.03])},
        "linear_mass": {"z_start": np.array([0.001, 0.002]), "z_final": np.array([0.02, 0.03])},
        "constant": {"z_final": np.array([0.02, 0.03])},
        "tabulated": {"age_yr": np.array([0.0, 1e10]), "z": np.array([[0.01, 0.002], [0.02, 0.01]])},
    }[name]
    before = BEFORE.copy()
    for array in (before, *params.values()):
        array.setflags(write=False)
    together = get_metallicity(name).evaluate(params, before, AGES)
    lower, fraction, _ = metallicity_weights(together, LIBRARY)
    for i in range(2):
        single = {k: v if k == "age_yr" else v[i : i + 1] for k, v in params.items()}
        alone = get_metallicity(name).evaluate(single, before[i : i + 1], AGES)
        assert np.array_equal(alone[0], together[i])
        weights = metallicity_weights(alone, LIBRARY)
        assert np.array_equal(weights[0][0], lower[i])
        assert np.array_equal(weights[1][0], fraction[i])


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        (
            "closed_box",
            {"z_start": 0.03, "z_final": 0.02},
            "z_final = 0.02 of galaxy 0 is below z_start = 0.03",
        ),
        ("linear_mass", {"z_start": 0.01, "z_final": [0.02, 0.001]}, "z_final = 0.001 of galaxy 1 is below"),
        ("closed_box", {"yield": 0.0}, "closed_box: yield = 0 of galaxy 0"),
        ("constant", {"z_final": -0.4}, r"z_final = -0.4 of galaxy 0 .* \(not \[M/H\], not Z/Zsun\)"),
        ("tabulated", {"age_yr": [0.0, 1e9], "z": [0.1]}, "2 ages but 1 values of z"),
        ("tabulated", {"age_yr": [1e9, 0.0], "z": [0.1, 0.1]}, r"age_yr\[1\] of galaxy 0 is not above"),
        ("tabulated", {"age_yr": [0.0, 13.0], "z": [0.1, 0.1]}, "ends at 13: that is not yr"),
    ],
)
def test_what_cannot_be_is_refused(name, params, message):
    with pytest.raises(RecipeError, match=message):
        get_metallicity(name).evaluate(params, BEFORE, AGES)


def test_bad_weights_are_refused():
    with pytest.raises(LibraryError, match="library metallicities must increase from above 0"):
        metallicity_weights(BEFORE * 0.01, [0.02, 0.01])
    with pytest.raises(RecipeError, match=r"metallicity\[1, 0\] = nan"):
        metallicity_weights(np.array([[0.01], [np.nan]]), LIBRARY)
    with pytest.raises(RecipeError, match="no metallicity history is called 'box'"):
        get_metallicity("box")
