"""A plug-in in a file of its own: from a recipe that names what it registers to a verified data set."""

import json
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest
import yaml
from miniature import miniature_library, miniature_recipe

from sfhsim import Simulator, load_recipe, plugins
from sfhsim.dust import DUST_LAWS
from sfhsim.errors import PluginError, RecipeError
from sfhsim.libraries import save_library
from sfhsim.records.dataset import Dataset

PLUGIN = """
import numpy as np

from sfhsim import elementary
from sfhsim.dust import register_dust_law
from sfhsim.histories import register_history, register_metallicity
from sfhsim.histories.parameters import Parameter
from sfhsim.instrument import register_lsf


class Grey:
    name = "slightly_grey"
    parameters = (Parameter("greyness", "", "0 is 1/l", 0.5, 0.0, 1.0),)

    def curve(self, wave_aa, params):
        grey = params["greyness"][:, None]
        return grey + (1 - grey) * (5500.0 / wave_aa)


class Declining:
    name = "declining"
    parameters = (Parameter("tau_gyr", "Gyr", "of the exponential", None, 0.1, 100.0),)

    def cumulative_mass(self, params, age_edges_yr, age_max_yr):
        tau = 1e9 * np.atleast_1d(params["tau_gyr"])[:, None]
        end = np.broadcast_to(age_max_yr, (len(tau),))[:, None]
        age = np.minimum(np.asarray(age_edges_yr)[None, :], end)
        return elementary.expm1(age / tau) / elementary.expm1(end / tau)

    def sfr(self, params, age_yr, age_max_yr):
        tau = 1e9 * np.atleast_1d(params["tau_gyr"])[:, None]
        end = np.broadcast_to(age_max_yr, (len(tau),))[:, None]
        age = np.asarray(age_yr)[None, :]
        return np.where(age <= end, elementary.exp(age / tau) / tau / elementary.expm1(end / tau), 0.0)


class Quarters:  # of cosmic time, constant in each
    name = "quarters"
    parameters = (Parameter("shares", "", "of the mass in each quarter, the latest first", None, 0.0, 1.0, size=4),)
    vector_parameters = {"shares": "share of the mass in a quarter of cosmic time"}

    def vector_size(self, name, history):
        return 4

    def vector_from_uniform(self, name, uniform, history):
        return uniform / uniform.sum(axis=1, keepdims=True)

    def cumulative_mass(self, params, age_edges_yr, age_max_yr):
        shares, age = params["shares"], np.asarray(age_edges_yr)[None, :]
        quarter = np.broadcast_to(age_max_yr, (len(shares),))[:, None] / 4
        parts = [shares[:, k, None] * np.clip(age / quarter - k, 0.0, 1.0) for k in range(4)]
        return np.where(age >= 4 * quarter, 1.0, sum(parts))

    def sfr(self, params, age_yr, age_max_yr):
        shares, age = params["shares"], np.asarray(age_yr)[None, :]
        quarter = np.broadcast_to(age_max_yr, (len(shares),))[:, None] / 4
        inside = [(age >= k * quarter) & (age < (k + 1) * quarter) for k in range(4)]
        return sum(np.where(inside[k], shares[:, k, None] / quarter, 0.0) for k in range(4))


class Step:
    name = "step"
    parameters = (
        Parameter("z_low", "", "before", None, 1e-5, 0.1),
        Parameter("z_high", "", "after half of the mass", None, 1e-5, 0.1),
    )

    def evaluate(self, params, fraction_before, age_yr):
        low, high = (np.broadcast_to(params[k], (len(fraction_before),))[:, None] for k in ("z_low", "z_high"))
        return np.where(fraction_before > 0.5, high, low)


class Wide:
    def __init__(self, factor):
        self.factor = factor

    def fwhm_aa(self, observed_wave_aa):
        return self.factor * np.ones(np.shape(observed_wave_aa))


register_dust_law(Grey())
register_history(Declining())
register_history(Quarters())
register_metallicity(Step())
register_lsf("wide", Wide)
"""
UNIFORM = {"distribution": "uniform", "min": 0.2, "max": 0.8}
SECTIONS = {
    "histories": [
        {"family": "declining", "parameters": {"tau_gyr": {"distribution": "uniform", "min": 1, "max": 9}}},
        {"family": "quarters"},
    ],
    "metallicity": {"form": "step", "parameters": {"z_low": 0.004, "z_high": {**UNIFORM, "min": 0.01, "max": 0.03}}},
    "dust": {"screen": {"law": "slightly_grey", "tau": 0.5, "parameters": {"greyness": UNIFORM}}},
    "spectrum": {"step_aa": 10.0, "lsf": {"name": "wide", "options": {"factor": 6.0}}},
    "kinematics": {"velocity_dispersion_kms": {"distribution": "uniform", "min": 50, "max": 200}, "redshift": 0.01},
    "noise": {"model": "proportional", "snr": 30.0},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the plug-in and a recipe that needs it; the library is installed."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    (tmp_path / "my_laws.py").write_text(PLUGIN)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(miniature_recipe(**SECTIONS)))
    return tmp_path


def run(place, *arguments):
    program = "from sfhsim.cli import main; main()"
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


def test_from_a_recipe_to_a_verified_data_set(place):
    options = ("-n", 60, "--shard-size", "40kB", "--workers", 2, "--plugin", "my_laws.py")
    done = run(place, "generate", "mine.yaml", "--out", "d", *options)
    assert done.returncode == 0, done.stderr
    dataset = Dataset(place / "d")
    assert dataset.manifest["plugins"] == ["my_laws"]
    records = dataset.arrays()
    assert np.isfinite(records["spectrum"]).all()
    truths = dict(zip(dataset.truth_names, records["truth"].T, strict=True))
    assert ((truths["dust.screen.greyness"] >= 0.2) & (truths["dust.screen.greyness"] <= 0.8)).all()
    assert len(set(truths["metallicity.z_high"])) == 60
    quarters = truths["history_family"] == 1
    assert len(set(truths["history.tau_gyr"][~quarters])) == (~quarters).sum() > 10
    shares = np.stack([truths[f"history.1.share.{k}"] for k in range(4)], axis=1)
    np.testing.assert_allclose(shares[quarters].sum(axis=1), 1.0, rtol=1e-6)
    assert np.isnan(shares[~quarters]).all()
    edges_yr = np.array(dataset.manifest["dimensions"]["age_bin"]["edges_yr"])
    youngest = records["mass_fraction"][quarters, 0] / (edges_yr[1] / (1.38e10 / 4))  # of 10 Myr, at z = 0.01
    np.testing.assert_allclose(youngest, shares[quarters, 0], rtol=0.02)
    formed = records["mass_fraction"] > 1e-3
    assert set(np.round(records["metallicity"][formed & (records["metallicity"] < 0.0041)], 6)) == {
        np.float32(0.004).round(6)
    }
    next(path for path in (place / "d").glob("train*")).unlink()
    refused = run(place, "verify", "d", "--repair", "--workers", 1)
    assert refused.returncode == 1
    assert "'slightly_grey'" in refused.stderr or "'step'" in refused.stderr or "'declining'" in refused.stderr
    repaired = run(place, "--plugin=my_laws.py", "verify", "d", "--repair", "--workers", 1)
    assert repaired.returncode == 0, repaired.stderr
    assert run(place, "verify", "d").returncode == 0


def test_an_edited_plug_in_does_not_go_on(place):
    options = ("generate", "mine.yaml", "-n", 30, "--out", "d", "--workers", 1, "--plugin", "my_laws.py")
    assert run(place, *options).returncode == 0
    (place / "my_laws.py").write_text(PLUGIN.replace("(5500.0 / wave_aa)", "1.087 * (5500.0 / wave_aa)"))
    next(path for path in (place / "d").glob("train*")).unlink()
    again = run(place, *options)
    assert again.returncode == 1
    assert "different: the recipe, its library or the sfhsim version" in again.stderr
    repair = run(place, "verify", "d", "--repair", "--workers", 1, "--plugin", "my_laws.py")
    assert repair.returncode == 1
    assert "compiled with other code of dust law slightly_grey than is registered here" in repair.stderr


@pytest.fixture
def forgotten():
    """What a test loads is forgotten after it."""
    loaded, modules = dict(plugins._loaded), set(sys.modules)
    yield
    plugins._loaded.clear()
    plugins._loaded.update(loaded)
    for name in set(sys.modules) - modules:
        if name.startswith("plug_"):
            del sys.modules[name]
    DUST_LAWS._items.pop("flat", None)


FLAT = """
import numpy as np
from sfhsim.dust import register_dust_law
class Flat:
    name, parameters = "flat", ()
    def curve(self, wave_aa, params):
        return np.ones((1, wave_aa.size))
register_dust_law(Flat())
"""


@pytest.mark.usefixtures("forgotten")
def test_modules_by_name_and_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "plug_one.py").write_text(FLAT)
    assert plugins.load_plugin("plug_one") == "plug_one"
    (tmp_path / "plug_two.py").write_text("VALUE = 3\n")
    assert plugins.load_plugin(tmp_path / "plug_two.py") == "plug_two"
    assert plugins.load_plugin(str(tmp_path / "plug_two.py")) == "plug_two"
    assert plugins.loaded_plugins()[-2:] == ("plug_one", str(tmp_path / "plug_two.py"))
    assert plugins.plugin_names()[-2:] == ["plug_one", "plug_two"]


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("plug_missing", None, "no plug-in 'plug_missing': give an installed module's name, or a file"),
        ("plug_missing.py", None, "there is no such file"),
        ("plug_needs.py", "import plug_nowhere", "failed: ModuleNotFoundError: No module named 'plug_nowhere'"),
        ("plug_needs", "import plug_nowhere", "needs the module 'plug_nowhere', which is not installed"),
        ("plug_fails.py", "1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("plug_fails", "1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("json.py", "VALUE = 1", "a module 'json' is loaded already, from elsewhere: rename the file"),
    ],
)
def test_plug_ins_that_cannot_be_loaded(tmp_path, monkeypatch, name, text, message):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = plugins.loaded_plugins()
    if text is not None:
        (tmp_path / f"{name.removesuffix('.py')}.py").write_text(text)
    with pytest.raises(PluginError, match=message):
        plugins.load_plugin(tmp_path / name if name.endswith(".py") else name)
    assert plugins.loaded_plugins() == before
    assert json.dumps(1) == "1"


