"""Quantities of bins from what a model answers, masses from light, extinction, and what is kept on the disk."""

import numpy as np
import pytest
from astropy import units

from sfhmodel.description import NEEDED_TRUTHS, SUMMARIES, ModelDescription
from sfhmodel.errors import ConfigError
from sfhmodel.mapping import flags
from sfhmodel.mapping.extinction import attenuation_mag, correction
from sfhmodel.mapping.mass import LightPerMass, luminosity_per_area
from sfhmodel.mapping.parts import Parts
from sfhmodel.mapping.quantities import (
    Masses,
    age_band_quantities,
    formed_since,
    half_interval,
    summary_quantities,
)
from sfhsim.constants import LSUN_ERG_S, PC_CM
from sfhsim.libraries import load_library

EDGES = np.array([0.0, 1e7, 1e8, 1e9, 5e9, 1.38e10])


def description():
    return ModelDescription(np.linspace(4800.0, 7000.0, 10), EDGES, (), NEEDED_TRUTHS)


def test_light_per_mass_is_that_of_the_library():
    light, library = LightPerMass.of(EDGES), load_library("bc03-miles")
    near = np.abs(library.wave_aa - 5500.0) <= 50.0
    k = int(np.argmin(np.abs(library.age_yr - 3e9)))
    z = library.metallicity[4]
    old = light(np.array([[0.0, 0.0, 0.0, 1.0, 0.0]]), np.full((1, 5), z), np.zeros(1))[0]
    inside = (library.age_yr > 1e9) & (library.age_yr < 5e9)
    between = library.flux[4][inside][:, near].mean(axis=1)
    assert between.min() < old < between.max()
    assert old == pytest.approx(float(library.flux[4, k, near].mean()), rel=0.5)
    young = light(np.array([[1.0, 0.0, 0.0, 0.0, 0.0]]), np.full((1, 5), z), np.zeros(1))[0]
    assert young > 30.0 * old
    dusty = light(np.array([[0.0, 0.0, 0.0, 1.0, 0.0]]), np.full((1, 5), z), np.ones(1))[0]
    assert dusty == pytest.approx(old * 10.0**-0.4)


def test_luminosity_per_area_needs_no_distance():
    distance_cm, size_cm = 10.0 * 1e6 * PC_CM, 100.0 * PC_CM
    luminosity = 1e5 * LSUN_ERG_S
    flux = luminosity / (4.0 * np.pi * distance_cm**2)
    area = luminosity_per_area(np.array([flux]), (size_cm / distance_cm) ** 2, 0.0)
    assert area[0] == pytest.approx(1e5 / 100.0**2)
    assert luminosity_per_area(np.array([flux]), (size_cm / distance_cm) ** 2, 0.1)[0] == pytest.approx(
        area[0] * 1.1**5
    )


def test_what_was_formed_since_an_age_is_linear_within_bins():
    cumulative = np.array([[0.1, 0.2, 0.6, 0.9, 1.0]])
    for age, expected in ((1e7, 0.1), (5e6, 0.05), (1e8, 0.2), (5.5e7, 0.15), (3e9, 0.75), (1.38e10, 1.0)):
        assert formed_since(cumulative, EDGES, age)[0] == pytest.approx(expected)


def quantiles_about(values, width):
    """(..., 5) with these medians and half 68% intervals."""
    steps = np.array([-1.6, -1.0, 0.0, 1.0, 1.6]) * width
    return np.asarray(values)[..., None] + steps


def test_summaries_have_names_units_and_half_intervals():
    values = np.tile([9.5, 9.0, np.log10(0.02), np.log10(0.04), 0.4, 0.01], (3, 1))
    found = {q.name: q for q in summary_quantities(quantiles_about(values, 0.1), description())}
    assert list(found) == ["LOG_AGE_MW", "LOG_AGE_LW", "METAL_MW", "METAL_LW", "A_V", "FRAC_100MYR"]
    assert len(found) == len(SUMMARIES)
    np.testing.assert_allclose(found["METAL_MW"].values, 0.0, atol=1e-6)
    np.testing.assert_allclose(found["METAL_LW"].values, np.log10(2.0), atol=1e-6)
    np.testing.assert_allclose(found["LOG_AGE_MW"].error, 0.1)
    for quantity in found.values():
        units.Unit(quantity.unit)  # astropy knows it


