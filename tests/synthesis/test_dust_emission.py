"""Infrared dust emission: energy is conserved in both paths, which give the same magnitudes; nothing else changes."""

import dataclasses

import numpy as np
import pytest
from miniature import infrared_library, miniature_recipe
from test_simulator_against_galaxy import magnitude

from sfhsim import Simulator
from sfhsim.dust import dust_spectrum
from sfhsim.errors import SfhsimWarning
from sfhsim.instrument import pixel_edges
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.synthesis import synthesize_galaxy

BANDS = ("HST/WFC3_UVIS.F814W", "JWST/NIRCam.F335M", "JWST/MIRI.F770W", "JWST/MIRI.F1130W", "JWST/MIRI.F2100W")
EMISSION = {
    "model": "draine_li_2007",
    "luminosity_factor": {"distribution": "log10_normal", "mean": 0.0, "std": 0.2, "min": -1.0, "max": 1.0},
    "q_pah_percent": {"distribution": "uniform", "min": 0.47, "max": 4.58},
    "u_min": {"distribution": "log_uniform", "min": 0.1, "max": 25.0},
    "gamma": {"distribution": "log_uniform", "min": 0.001, "max": 0.3},
}
DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}
CLEAR = {"law": "power_law", "tau": 0.0}
ESCAPING = {"model": "cloudy", "escape_fraction": {"distribution": "uniform", "min": 0.0, "max": 1.0}}
RECIPES = {
    "fixed": {},
    "drawn": {"kinematics": DRAWN},
    "stars only": {"nebular": {"model": "none"}},
    "escaping photons": {"nebular": ESCAPING},
    "thick": {"dust": {"birth": {"law": "power_law", "tau": 8.0}, "screen": {"law": "power_law_bump", "tau": 3.0}}},
}


@pytest.fixture(scope="module")
def infrared():
    return infrared_library()


@pytest.fixture(scope="module")
def make(infrared):
    """Function that compiles the small recipe with JWST bands and dust emission; sections replace its own."""

    def simulator(emission=EMISSION, basis_tolerance=0.0, bands=BANDS, **sections):
        content = miniature_recipe(photometry={"filters": list(bands), "error_mag": 0.0}, **sections)
        content["dust"] = content["dust"] | {"emission": emission}
        return Simulator(recipe_from_dict(content), infrared, seed=3, basis_tolerance=basis_tolerance)

    return simulator


def truths(simulator, batch):
    return {entry["name"]: batch.truth[:, k] for k, entry in enumerate(simulator.truths.entries)}