def test_options_are_taken_from_anywhere():
    taken = plugins.take_options(["a", "--plugin", "x", "b", "--plugin=y.py", "--", "--plugin", "z"])
    assert taken == (["a", "b", "--", "--plugin", "z"], ["x", "y.py"])
    with pytest.raises(PluginError, match="--plugin needs a module's name"):
        plugins.take_options(["a", "--plugin"])


@pytest.mark.usefixtures("forgotten")
def test_what_installed_packages_announce_is_found_when_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "plug_three.py").write_text(FLAT)
    point = metadata.EntryPoint("three", "plug_three", plugins.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == plugins.GROUP else [])
    plugins.load_entry_points.cache_clear()
    assert "plug_three" not in sys.modules
    assert DUST_LAWS.get("flat").name == "flat"
    plugins.load_entry_points.cache_clear()


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"histories": [{"family": "dense_basis", "parameters": {"interval_fractions": 0.5}}]}, "unknown key 'inter"),
        ({"metallicity": {"form": "stepp"}}, "no metallicity history is called 'stepp'"),
        ({"metallicity": {"form": "constant", "parameters": {"z": 0.1}}}, "and no `parameters`"),
        ({"spectrum": {"lsf": {"name": "museum"}}}, "unknown LSF 'museum'"),
        ({"spectrum": {"lsf": {"name": "muse", "options": {"a": 1.0}}}}, "lsf muse takes no `options`"),
        ({"noise": {"model": "gaussian"}}, "noise.model"),
        ({"sources": {"star": {}}}, "no source is called 'star'"),
    ],
)
def test_names_that_nobody_registered(tmp_path, sections, message):
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(miniature_recipe(**sections)))
    with pytest.raises(RecipeError, match=message):
        load_recipe(tmp_path / "r.yaml")


def test_proportional_noise(tmp_path):
    from sfhsim.recipe.loading import recipe_from_dict

    recipe = recipe_from_dict(miniature_recipe(noise={"model": "proportional", "snr": 25.0}))
    batch = Simulator(recipe, miniature_library()).batch(np.arange(5))
    bright = batch.noise_free_spectrum > 0.02 * np.median(batch.noise_free_spectrum, axis=1, keepdims=True)
    np.testing.assert_allclose((batch.noise_free_spectrum / batch.spectrum_error)[bright], 25.0, rtol=1e-5)
