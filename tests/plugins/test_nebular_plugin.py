"""Nebular models of both kinds in a file of their own: from a recipe that names them to a verified data set."""

import numpy as np
import pytest
import yaml
from loaded_plugin import loaded_plugin
from miniature import AGE_YR, METALLICITY, miniature_library, miniature_recipe
from test_plugins import run

from sfhsim import Simulator, load_recipe, make_simulator
from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.libraries import save_library
from sfhsim.nebular import NEBULAR_MODELS, NebularModel, SSPNebularModel, register_nebular_model
from sfhsim.records.dataset import Dataset
from sfhsim.synthesis import synthesize_galaxy

PLUGIN = """
import dataclasses

import numpy as np

from sfhsim import elementary
from sfhsim.constants import LSUN_ERG_S
from sfhsim.histories.parameters import Parameter
from sfhsim.interpolation import bracket
from sfhsim.nebular import NebularModel, SSPNebularModel, load_cloudy, register_nebular_model

N_O = np.array([-1.6, -1.0, -0.4])  # nodes of log N/O
N2_HA = np.array([0.05, 0.2, 0.8])


class CaseB(NebularModel):
    name = "plug_case_b"
    parameters = (
        Parameter("log_n_o", "dex", "nitrogen over oxygen", None, -1.6, -0.4),
        Parameter("continuum_slope", "", "power of wavelength of a made-up continuum", -1.0, -3.0, 0.0),
    )
    line_wave_aa = np.array([4861.3, 6562.8, 6583.5])
    continuum_wave_aa = np.array([912.0, 3646.0, 3647.0, 1.0e5])

    def line_luminosities(self, params, gas):
        halpha = 1.37e-12 / LSUN_ERG_S * gas.photon_rate
        node, share = bracket(N_O, params["log_n_o"])
        ratio = (1.0 - share) * N2_HA[node] + share * N2_HA[node + 1]
        return halpha[:, None] * np.stack([np.full(len(ratio), 1 / 2.86), np.ones(len(ratio)), ratio], axis=1)

    def continuum_templates(self):
        return np.stack([1.0 / self.continuum_wave_aa, 1.0 / self.continuum_wave_aa**2])

    def continuum_amplitudes(self, params, gas, lines):
        steep = -1.0 - params["continuum_slope"][:, None]
        return 0.3 * lines[:, :1] * np.concatenate([1.0 - steep, 2000.0 * steep], axis=1)


class NitrogenRich(SSPNebularModel):
    name = "plug_nitrogen"

    def tables(self):
        cloudy = load_cloudy()
        energy = np.array(cloudy.line_erg_per_photon)
        energy[..., np.argmin(np.abs(cloudy.line_wave_aa - 6583.5))] *= 4.0
        return dataclasses.replace(cloudy, line_erg_per_photon=energy)


register_nebular_model(CaseB())
register_nebular_model(NitrogenRich())
"""
N_O = {"distribution": "uniform", "min": -1.6, "max": -0.4}
CASE_B = {"model": "plug_case_b", "escape_fraction": 0.2, "parameters": {"log_n_o": N_O, "continuum_slope": -1.5}}
NITROGEN = {"model": "plug_nitrogen", "log_u": {"distribution": "uniform", "min": -3.0, "max": -2.0}}
DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the plug-in and a mixture of recipes that need it; the library is installed."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    (tmp_path / "plug_gas.py").write_text(PLUGIN)
    worlds = [{"name": "one"}, {"name": "other", "override": {"nebular": NITROGEN}}]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(miniature_recipe(nebular=CASE_B) | {"worlds": worlds}))
    return tmp_path


@pytest.fixture
def loaded(place):
    """The same, with the plug-in loaded for this test alone."""
    with loaded_plugin(place / "plug_gas.py", NEBULAR_MODELS, "plug_case_b", "plug_nitrogen"):
        yield place


def recipe_of(place, **sections):
    (place / "r.yaml").write_text(yaml.safe_dump(miniature_recipe(**sections)))
    return load_recipe(place / "r.yaml")