def energies(simulator, infrared, n=4):
    for i in range(n):
        draws = simulator.plan.draw(np.array([i]), simulator.seed)
        galaxy = synthesize_galaxy(simulator.recipe, library=infrared, draws=draws)
        yield draws, galaxy, galaxy.energy_lsun()


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_absorbed_comes_out_again(make, infrared, name):
    simulator = make(**RECIPES[name])
    for draws, galaxy, energy in energies(simulator, infrared):
        absorbed = energy["absorbed_birth"] + energy["absorbed_screen"]
        assert energy["attenuated"] + absorbed == pytest.approx(energy["emitted"], rel=1e-6)
        factor = draws.values["dust.emission.luminosity_factor"][0]
        assert energy["reemitted"] == pytest.approx(factor * absorbed, rel=1e-6)
        dust = galaxy.components["dust_emission"].attenuated
        assert np.trapezoid(dust, galaxy.wave_aa) == pytest.approx(energy["reemitted"], rel=1e-6)
        assert 0.0 < absorbed < energy["emitted"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_compiled_path_balances_as_the_readable_one_does(make, infrared, name):
    simulator = make(**RECIPES[name])
    batch = simulator.batch(np.arange(4))
    light = simulator.light.evaluate(batch.draws, batch.populations).energy
    mass = batch.draws.values["total_mass_msun"]
    emitted = truths(simulator, batch)["dust_luminosity_lsun"]
    factor = batch.draws.values["dust.emission.luminosity_factor"]
    absorbed = light.absorbed_birth_lsun + light.absorbed_screen_lsun
    np.testing.assert_allclose(emitted, factor * absorbed * mass, rtol=1e-6)
    for i, (_, _, energy) in enumerate(energies(simulator, infrared)):
        for name_there, here in (
            ("emitted", light.emitted_lsun),
            ("absorbed_birth", light.absorbed_birth_lsun),
            ("absorbed_screen", light.absorbed_screen_lsun),
        ):
            assert here[i] * mass[i] == pytest.approx(energy[name_there], rel=1e-6)


def test_compiled_bands_hold_the_luminosity(make, tmp_path):
    """A band of throughput 1/l from 1 to 1000 um measures energy: with dust emission minus without it."""
    wave_aa = np.geomspace(1.0e4, 9.9e5, 6000)
    np.savetxt(tmp_path / "energy.txt", np.column_stack([wave_aa, 1.0e4 / wave_aa]))
    bands = (str(tmp_path / "energy.txt"),)
    ir = {"model": "draine_li_2007", "u_min": 25.0, "gamma": 1.0}
    flux, luminosity = {}, None
    for factor in (0.0, 1.0):
        simulator = make(emission=ir | {"luminosity_factor": factor}, bands=bands, kinematics={"redshift": 0.0})
        batch = simulator.batch(np.arange(6))
        flux[factor] = 10.0 ** (-0.4 * (batch.noise_free_photometry[:, 0] + 48.6))
        if factor:
            luminosity = truths(simulator, batch)["dust_luminosity_lsun"].astype(float)
            scale = simulator.flux_scale(batch.draws) / batch.draws.values["total_mass_msun"]
    (band,) = simulator.photometer.filters
    per_aa = (flux[1.0] - flux[0.0]) * 2.99792458e18 / band.pivot_wave_aa**2 / scale  # mean Lsun/Angstrom
    energy = per_aa * (wave_aa[-1] - wave_aa[0])
    spectrum = dust_spectrum("draine_li_2007", {"u_min": 25.0, "gamma": 1.0})[0]
    dust_aa = 10.0 ** (4 + 0.004 * np.arange(751))
    fine_aa = np.geomspace(1.0e4, 9.9e5, 200_000)
    inside = np.trapezoid(np.interp(fine_aa, dust_aa, spectrum), fine_aa)
    np.testing.assert_allclose(energy, luminosity * inside, rtol=1e-5)


@pytest.mark.parametrize(("name", "tolerance"), [("fixed", 0.0), ("drawn", 0.0), ("fixed", 5e-4), ("drawn", 5e-4)])
def test_magnitudes_are_those_of_the_readable_path(make, infrared, name, tolerance):
    simulator = make(basis_tolerance=tolerance, **RECIPES[name])
    batch = simulator.batch(np.arange(4))
    for i, (draws, galaxy, _) in enumerate(energies(simulator, infrared)):
        scale = simulator.flux_scale(draws)[0] / draws.values["total_mass_msun"][0]
        redshift = draws.values["redshift"][0]
        expected = [magnitude(band, galaxy, redshift, scale) for band in simulator.photometer.filters]
        np.testing.assert_allclose(batch.noise_free_photometry[i], expected, atol=3e-4 if name == "fixed" else 2e-3)


def test_a_spectrograph_sees_the_emission_where_there_is_some(make, infrared):
    """3.0-3.6 um with the 3.3 um feature, in pixels of the library: the same light as on the readable path's own."""
    near = {"start_aa": 30500.0, "stop_aa": 36000.0, "step_aa": 50.0, "lsf": {"name": "constant", "fwhm_aa": 100.0}}
    simulator = make(spectrum=near, kinematics={"velocity_dispersion_kms": 100.0}, noise={"model": "none"})
    batch = simulator.batch(np.arange(3))
    for i, (draws, galaxy, _) in enumerate(energies(simulator, infrared, n=3)):
        scale = simulator.flux_scale(draws)[0] / draws.values["total_mass_msun"][0]
        expected, dust = (galaxy.observe(simulator.recipe, part) * scale for part in ("total", "dust_emission"))
        assert batch.noise_free_spectrum[i].sum() == pytest.approx(expected.sum(), rel=3e-3)
        assert dust.sum() > 0.02 * expected.sum()


def test_what_is_free_of_dust_is_free_of_its_emission(make, infrared):
    simulator = make()
    _, galaxy, _ = next(energies(simulator, infrared))
    np.testing.assert_allclose(galaxy.dust_free_continuum, galaxy.stellar + galaxy.nebular_continuum, rtol=1e-12)
    others = {name: part for name, part in galaxy.components.items() if name != "dust_emission"}
    expected = dataclasses.replace(galaxy, components=others).observe(simulator.recipe, "dust_free")
    np.testing.assert_array_equal(galaxy.observe(simulator.recipe, "dust_free"), expected)


def test_all_but_the_infrared_is_as_without_emission(make):
    """Same draws, spectra, HST magnitudes and noise; the truths only grow."""
    clear, dusty = make(emission={"model": "none"}), make()
    before, after = clear.batch(np.arange(40)), dusty.batch(np.arange(40))
    for name in clear.plan.names:
        np.testing.assert_array_equal(before.draws.values[name], after.draws.values[name])
    np.testing.assert_array_equal(before.spectrum, after.spectrum)
    np.testing.assert_allclose(before.photometry[:, 0], after.photometry[:, 0], atol=1e-6)
    brighter = before.noise_free_photometry[:, 1:] - after.noise_free_photometry[:, 1:]
    assert (brighter > 0).all()
    assert np.median(brighter[:, -1]) > 1.0
    old, new = truths(clear, before), truths(dusty, after)
    assert all(np.array_equal(old[name], new[name], equal_nan=True) for name in old)
    assert set(new) - set(old) == {
        *(f"dust.emission.{name}" for name in ("luminosity_factor", "q_pah_percent", "u_min", "gamma")),
        "dust_luminosity_lsun",
    }


def test_light_that_ionises_gas_does_not_heat_dust_as_well(make, infrared):
    one = {"model": "draine_li_2007"}
    given = {name: make(emission=one, nebular={"model": "cloudy", "escape_fraction": name}) for name in (0.0, 0.5, 1.0)}
    for i in range(3):
        galaxies = {}
        for escaping, simulator in given.items():
            draws = simulator.plan.draw(np.array([i]), simulator.seed)
            galaxies[escaping] = synthesize_galaxy(simulator.recipe, library=infrared, draws=draws)
        bare = galaxies[1.0].components
        blue = (infrared.wave_aa < 911.75) * np.diff(pixel_edges(infrared.wave_aa))
        ionising = sum(float((c.continuum - c.attenuated) @ blue) for c in (bare["old"], bare["young"]))
        heat = {escaping: galaxy.energy_lsun()["reemitted"] for escaping, galaxy in galaxies.items()}
        nebular = {}
        for escaping, galaxy in galaxies.items():
            _, birth, screen, _ = galaxy.components["nebular"].energy_lsun()
            nebular[escaping] = birth + screen
            assert heat[escaping] - nebular[escaping] == pytest.approx(
                heat[1.0] - (1.0 - escaping) * ionising, rel=1e-9
            )
        assert nebular[1.0] == 0.0 < nebular[0.5] < nebular[0.0]


def test_a_compiled_recipe_holds_the_emission(make):
    simulator = make(basis_tolerance=2e-4)
    again = Simulator.from_compiled(simulator.compiled(), seed=simulator.seed)
    ids = np.array([5, 0, 77])
    whole, alone = simulator.batch(ids), [again.batch([i]) for i in ids]
    for name, values in whole.features().items():
        np.testing.assert_array_equal(values, np.concatenate([batch.features()[name] for batch in alone]))


def test_a_library_without_ultraviolet_light_is_spoken_of(infrared):
    content = miniature_recipe(
        photometry={"filters": list(BANDS), "error_mag": 0.0}, nebular={"model": "none"}, library="red"
    )
    content["dust"] = content["dust"] | {"emission": {"model": "draine_li_2007"}}
    kept = infrared.wave_aa > 3500.0
    red = infrared.replace(
        name="red",
        wave_aa=infrared.wave_aa[kept],
        flux=infrared.flux[..., kept],
        resolution_fwhm_aa=np.full(kept.sum(), 2.5),
    )
    with pytest.warns(SfhsimWarning, match="red begins at 3504 A: what dust absorbs of bluer light is missing"):
        Simulator(recipe_from_dict(content), red)
