"""Commands on a recipe of several worlds."""

import pytest
import yaml
from miniature import miniature_recipe

from sfhsim import MixtureSimulator, Simulator, load_recipe
from sfhsim.recipe import parse_recipe

PNG = b"\x89PNG\r\n\x1a\n"
WORLDS = [{"name": "closed"}, {"name": "constant", "weight": 3, "override": {"metallicity": {"form": "constant"}}}]


@pytest.fixture
def mixture_file(tmp_path):
    path = tmp_path / "many.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe(name="many") | {"worlds": WORLDS}))
    return path


def test_recipe_show_and_check(sfhsim, mixture_file):
    assert sfhsim("recipe", "show", mixture_file).out == mixture_file.read_text()
    written_out = sfhsim("recipe", "show", "--full", mixture_file).out
    assert "# Share of the galaxies, relative to other worlds." in written_out
    assert parse_recipe(written_out) == load_recipe(mixture_file)
    checked = sfhsim("recipe", "check", mixture_file)
    assert checked.code == 0, checked.err
    assert "world closed, 25% of the galaxies\n" in checked.out
    assert "world constant, 75% of the galaxies\n" in checked.out


def test_recipe_check_simulates_every_world(sfhsim, mixture_file, monkeypatch):
    made = []
    batch = Simulator.batch
    monkeypatch.setattr(Simulator, "batch", lambda self, ids: made.append(self.recipe.name) or batch(self, ids))
    sfhsim("recipe", "check", mixture_file)
    assert made == ["closed", "constant"]


def test_spectrum_and_plot(sfhsim, mixture_file, tmp_path):
    from astropy.table import Table

    outcome = sfhsim("spectrum", mixture_file, "--sample", 4, "--seed", 2, "--plot", "one.png")
    assert outcome.code == 0, outcome.err
    simulator = Simulator.from_recipe(str(mixture_file), seed=2)
    assert isinstance(simulator, MixtureSimulator)
    table = Table.read(tmp_path / "spectrum.ecsv")
    assert (table["flux"] == simulator.batch([4]).spectrum[0]).all()
    assert table.meta["recipe"] == f"many, world {simulator.of_sample(4).recipe.name}"
    assert sfhsim("plot", mixture_file, "--out", "pictures").code == 0
    for picture in ("one.png", "pictures/histories.png", "pictures/spectrum.png"):
        assert (tmp_path / picture).read_bytes().startswith(PNG)


def test_generate_and_inspect(sfhsim, mixture_file):
    outcome = sfhsim("generate", mixture_file, "-n", 20, "--workers", 1, "--out", "set", "--plots")
    assert outcome.code == 0, outcome.err
    assert "worlds      closed 25%, constant 75%" in sfhsim("inspect", "set").out
    assert sfhsim("verify", "set").code == 0