def test_from_a_recipe_to_a_verified_data_set(loaded):
    place, options = loaded, ("-n", 80, "--shard-size", "300kB", "--workers", 2, "--plugin", "plug_gas.py")
    made = run(place, "generate", "mine.yaml", "--out", "two", *options)
    assert made.returncode == 0, made.stderr
    dataset = Dataset(place / "two")
    assert dataset.manifest["plugins"] == ["plug_gas"]
    assert len(dataset.manifest["shards"]) > 2
    assert run(place, "verify", "two").returncode == 0
    records = dataset.arrays()
    here = make_simulator(load_recipe(place / "mine.yaml")).batch(records["sample_id"])
    np.testing.assert_array_equal(here.spectrum, records["spectrum"])
    np.testing.assert_array_equal(here.photometry, records["photometry"])
    truths = dict(zip(dataset.truth_names, records["truth"].T, strict=True))
    gas = truths["world"] == 0
    assert gas.sum() > 20 < (~gas).sum()
    assert ((truths["nebular.log_n_o"][gas] >= -1.6) & (truths["nebular.log_n_o"][gas] <= -0.4)).all()
    assert np.isnan(truths["nebular.log_n_o"][~gas]).all()
    assert ((truths["nebular.log_u"][~gas] >= -3.0) & (truths["nebular.log_u"][~gas] <= -2.0)).all()
    (place / "plug_gas.py").write_text(PLUGIN.replace("*= 4.0", "*= 5.0"))
    next(path for path in (place / "two").glob("train*")).unlink()
    refused = run(place, "verify", "two", "--repair", "--workers", 1, "--plugin", "plug_gas.py")
    assert refused.returncode == 1
    assert "nebular model plug_nitrogen" in refused.stderr


@pytest.mark.parametrize("kinematics", [{}, DRAWN], ids=["fixed", "drawn"])
@pytest.mark.parametrize("nebular", [CASE_B, NITROGEN, CASE_B | {"continuum": False}], ids=["gas", "ssp", "dark"])
def test_both_paths_give_the_same_light_in_any_batch(loaded, nebular, kinematics):
    recipe, library = recipe_of(loaded, nebular=nebular, kinematics=kinematics), miniature_library()
    simulator = Simulator(recipe, library, basis_tolerance=0.0)
    batch = simulator.batch(range(6))
    np.testing.assert_array_equal(simulator.batch([4]).spectrum[0], batch.spectrum[4])
    scale = simulator.flux_scale(batch.draws) / batch.draws.values["total_mass_msun"]
    for i in range(3):
        expected = synthesize_galaxy(recipe, i, library=library).observe(recipe) * scale[i]
        np.testing.assert_allclose(batch.noise_free_spectrum[i], expected, rtol=2e-3)
    np.testing.assert_array_equal(
        Simulator.from_compiled(simulator.compiled()).batch(range(6)).spectrum, batch.spectrum
    )


def test_lines_are_those_of_the_absorbed_photons(loaded):
    recipe, library = recipe_of(loaded, nebular=CASE_B | {"escape_fraction": 0.25}), miniature_library()
    galaxy = synthesize_galaxy(recipe, 3, library=library)
    young = np.flatnonzero(AGE_YR <= 2.5e7)
    photons = (galaxy.stars.mass[0, young] * library.ionizing_photon_rate[0, young]).sum()  # the same at every Z
    mass = galaxy.draws.values["total_mass_msun"][0]
    halpha = 0.75 * 1.37e-12 / LSUN_ERG_S * photons * mass
    np.testing.assert_allclose(galaxy.components["nebular"].line_luminosity_lsun[1], halpha, rtol=1e-12)
    assert len(METALLICITY) == library.ionizing_photon_rate.shape[0]


def test_a_model_of_tables_changes_only_what_it_replaces(loaded):
    library = miniature_library()
    cloudy, rich = (recipe_of(loaded, nebular=NITROGEN | {"model": name}) for name in ("cloudy", "plug_nitrogen"))
    plain, changed = (synthesize_galaxy(recipe, 1, library=library).components["nebular"] for recipe in (cloudy, rich))
    ratio = changed.line_luminosity_lsun / plain.line_luminosity_lsun
    of_nitrogen = np.argmin(np.abs(plain.line_wave_aa - 6583.5))
    np.testing.assert_allclose(ratio[of_nitrogen], 4.0)
    np.testing.assert_allclose(np.delete(ratio, of_nitrogen), 1.0)


def test_gas_that_nothing_ionises_is_said(loaded):
    old = miniature_library(ionizing_photon_rate=np.zeros((METALLICITY.size, AGE_YR.size)))
    with pytest.warns(UserWarning, match="are young enough for nebular emission"):
        Simulator(recipe_of(loaded, nebular=CASE_B), old)


