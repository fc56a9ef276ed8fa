"""`sfhsim spectrum`: one galaxy to a table, read back by astropy, and a picture."""

import json

import numpy as np
import pytest

from sfhsim import Simulator, load_recipe

PNG = b"\x89PNG\r\n\x1a\n"
COLUMNS = ["wavelength", "flux", "flux_error", "total", "stars", "young", "nebular_continuum", "lines", "dust_free"]


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_the_table_is_the_sample(sfhsim, recipe_file, tmp_path, ending):
    from astropy.table import Table

    outcome = sfhsim("spectrum", recipe_file, "--sample", 4, "--seed", 2, "--out", f"new/one.{ending}")
    assert outcome.code == 0, outcome.err
    assert f"new/one.{ending}" in outcome.out
    table = Table.read(tmp_path / "new" / f"one.{ending}")
    assert table.colnames == COLUMNS
    assert str(table["wavelength"].unit) == "Angstrom"
    assert table["flux"].unit.is_equivalent("erg / (s cm2 Angstrom)")
    batch = Simulator.from_recipe(load_recipe(recipe_file), seed=2).batch([4])
    np.testing.assert_array_equal(np.asarray(table["flux"], dtype=np.float32), batch.spectrum[0])
    np.testing.assert_array_equal(np.asarray(table["flux_error"], dtype=np.float32), batch.spectrum_error[0])
    np.testing.assert_allclose(table["total"], batch.noise_free_spectrum[0], rtol=1e-3)
    np.testing.assert_allclose(table["total"], table["stars"] + table["nebular_continuum"] + table["lines"], rtol=1e-9)
    meta = table.meta if ending == "ecsv" else json.loads("\n".join(table.meta["comments"]))
    assert meta["recipe"] == "small"
    assert (meta["sample_id"], meta["seed"]) == (4, 2)
    energy = meta["energy_lsun"]
    assert energy["attenuated"] + energy["absorbed_birth"] + energy["absorbed_screen"] == pytest.approx(
        energy["emitted"], rel=1e-6
    )
    assert meta["truths"]["total_mass_msun"] == pytest.approx(batch.draws.values["total_mass_msun"][0], rel=1e-6)


def test_with_a_picture(sfhsim, recipe_file, tmp_path):
    outcome = sfhsim("spectrum", recipe_file, "--plot", "pictures/one.png")
    assert outcome.code == 0
    assert (tmp_path / "spectrum.ecsv").is_file()
    assert (tmp_path / "pictures" / "one.png").read_bytes().startswith(PNG)


def test_an_existing_table_is_kept_unless_asked(sfhsim, recipe_file, tmp_path):
    (tmp_path / "mine.ecsv").write_text("precious")
    outcome = sfhsim("spectrum", recipe_file, "--out", "mine.ecsv")
    assert outcome.code == 1
    assert "mine.ecsv exists" in outcome.err
    assert "--overwrite" in outcome.err
    assert (tmp_path / "mine.ecsv").read_text() == "precious"
    assert sfhsim("spectrum", recipe_file, "--out", "mine.ecsv", "--overwrite").code == 0
    assert (tmp_path / "mine.ecsv").read_text().startswith("# %ECSV")


@pytest.mark.parametrize("name", ["one.txt", "one"])
def test_an_ending_that_is_not_known(sfhsim, recipe_file, name):
    outcome = sfhsim("spectrum", recipe_file, "--out", name)
    assert outcome.code == 1
    assert ".ecsv or .fits" in outcome.err


def test_a_picture_of_a_kind_that_is_not_known_is_refused_before_anything_is_written(sfhsim, recipe_file, tmp_path):
    outcome = sfhsim("spectrum", recipe_file, "--plot", "one.xyz")
    assert outcome.code == 1
    assert "one.xyz" in outcome.err
    assert ".png" in outcome.err
    assert not (tmp_path / "spectrum.ecsv").exists()