def test_bands_of_age_add_up_and_what_is_not_known_stays_so():
    cumulative = quantiles_about(np.array([[0.1, 0.2, 0.6, 0.9, 1.0], np.full(5, np.nan)]), 0.0)
    bands = {q.name: q.values for q in age_band_quantities(cumulative, description())}
    np.testing.assert_allclose([bands[n][0] for n in ("FRAC_INTERMEDIATE", "FRAC_OLD", "FRAC_OLDEST")], [0.4, 0.3, 0.1])
    assert all(np.isnan(values[1]) for values in bands.values())


def test_masses_and_rates_of_star_formation_belong_together():
    fraction = np.array([[0.01, 0.04, 0.15, 0.5, 0.3]])
    z, summaries = np.full((1, 5), 0.02), quantiles_about(np.array([[9.5, 9.0, -1.7, -1.7, 0.5, 0.05]]), 0.1)
    light = LightPerMass.of(EDGES)
    masses = Masses(light, np.array([1e-18]), 1e-12, 0.0)
    cumulative = quantiles_about(np.cumsum(fraction, axis=1), 0.0)
    found = {q.name: q for q in masses.quantities(description(), fraction, z, summaries, cumulative)}
    mass = 10.0 ** found["LOG_MASS_DENSITY"].values[0]
    area_light = luminosity_per_area(np.array([1e-18]), 1e-12, 0.0)[0]
    assert mass * light(fraction, z, np.array([0.5]))[0] == pytest.approx(area_light)
    assert found["LOG_MASS_DENSITY"].error[0] == pytest.approx(0.04, rel=1e-3)  # 0.4 x 0.1 mag, the history is sure
    assert found["SFR_DENSITY_10MYR"].values[0] == pytest.approx(mass * 1e6 * 0.01 / 1e7)
    assert found["SFR_DENSITY_100MYR"].values[0] == pytest.approx(mass * 1e6 * 0.05 / 1e8)


def test_half_intervals():
    assert half_interval(np.array([0.0, 1.0, 2.0, 4.0, 9.0]), description()) == 1.5


def test_flags_are_sums_of_bits():
    n = 4
    found = flags.flags_of_bins(
        np.array([0.5, 1.5, np.nan, 0.5]),
        np.array([[False, False], [False, True], [False, False], [False, False]]),
        np.array([0.0, 0.5, 1.0, 0.0]),
        np.array([False, False, True, False]),
        low_snr=np.array([False, False, False, True]),
        no_kinematics=np.zeros(n, bool),
        sigma_outside=np.zeros(n, bool),
        no_bands=np.zeros(n, bool),
        not_reproduced=np.array([False, True, True, False]),
    )
    expected = [
        0,
        flags.UNLIKE_TRAINING + flags.AT_EDGE + flags.PARTIAL + flags.NOT_REPRODUCED,
        flags.NO_RESULT + flags.PARTIAL,
        flags.LOW_SNR,
    ]
    assert found.tolist() == expected
    assert set(flags.MEANINGS) == {1 << k for k in range(11)}
    assert all(len(text) < 68 for text in flags.MEANINGS.values())  # one card of a header each


@pytest.mark.parametrize("curve", ["F99", "CCM89"])
def test_extinction_is_one_at_v_and_more_in_the_blue(curve):
    assert attenuation_mag(curve, np.array([5500.0]))[0] == pytest.approx(3.1, rel=0.03)
    blue, red = attenuation_mag(curve, np.array([2700.0, 8000.0]))
    assert blue > 5.0
    assert red < 2.0
    factor = correction(curve, np.array([5000.0, 6000.0]), np.array([0.0, 0.3]))
    np.testing.assert_array_equal(factor[0], 1.0)
    np.testing.assert_allclose(factor[1], 10.0 ** (0.12 * attenuation_mag(curve, np.array([5000.0, 6000.0]))))
    with pytest.raises(ConfigError, match="there are F99, CCM89"):
        attenuation_mag("F04", np.array([5500.0]))


def test_parts_of_another_run_are_removed_and_two_runs_cannot_share_them(tmp_path):
    out = tmp_path / "maps.fits"
    with Parts(out, {"a": 1}) as parts:
        parts.write("one", {"x": np.arange(3)})
        assert not parts.is_resumed
        with pytest.raises(ConfigError, match="in use by another process"), Parts(out, {"a": 1}):
            pass
    with Parts(out, {"a": 1}) as parts:
        assert parts.is_resumed
        np.testing.assert_array_equal(parts.read("one")["x"], np.arange(3))
        assert parts.once("one", lambda: {"x": np.zeros(1)})["x"].size == 3
    with Parts(out, {"a": 2}) as parts:
        assert not parts.is_resumed
        assert parts.read("one") is None
        parts.remove()
    assert not list(tmp_path.iterdir())
