"""Measurements as truths: built-in ones by both paths, and one in a file of its own to a verified data set."""

import numpy as np
import pytest
import yaml
from loaded_plugin import loaded_plugin
from miniature import WAVE_AA, miniature_library, miniature_recipe
from test_plugins import run

from sfhsim import Simulator, load_recipe
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument import MEASUREMENTS, Measurement, register_measurement
from sfhsim.libraries import save_library
from sfhsim.records.dataset import Dataset
from sfhsim.synthesis import synthesize_galaxy

PLUGIN = """
import numpy as np

from sfhsim import elementary
from sfhsim.instrument import Measurement, register_measurement


class UVColour(Measurement):
    name, unit = "plug_uv_colour", "mag"
    description = "2200-2400 A against 5400-5600 A"
    windows_aa = np.array([[2200.0, 2400.0], [5400.0, 5600.0]])

    def value(self, means):
        return -2.5 * elementary.log10(means[:, 0] / means[:, 1])


register_measurement(UVColour())
"""
NAMES = ["d4000_narrow", "plug_uv_colour", "halpha_ew_aa"]
DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the plug-in and a recipe that needs it; the library is installed."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    (tmp_path / "plug_index.py").write_text(PLUGIN)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(miniature_recipe(measurements=NAMES)))
    return tmp_path


@pytest.fixture
def loaded(place):
    """The same, with the plug-in loaded for this test alone."""
    with loaded_plugin(place / "plug_index.py", MEASUREMENTS, "plug_uv_colour"):
        yield place


def recipe_of(place, **sections):
    (place / "r.yaml").write_text(yaml.safe_dump(miniature_recipe(**sections)))
    return load_recipe(place / "r.yaml")


def test_from_a_recipe_to_a_verified_data_set(loaded):
    place, options = loaded, ("-n", 60, "--shard-size", "300kB", "--workers", 2, "--plugin", "plug_index.py")
    made = run(place, "generate", "mine.yaml", "--out", "two", *options)
    assert made.returncode == 0, made.stderr
    assert run(place, "verify", "two").returncode == 0
    dataset = Dataset(place / "two")
    assert dataset.truth_names[-3:] == [f"measured.{name}" for name in NAMES]
    records = dataset.arrays()
    here = Simulator.from_recipe(load_recipe(place / "mine.yaml")).batch(records["sample_id"])
    np.testing.assert_array_equal(here.truth, records["truth"])
    refused = run(place, "recipe", "check", "mine.yaml")
    assert refused.returncode == 1
    assert "measurements: no measurement is called 'plug_uv_colour'" in refused.stderr


@pytest.mark.parametrize("kinematics", [{}, DRAWN], ids=["fixed", "drawn"])
def test_both_paths_measure_the_same(loaded, kinematics):
    recipe, library = recipe_of(loaded, measurements=NAMES, kinematics=kinematics), miniature_library()
    simulator = Simulator(recipe, library)
    batch = simulator.batch(range(5))
    np.testing.assert_array_equal(simulator.batch([3]).truth[0], batch.truth[3])
    again = Simulator.from_compiled(simulator.compiled()).batch(range(5))
    np.testing.assert_array_equal(again.truth, batch.truth)
    names = [entry["name"] for entry in simulator.truths.entries]
    for i in range(5):
        galaxy = synthesize_galaxy(recipe, i, library=library)
        for name, tolerance in zip(NAMES, (5e-4, 1e-3, 0.02), strict=True):
            measured = batch.truth[i, names.index(f"measured.{name}")]
            assert measured == pytest.approx(galaxy.measure(name), abs=tolerance, rel=1e-3)


def test_the_rest_of_a_galaxy_is_as_without(loaded):
    library = miniature_library()
    plain, measured = (recipe_of(loaded, measurements=names) for names in ([], NAMES))
    without, with_ones = (Simulator(recipe, library).batch(range(5)) for recipe in (plain, measured))
    np.testing.assert_array_equal(with_ones.spectrum, without.spectrum)
    np.testing.assert_array_equal(with_ones.photometry, without.photometry)
    np.testing.assert_array_equal(with_ones.truth[:, :-3], without.truth)


def test_known_light():
    flat, line = np.ones((2, 3)), np.array([0.0, 30.0 / 14.0, 0.0])
    assert MEASUREMENTS.get("halpha_ew_aa").value(flat).tolist() == [0.0, 0.0]
    np.testing.assert_allclose(MEASUREMENTS.get("halpha_ew_aa").value(flat + line), 30.0)
    of_f_nu = 1.0 / np.array([[3900.0, 4050.0]]) ** 2
    np.testing.assert_allclose(MEASUREMENTS.get("d4000_narrow").value(of_f_nu), 1.0)


class Odd(Measurement):
    name = "plug_odd"
    windows_aa = np.array([[5000.0, 5100.0]])

    def value(self, means):
        return means


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows_aa": np.zeros((0, 2))}, "windows_aa must be"),
        ({"windows_aa": np.array([[5100.0, 5000.0]])}, "windows_aa must be"),
        ({"windows_aa": np.array([5000.0, 5100.0])}, "windows_aa must be"),
        ({"parameters": (1,)}, r"parameters must be \(\), none can be given"),
    ],
)
def test_what_cannot_be_registered(changes, message):
    with pytest.raises(RecipeError, match=f"measurement 'plug_odd': {message}"):
        register_measurement(type("Changed", (Odd,), changes)())


def test_what_cannot_be_measured(loaded, monkeypatch):
    with pytest.raises(RecipeError, match="a measurement is listed twice"):
        recipe_of(loaded, measurements=["d4000_narrow", "d4000_narrow"])
    monkeypatch.setitem(MEASUREMENTS._items, "plug_odd", Odd())
    recipe = recipe_of(loaded, measurements=["plug_odd"])
    with pytest.raises(RecipeError, match=r"measurement 'plug_odd': value of shape \(2, 1\), expected \(2,\)"):
        Simulator(recipe, miniature_library()).batch(range(2))
    monkeypatch.setattr(Odd, "windows_aa", np.array([[WAVE_AA[-1] - 10.0, WAVE_AA[-1] + 10.0]]))
    with pytest.raises(CoverageError, match="measurement 'plug_odd' needs 29990-30010 A, miniature covers 850-30000 A"):
        Simulator(recipe, miniature_library())


def test_a_measurement_without_a_value_says_so():
    with pytest.raises(NotImplementedError, match="measurement '' does not define its value"):
        Measurement().value(np.zeros((1, 0)))
