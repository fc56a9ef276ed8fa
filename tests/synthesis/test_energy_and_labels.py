"""Conservation and labels: energy, mass, metallicity, star formation rates, ages, attenuation."""

import numpy as np
import pytest
from miniature import AGE_YR, miniature_library, miniature_recipe

from sfhsim.constants import UNIVERSE_AGE_YR
from sfhsim.instrument import pixel_edges
from sfhsim.synthesis import synthesize_galaxy

CLEAR = {"law": "power_law", "tau": 0.0}
ENERGY_RECIPES = {
    "small": {},
    "stars only": {"nebular": {"model": "none"}},
    "thick": {"dust": {"birth": {"law": "power_law", "tau": 8.0}, "screen": {"law": "power_law_bump", "tau": 3.0}}},
    "calzetti": {"dust": {"birth": CLEAR, "screen": {"law": "calzetti", "tau": 0.5}}},
    "distant": {"kinematics": {"redshift": 0.8}},
    "no dust": {"dust": {"birth": CLEAR, "screen": CLEAR}},
}
ONE_HISTORY = {"family": "skewed_normal", "parameters": {"peak_gyr": 6.0, "period_gyr": 2.0, "burst_sfr": 1.5}}


def truths(simulator, batch):
    """Truths by name, each (n,)."""
    return {entry["name"]: batch.truth[:, k] for k, entry in enumerate(simulator.truths.entries)}


@pytest.mark.parametrize("name", ENERGY_RECIPES)
def test_attenuated_and_absorbed_light_is_what_was_emitted(make_simulator, library, name):
    recipe = make_simulator(**ENERGY_RECIPES[name]).recipe
    for sample in range(3):
        galaxy = synthesize_galaxy(recipe, sample_id=sample, library=library)
        energy = galaxy.energy_lsun()
        accounted = energy["attenuated"] + energy["absorbed_birth"] + energy["absorbed_screen"]
        assert accounted == pytest.approx(energy["emitted"], rel=1e-6)
        width = np.diff(pixel_edges(galaxy.wave_aa))
        parts = galaxy.stellar @ width + galaxy.nebular_continuum @ width + galaxy.line_luminosity_lsun.sum()
        assert energy["emitted"] == pytest.approx(parts, rel=1e-12)
        if name == "no dust":
            assert energy["absorbed_birth"] == energy["absorbed_screen"] == 0.0
        else:
            assert 0.0 < energy["absorbed_screen"] < energy["emitted"]


def test_starlight_is_that_of_the_templates(make_simulator, library):
    """One burst of one metallicity that fills one age bin: the template of that bin times the mass."""
    begin_yr, end_yr = library.age_edges_yr[6:8]
    table = {"age_yr": [begin_yr - 1.0, begin_yr, end_yr, end_yr + 1.0], "value": [0.0, 1.0, 1.0, 0.0]}
    simulator = make_simulator(
        total_mass_msun=1e9,
        histories=[{"family": "tabulated", "table": table}],
        metallicity={"form": "constant", "z_final": 0.02},
        nebular={"model": "none"},
    )
    galaxy = synthesize_galaxy(simulator.recipe, library=library)
    np.testing.assert_allclose(galaxy.stellar, 1e9 * library.flux[2, 6].astype(float), rtol=1e-6)


def test_mass_fractions_sum_to_one_and_masses_to_the_forced_mass(make_simulator):
    simulator = make_simulator()
    batch = simulator.batch(np.arange(200))
    np.testing.assert_allclose(batch.mass_fraction.sum(axis=1, dtype=np.float64), 1.0, atol=1e-6)
    forced = batch.draws.values["total_mass_msun"]
    np.testing.assert_allclose((batch.populations.mass * forced[:, None]).sum(axis=1), forced, rtol=1e-10)
    np.testing.assert_allclose(batch.populations.label_mass.sum(axis=1), 1.0, rtol=1e-10)
    assert (batch.mass_fraction >= 0).all()


def closed_box(fraction_before, z_start, z_final, yield_):
    f = 1 - np.exp(-(z_final - z_start) / yield_)
    return z_start - yield_ * np.log(1 - fraction_before * f)


