"""A noise model in a file of its own: from a recipe that names it to a verified data set, by both paths."""

import numpy as np
import pytest
import yaml
from loaded_plugin import loaded_plugin
from miniature import miniature_library, miniature_recipe
from test_plugins import run

from sfhsim import Simulator, load_recipe
from sfhsim.errors import RecipeError
from sfhsim.instrument import NOISE_MODELS
from sfhsim.libraries import save_library
from sfhsim.records.dataset import Dataset
from sfhsim.synthesis import synthesize_galaxy

PLUGIN = """
import numpy as np

from sfhsim.histories.parameters import Parameter
from sfhsim.instrument import NoiseModel, register_noise_model


class Sky(NoiseModel):
    name = "plug_sky"
    parameters = (
        Parameter("sky_level", "", "photons of the sky by those of the source, in their medians", 1.0, 0.0, 100.0),
        Parameter("shared", "", "noise that a pixel shares with the next", 0.0, 0.0, 1.0),
    )

    def shape(self, relative_flux, wave_aa, params):
        line = 1.0 / (1.0 + ((wave_aa - 5577.3) / 10.0) ** 2)
        return np.sqrt(np.maximum(relative_flux, 0.0) + params["sky_level"][:, None] * (0.1 + 10.0 * line))

    def deviates(self, normals, params):
        shared = params["shared"][:, None]
        return (normals + shared * np.roll(normals, 1, axis=1)) / np.sqrt(1.0 + shared**2)


register_noise_model(Sky())
"""
LEVEL = {"distribution": "uniform", "min": 0.1, "max": 5.0}
NOISE = {"model": "plug_sky", "snr": 20.0, "parameters": {"sky_level": LEVEL, "shared": 0.5}}
CURVE = {"wave_aa": [4000.0, 8000.0], "relative_snr": [1.0, 2.0]}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the plug-in and a recipe that needs it; the library is installed."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    (tmp_path / "plug_noise.py").write_text(PLUGIN)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(miniature_recipe(noise=NOISE)))
    return tmp_path


@pytest.fixture
def loaded(place):
    """The same, with the plug-in loaded for this test alone."""
    with loaded_plugin(place / "plug_noise.py", NOISE_MODELS, "plug_sky"):
        yield place


def test_from_a_recipe_to_a_verified_data_set(loaded):
    place, options = loaded, ("-n", 80, "--shard-size", "300kB", "--workers", 2, "--plugin", "plug_noise.py")
    made = run(place, "generate", "mine.yaml", "--out", "two", *options)
    assert made.returncode == 0, made.stderr
    dataset = Dataset(place / "two")
    assert dataset.manifest["plugins"] == ["plug_noise"]
    assert len(dataset.manifest["shards"]) > 2
    assert run(place, "verify", "two").returncode == 0
    records = dataset.arrays()
    here = Simulator.from_recipe(load_recipe(place / "mine.yaml")).batch(records["sample_id"])
    np.testing.assert_array_equal(here.spectrum, records["spectrum"])
    np.testing.assert_array_equal(here.spectrum_error, records["spectrum_error"])
    truths = dict(zip(dataset.truth_names, records["truth"].T, strict=True))
    assert ((truths["noise.sky_level"] >= 0.1) & (truths["noise.sky_level"] <= 5.0)).all()
    on_line = np.argmin(np.abs(dataset.wave_aa - 5577.3))
    ratio = records["spectrum_error"][:, on_line] / records["spectrum_error"][:, 0]
    expected = np.sqrt((1.0 + 10.1 * truths["noise.sky_level"]) / (1.0 + 0.1 * truths["noise.sky_level"]))
    assert np.corrcoef(ratio, expected)[0, 1] > 0.98


def test_both_paths_give_the_same_errors_in_any_batch(loaded):
    content = miniature_recipe(noise=NOISE | {"curve": CURVE})
    (loaded / "curve.yaml").write_text(yaml.safe_dump(content))
    recipe, library = load_recipe(loaded / "curve.yaml"), miniature_library()
    simulator = Simulator(recipe, library, basis_tolerance=0.0)
    batch = simulator.batch(range(6))
    np.testing.assert_array_equal(simulator.batch([4]).spectrum[0], batch.spectrum[4])
    np.testing.assert_allclose(np.median(batch.noise_free_spectrum / batch.spectrum_error, axis=1), 20.0, rtol=1e-4)
    scale = simulator.flux_scale(batch.draws) / batch.draws.values["total_mass_msun"]
    for i in range(3):
        error = synthesize_galaxy(recipe, i, library=library).spectrum_error(recipe) * scale[i]
        np.testing.assert_allclose(batch.spectrum_error[i], error, rtol=2e-3)
    deviate = (batch.spectrum - batch.noise_free_spectrum) / batch.spectrum_error
    assert np.mean(deviate**2) == pytest.approx(1.0, abs=0.1)
    assert np.mean(deviate[:, 1:] * deviate[:, :-1]) == pytest.approx(0.5 / 1.25, abs=0.1)


def test_the_rest_of_a_galaxy_is_as_with_any_other_noise(loaded):
    library = miniature_library()
    plain = miniature_recipe(noise={"model": "constant", "snr": 20.0})
    (loaded / "plain.yaml").write_text(yaml.safe_dump(plain))
    own, other = (
        Simulator(load_recipe(loaded / name), library).batch(range(5)) for name in ("mine.yaml", "plain.yaml")
    )
    np.testing.assert_array_equal(own.noise_free_spectrum, other.noise_free_spectrum)
    np.testing.assert_array_equal(own.photometry, other.photometry)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sky": 1.0}, "noise: unknown key 'sky' in parameters: plug_sky takes shared, sky_level"),
        ({"shared": {"distribution": "uniform", "min": 0.0, "max": 2.0}}, "noise: shared spans 0 to 2, outside"),
    ],
)
def test_parameters_are_checked(loaded, parameters, message):
    (loaded / "r.yaml").write_text(yaml.safe_dump(miniature_recipe(noise=NOISE | {"parameters": parameters})))
    with pytest.raises(RecipeError, match=message):
        load_recipe(loaded / "r.yaml")


def test_the_recipe_is_refused_without_the_plug_in(place):
    refused = run(place, "recipe", "check", "mine.yaml")
    assert refused.returncode == 1
    assert "noise: no noise model is called 'plug_sky'" in refused.stderr
    taken = miniature_recipe(noise={"model": "poisson", "parameters": {"sky_level": 1.0}})
    (place / "r.yaml").write_text(yaml.safe_dump(taken))
    with pytest.raises(RecipeError, match="unknown key 'sky_level' in parameters: poisson takes none"):
        load_recipe(place / "r.yaml")
