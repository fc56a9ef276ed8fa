"""ProSpect's discretisations against ProSpect 1.11.0 itself, and against their definitions."""

import json
from pathlib import Path

import numpy as np
import pytest

from sfhsim.cosmology import FlatLCDM
from sfhsim.histories import get_history, get_metallicity
from sfhsim.histories.prospect import (
    prospect_fraction_before,
    prospect_history,
    prospect_masses,
    prospect_mean_sfr,
)
from sfhsim.libraries.ssp_library import age_bin_edges_yr

# The ages of the two libraries of the reference cases: no library need be installed here.
EMILES_AGES_GYR = (
    "0.0631 0.0794 0.1 0.1259 0.1585 0.1995 0.2512 0.3162 0.3981 0.5012 0.631 0.7943 1 1.2589 1.5849 1.9953 "
    "2.5119 3.1623 3.9811 5.0119 6.3096 7.9433 10 12.5893 15.8489"
)
BC03_AGES = Path(__file__).with_name("bc03_ages_yr.txt")
METALLICITY = {"box": "closed_box", "lin": "linear_mass", "const": "constant"}


def history_parameters(case):
    if case["sfh"] == "tabulated":
        return "tabulated", {"age_yr": case["sfh_age"], "sfr": case["sfh_sfr"]}
    params = {
        "peak_gyr": case["mpeak"],
        "period_gyr": case["mperiod"],
        "skewness": case["mskew"],
        "burst_sfr": case["mburst"] / case["mSFR"],
        "burst_age_gyr": case["mburstage"],
    }
    if case["sfh"].endswith("trunc"):
        params["truncation"] = case["mtrunc"]
    return "skewed_normal", params


def relative(got, expected):
    return np.abs(got - expected).max() if not expected.any() else np.abs(got / expected - 1.0).max()


@pytest.fixture(scope="module")
def reference(reference_data):
    with np.load(reference_data / "prospect_reference" / "fine_lines.npz") as file:
        return json.loads(str(file["cases_json"])), {k: file[k] for k in file.files if k != "cases_json"}


@pytest.fixture(scope="module")
def library_ages():
    bc03 = [word for line in BC03_AGES.read_text().splitlines() if line[0] != "#" for word in line.split()]
    return {
        "emiles": np.array([float(age) for age in EMILES_AGES_GYR.split()]) * 1e9,
        "bc03": np.array(bc03, dtype=np.float64),
    }


@pytest.mark.reference_data
def test_masses_and_metallicities_of_every_reference_case(reference, library_ages):
    cases, arrays = reference
    assert len(cases) == 48
    worst = {"mass": 0.0, "sfr": 0.0, "metallicity": 0.0}
    for case in cases:
        mass = arrays[case["id"] + "/mass_formed"]
        age_yr = library_ages[case["library"]]
        width_yr = np.diff(age_bin_edges_yr(age_yr))
        age_max_yr = FlatLCDM().age_max_yr(case["z"])
        history = prospect_history(*history_parameters(case))
        got = case["forcemass"] * prospect_masses(history, age_yr, width_yr, age_max_yr)[0]
        n = mass.size
        assert (got[n:] == 0.0).all()
        assert np.array_equal(got[:n] > 0.0, mass > 0.0)
        formed = mass > 1e-290  # subnormal numbers have lost their digits
        worst["mass"] = max(worst["mass"], relative(got[:n][formed], mass[formed]))
        sfr = arrays[case["id"] + "/sfr"]
        worst["sfr"] = max(worst["sfr"], relative((got / width_yr)[:n][formed], sfr[formed]))
        model = METALLICITY[case["zh"]]
        chosen = {"z_final": case["Zfinal"]}
        if model != "constant":
            chosen["z_start"] = case["Zstart"]
        if model == "closed_box":
            chosen["yield"] = case["yield"]
        z = get_metallicity(model).evaluate(chosen, prospect_fraction_before(history, age_yr), age_yr)[0]
        worst["metallicity"] = max(worst["metallicity"], relative(z[:n], arrays[case["id"] + "/metallicity_history"]))
    assert worst["mass"] < 1e-11, worst
    assert worst["sfr"] < 1e-11, worst
    assert worst["metallicity"] < 1e-11, worst


AGE_YR = np.array([2e4, 1e5, 3e6, 5e7, 1e9, 4e9, 1.1e10, 1.36e10, 1.38e10])
WIDTH_YR = np.diff(age_bin_edges_yr(AGE_YR))


def test_mass_is_sfr_times_width_up_to_the_age_of_the_universe():
    params = {
        "peak_gyr": [9.0, 1.0],
        "period_gyr": 1.5,
        "skewness": 0.4,
        "burst_sfr": 0.5,
        "burst_age_gyr": 0.01,
    }
    history = prospect_history("skewed_normal", params, 13.8e9)
    mass = prospect_masses(history, AGE_YR, WIDTH_YR, [13.7e9, 1.2e10])
    assert mass.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-14)
    assert (mass[:, -1] == 0.0).all()
    assert mass[1, -2] == 0.0
    assert mass[0, -2] > 0.0
    # an age of 2e4 yr counts as 1e5
    assert mass[:, 0] / WIDTH_YR[0] == pytest.approx(mass[:, 1] / WIDTH_YR[1], rel=1e-14)
    mean = prospect_mean_sfr(history, mass, AGE_YR, WIDTH_YR, 1.0e7)
    assert mean == pytest.approx(mass[:, 2] / WIDTH_YR[2], rel=1e-2)


def test_fraction_before_approaches_the_exact_one():
    params = {"peak_gyr": [9.0, 5.0], "period_gyr": 2.0, "skewness": 0.1}
    history = prospect_history("skewed_normal", params, 13.8e9)
    exact = 1.0 - get_history("skewed_normal").cumulative_mass(params, AGE_YR, 13.8e9)
    got = prospect_fraction_before(history, AGE_YR)
    assert np.abs(got - exact).max() < 0.02  # a left Riemann sum of 100 Myr
    assert got.min() >= 0.0
    assert got.max() <= 1.0


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("dense_basis", {"interval_fractions": [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]}),
        ("skewed_normal", {"burst_mass_fraction": [0.1, 0.2]}),
    ],
)
def test_families_without_a_prospect_form_take_their_exact_sfr(name, params):
    history = prospect_history(name, params, 13.8e9)
    assert history.n == 2
    assert np.array_equal(history.sfr_at(AGE_YR), get_history(name).sfr(params, AGE_YR, 13.8e9))
    assert history.integral(1, 0.0, 13.8e9) == pytest.approx(1.0, abs=1e-12)