def fine_history(simulator, draws, stop_yr=UNIVERSE_AGE_YR, n=400_000):
    """Cell middles, masses and fractions formed before, by the midpoint rule on a fine grid of lookback time."""
    edges = np.linspace(0.0, stop_yr, n + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    mass = simulator.populations.sfr(draws, middle)[0] * np.diff(edges)
    cumulative = np.cumsum(mass)
    return middle, mass, 1 - (cumulative - 0.5 * mass) / cumulative[-1]


@pytest.mark.parametrize("sample", range(4))
def test_labels_are_integrals_of_the_history(make_simulator, sample):
    simulator = make_simulator()
    draws = simulator.plan.draw(np.array([sample]), simulator.seed)
    stars = simulator.populations.evaluate(draws)
    middle, mass, before = fine_history(simulator, draws)
    z = closed_box(before, 4e-4, draws.values["metallicity.z_final"][0], draws.values["metallicity.yield"][0])
    edges_yr = simulator.populations.label_edges_yr
    in_bin = np.histogram(middle, edges_yr, weights=mass)[0]
    np.testing.assert_allclose(stars.label_mass[0], in_bin, atol=2e-4)
    formed = in_bin > 1e-3
    weighted = np.histogram(middle, edges_yr, weights=mass * z)[0]
    # the stars of one of the library's 12 ages have one Z
    np.testing.assert_allclose(stars.label_metallicity[0][formed], (weighted / in_bin)[formed], rtol=2.5e-2)
    assert stars.mean_metallicity[0] == pytest.approx((mass @ z) / mass.sum(), rel=2.5e-2)
    assert stars.mean_log10_age_yr[0] == pytest.approx(mass @ np.log10(middle) / mass.sum(), abs=0.02)


def test_star_formation_rates_are_means_of_the_history(make_simulator):
    simulator = make_simulator(histories=[ONE_HISTORY], total_mass_msun=2e9)
    batch = simulator.batch([0])
    found = truths(simulator, batch)
    for name, span_yr in (("sfr_10myr_msun_yr", 1e7), ("sfr_100myr_msun_yr", 1e8)):
        age_yr = (np.arange(1000) + 0.5) * span_yr / 1000
        mean = 2e9 * simulator.populations.sfr(batch.draws, age_yr).mean()
        assert found[name][0] == pytest.approx(mean, rel=1e-4)


@pytest.mark.parametrize(("law", "tau"), [("power_law", 0.7), ("calzetti", 1.3)])
def test_a_pure_screen_has_its_optical_depth_in_magnitudes(make_simulator, law, tau):
    simulator = make_simulator(dust={"birth": CLEAR, "screen": {"law": law, "tau": tau}})
    found = truths(simulator, simulator.batch(np.arange(5)))
    np.testing.assert_allclose(found["a_v_mag"], 2.5 / np.log(10) * tau, rtol=1e-5)


def test_birth_clouds_redden_the_young_only(make_simulator):
    birth = {"law": "power_law", "tau": 2.0}
    simulator = make_simulator(dust={"birth": birth, "screen": CLEAR})
    a_v = truths(simulator, simulator.batch(np.arange(50)))["a_v_mag"]
    assert (a_v >= -1e-6).all()
    assert (a_v < 2.5 / np.log(10) * 2.0).all()
    assert a_v.max() > 0.05


def test_light_is_younger_than_mass_and_within_the_library(make_simulator):
    simulator = make_simulator()
    found = truths(simulator, simulator.batch(np.arange(100)))
    light = found["mean_log10_age_yr_light"]
    assert (light >= np.log10(AGE_YR[0])).all()
    assert (light <= np.log10(AGE_YR[-1])).all()
    assert (light < found["mean_log10_age_yr_mass"] + 0.1).all()
    for name in ("mean_metallicity_light", "mean_metallicity_mass"):
        assert (found[name] >= 4e-4 * (1 - 1e-6)).all()
        assert (found[name] <= found["metallicity.z_final"] * (1 + 1e-6)).all()


def test_no_star_is_older_than_the_universe(make_simulator):
    simulator = make_simulator(kinematics={"redshift": 1.0}, photometry={"filters": []})
    batch = simulator.batch(np.arange(30))
    age_max_yr = simulator.populations.age_max_yr(batch.draws)
    assert 5.7e9 < age_max_yr[0] < 6.2e9
    too_old = simulator.library.age_edges_yr[:-1] > age_max_yr[0]
    assert too_old.any()
    assert (batch.populations.mass[:, too_old] == 0).all()
    assert (batch.mass_fraction[:, simulator.populations.label_edges_yr[:-1] > age_max_yr[0]] < 1e-12).all()
    np.testing.assert_allclose(batch.mass_fraction.sum(axis=1), 1.0, atol=1e-6)


def test_flux_falls_with_distance_and_mass_scales_it(make_simulator):
    recipes = [{"histories": [ONE_HISTORY], "total_mass_msun": mass, "kinematics": {"redshift": z}} for mass, z in
               ((1e9, 0.0), (3e9, 0.0), (1e9, 0.001), (1e9, 0.002))]  # fmt: skip
    flux = [np.median(make_simulator(**sections).batch([0]).noise_free_spectrum) for sections in recipes]
    assert flux[1] / flux[0] == pytest.approx(3.0, rel=1e-5)
    assert flux[2] / flux[3] == pytest.approx(4.0, rel=1e-2)
    assert flux[0] / flux[2] == pytest.approx((4.42e6 / 10.0) ** 2, rel=1e-2)  # c/H0 z in pc over 10 pc


def test_label_bins_that_end_early_still_hold_every_star(make_simulator):
    simulator = make_simulator(labels={"age_bin_edges_myr": [0.0, 100.0, 1000.0]})
    batch = simulator.batch(np.arange(20))
    np.testing.assert_allclose(batch.mass_fraction.sum(axis=1), 1.0, atol=1e-6)
    weighted = (batch.populations.label_mass * batch.populations.label_metallicity).sum(axis=1)
    np.testing.assert_allclose(weighted, batch.populations.mean_metallicity, rtol=1e-6)


def test_families_are_drawn_by_weight(make_simulator):
    first, second = miniature_recipe()["histories"]
    simulator = make_simulator(histories=[first | {"weight": 3.0}, second | {"weight": 1.0}])
    family = simulator.plan.draw(np.arange(4000), 0).family
    assert (family == 0).mean() == pytest.approx(0.75, abs=5 * np.sqrt(0.75 * 0.25 / 4000))


def test_a_library_that_begins_later_keeps_its_youngest_in_the_clouds(make_simulator):
    whole = miniature_library()
    late = whole.replace(
        age_yr=whole.age_yr[4:],
        flux=whole.flux[:, 4:],
        ionizing_photon_rate=whole.ionizing_photon_rate[:, 4:],
        ionizing_luminosity_lsun=whole.ionizing_luminosity_lsun[:, 4:],
    )
    with pytest.warns(UserWarning, match="older than the birth clouds"):
        simulator = make_simulator(
            on=late, nebular={"model": "none"}, dust={"birth": {"law": "power_law", "tau": 2.0}, "screen": CLEAR}
        )
    assert truths(simulator, simulator.batch(np.arange(50)))["a_v_mag"].max() > 0.01