@pytest.mark.parametrize(
    ("nebular", "message"),
    [
        ({"model": "plug_case_b"}, "nebular: plug_case_b needs log_n_o under parameters"),
        (CASE_B | {"parameters": {"log_n_o": 0.0}}, "nebular: log_n_o spans 0 to 0, outside what plug_case_b allows"),
        (CASE_B | {"parameters": {"n_o": 0.0}}, "unknown key 'n_o' in parameters: plug_case_b takes continuum_slope"),
        (NITROGEN | {"parameters": {"log_u": -3.0}}, "log_u cannot stand under parameters: it is a key of nebular"),
        ({"model": "none", "parameters": {"a": 1.0}}, "a cannot stand under parameters: model none takes none"),
        ({"model": "cloudy", "parameters": {"a": 1.0}}, "unknown key 'a' in parameters: cloudy takes log_u"),
    ],
)
def test_parameters_are_checked(loaded, nebular, message):
    with pytest.raises(RecipeError, match=message):
        recipe_of(loaded, nebular=nebular)


def test_the_recipe_is_refused_without_the_plug_in(place):
    refused = run(place, "recipe", "check", "mine.yaml")
    assert refused.returncode == 1
    assert "nebular: no nebular model is called 'plug_case_b'" in refused.stderr


class Odd(NebularModel):
    name, line_wave_aa = "plug_odd", np.array([5000.0])

    def line_luminosities(self, params, gas):
        return np.ones((len(gas.metallicity), 1))


def odd(**changes):
    model = Odd()
    for name, value in changes.items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"line_wave_aa": np.zeros(0)}, "line_wave_aa must be 1 or more wavelengths in Angstrom above 0"),
        ({"line_wave_aa": np.array([-1.0])}, "line_wave_aa must be 1 or more"),
        ({"continuum_wave_aa": np.array([3e4, 1e3])}, "continuum_wave_aa must increase"),
        ({"continuum_templates": lambda: np.ones((2, 3))}, r"continuum_templates of shape \(2, 3\), expected k x 2"),
        (
            {"line_luminosities": lambda params, gas: np.ones((1, 2))},
            r"line_luminosities of shape \(1, 2\), expected 2 x",
        ),
        ({"line_luminosities": lambda params, gas: np.full((2, 1), np.nan)}, "line_luminosities are not all finite"),
        ({"continuum_amplitudes": lambda params, gas, lines: np.ones(2)}, r"continuum_amplitudes of shape \(2,\)"),
    ],
)
def test_models_that_give_what_cannot_be(loaded, monkeypatch, changes, message):
    monkeypatch.setitem(NEBULAR_MODELS._items, "plug_odd", odd(**changes))
    with pytest.raises(RecipeError, match=f"nebular model 'plug_odd': {message}"):
        Simulator(recipe_of(loaded, nebular={"model": "plug_odd"}), miniature_library()).batch(range(2))


def test_a_library_without_the_light_that_a_model_needs(loaded, monkeypatch):
    monkeypatch.setitem(NEBULAR_MODELS._items, "plug_odd", odd(scale="ionizing_luminosity_lsun"))
    dark = miniature_library(ionizing_luminosity_lsun=np.full((METALLICITY.size, AGE_YR.size), np.nan))
    with pytest.raises(CoverageError, match="needs light below 911.75 A, which library 'miniature' does not hold"):
        Simulator(recipe_of(loaded, nebular={"model": "plug_odd"}), dark)


class Table(SSPNebularModel):
    name, parameters = "plug_table", (Parameter("log_n", "", "", 1.0),)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (type("Bare", (), {"name": "plug_bare"})(), "derive its class from NebularModel or SSPNebularModel"),
        (odd(name="none"), "that name means something else"),
        (odd(scale="mass"), "scale is one of photon_rate, ionizing_luminosity_lsun, sfr_10myr, not 'mass'"),
        (odd(parameters=(Parameter("a", "", "", 1.0, size=3),)), "the parameter 'a' must be a number"),
        (odd(parameters=(Parameter("continuum", "", "", 1.0),)), "'continuum' must be a number with a name other"),
        (Table(), "tables per population have the parameter log_u, not"),
    ],
)
def test_models_that_cannot_be_registered(model, message):
    with pytest.raises(RecipeError, match=message):
        register_nebular_model(model)
