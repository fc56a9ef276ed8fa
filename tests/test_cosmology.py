"""Distances and ages against astropy and closed forms."""

import numpy as np
import pytest

from sfhsim.constants import PC_CM
from sfhsim.cosmology import FlatLCDM
from sfhsim.errors import RecipeError

Z = np.array([1e-4, 0.0168, 0.1, 0.7, 3.0, 11.0, 900.0])


@pytest.mark.parametrize(("h0", "omega_m"), [(67.8, 0.308), (70.0, 0.3), (100.0, 1.0)])
def test_agrees_with_astropy(h0, omega_m):
    from astropy.cosmology import FlatLambdaCDM

    ours, theirs = FlatLCDM(h0, omega_m), FlatLambdaCDM(h0, omega_m)
    assert ours.lookback_time_yr(Z) == pytest.approx(theirs.lookback_time(Z).to_value("yr"), rel=1e-8)
    assert ours.luminosity_distance_cm(Z) == pytest.approx(theirs.luminosity_distance(Z).to_value("cm"), rel=1e-8)


@pytest.mark.parametrize("omega_m", [0.05, 0.308, 1.0])
def test_ages_in_closed_form_and_lookback_times_add_up(omega_m):
    universe = FlatLCDM(67.8, omega_m)
    since_yr = universe.age_yr(0.0) - universe.age_yr(Z)
    assert since_yr == pytest.approx(universe.lookback_time_yr(Z), rel=1e-10)
    assert universe.age_yr(Z.reshape(7, 1)).shape == (7, 1)
    with pytest.raises(RecipeError, match="outside"):
        universe.age_yr(-0.1)


def test_einstein_de_sitter_in_closed_form():
    universe = FlatLCDM(70.0, 1.0)
    z = np.array([0.3, 2.0, 1000.0])
    hubble_yr = 9.777922216807891e11 / 70.0
    assert universe.lookback_time_yr(z) == pytest.approx(hubble_yr * 2 / 3 * (1 - (1 + z) ** -1.5), rel=1e-12)
    distance = 2.0 * 299792.458 / 70.0 * (1 + z - np.sqrt(1 + z)) * 1e6 * PC_CM
    assert universe.luminosity_distance_cm(z) == pytest.approx(distance, rel=1e-12)


def test_redshift_zero_is_ten_parsec_and_today():
    assert FlatLCDM().luminosity_distance_cm(0.0) == 10.0 * PC_CM
    assert FlatLCDM().lookback_time_yr(0.0) == 0.0
    assert FlatLCDM().age_max_yr([0.0])[0] == 13.8e9


def test_batch_equals_singles():
    together = FlatLCDM().luminosity_distance_cm(Z)
    assert np.array_equal(together, [FlatLCDM().luminosity_distance_cm(z) for z in Z])
    assert FlatLCDM().lookback_time_yr(Z.reshape(7, 1)).shape == (7, 1)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (-0.1, r"redshift -0\.1 \(element 0\) is outside \[0, 1000\]"),
        ([0.1, np.nan], r"redshift nan \(element 1\)"),
        ([0.1, 0.2, 2000.0], r"redshift 2000 \(element 2\)"),
    ],
)
def test_bad_redshifts_are_refused(z, message):
    with pytest.raises(RecipeError, match=message):
        FlatLCDM().luminosity_distance_cm(z)


def test_impossible_universes_are_refused():
    with pytest.raises(RecipeError, match=r"h0_kms_mpc = 0\.7; expected km/s/Mpc"):
        FlatLCDM(0.7)
    with pytest.raises(RecipeError, match=r"omega_m = 0 is outside \(0, 1\]"):
        FlatLCDM(70.0, 0.0)
    with pytest.raises(RecipeError, match="redshift 1000: less than 1 Myr"):
        FlatLCDM().age_max_yr(1000.0)
