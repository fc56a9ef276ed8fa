"""A dust emission model in a file of its own: from a recipe that names it to a verified data set."""

import numpy as np
import pytest
import yaml
from miniature import infrared_library, miniature_recipe
from test_plugins import run

from sfhsim.libraries import save_library
from sfhsim.records.dataset import Dataset

PLUGIN = """
import numpy as np

from sfhsim import elementary
from sfhsim.dust import register_dust_emission
from sfhsim.histories.parameters import Parameter


class ModifiedBlackBody:
    name = "modified_black_body"
    parameters = (
        Parameter("temperature_k", "K", "of the grains", 25.0, 5.0, 2000.0),
        Parameter("beta", "", "power of frequency of their emissivity", 1.8, 0.0, 3.0),
    )
    wave_aa = 10.0 ** np.linspace(4.0, 7.0, 301)

    def spectrum(self, params):
        temperature, beta = params["temperature_k"][:, None], params["beta"][:, None]
        x = 1.4387769e8 / (self.wave_aa * temperature)
        return elementary.power(self.wave_aa / 1e6, -5.0 - beta) / elementary.expm1(np.minimum(x, 600.0))


register_dust_emission(ModifiedBlackBody())
"""
WARM = {"distribution": "uniform", "min": 150.0, "max": 400.0}
BANDS = ("HST/WFC3_UVIS.F814W", "JWST/MIRI.F770W", "JWST/MIRI.F2100W")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the plug-in and a recipe that needs it; the library is installed."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(infrared_library(), tmp_path / "home" / "libraries" / "infrared")
    (tmp_path / "my_dust.py").write_text(PLUGIN)
    content = miniature_recipe(
        library="infrared",
        spectrum={"step_aa": 10.0},
        photometry={"filters": list(BANDS), "error_mag": 0.0},
    )
    content["dust"]["emission"] = {"model": "modified_black_body", "parameters": {"temperature_k": WARM, "beta": 2}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_from_a_recipe_to_a_verified_data_set(place):
    made = run(place, "generate", "mine.yaml", "--out", "d", "-n", 60, "--workers", 2, "--plugin", "my_dust.py")
    assert made.returncode == 0, made.stderr
    dataset = Dataset(place / "d")
    assert dataset.manifest["plugins"] == ["my_dust"]
    records = dataset.arrays()
    truths = dict(zip(dataset.truth_names, records["truth"].T, strict=True))
    kelvin = truths["dust.emission.temperature_k"]
    assert ((kelvin >= 150.0) & (kelvin <= 400.0)).all()
    assert (truths["dust_luminosity_lsun"] > 0).all()
    colour = records["photometry"][:, 1] - records["photometry"][:, 2]  # F770W - F2100W
    assert np.corrcoef(colour, 1.0 / kelvin)[0, 1] > 0.98
    assert run(place, "verify", "d").returncode == 0


def test_edited_code_does_not_continue_the_data_set_of_the_old(place):
    options = ("generate", "mine.yaml", "--out", "d", "-n", 40, "--workers", 1, "--plugin", "my_dust.py")
    assert run(place, *options).returncode == 0
    (place / "my_dust.py").write_text(PLUGIN.replace("-5.0 - beta", "-5.0 - 0.9 * beta"))
    next(path for path in (place / "d").glob("train*")).unlink()
    refused = run(place, "verify", "d", "--repair", "--workers", 1, "--plugin", "my_dust.py")
    assert refused.returncode == 1
    assert "dust emission modified_black_body" in refused.stderr


def test_the_recipe_is_refused_without_the_plug_in(place):
    refused = run(place, "recipe", "check", "mine.yaml")
    assert refused.returncode == 1
    assert "dust.emission: no dust emission model is called 'modified_black_body'" in refused.stderr
