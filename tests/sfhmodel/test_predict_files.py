"""From files to a table and pictures: function and command; magnitudes beside them; files that cannot be used."""

import subprocess
import sys

import numpy as np
import pytest
import typer
from astropy.table import Table
from small_networks import galaxies, small_description, small_model
from typer.testing import CliRunner

from sfhmodel.cli.predict import register
from sfhmodel.errors import ConfigError, InputError, ModelFileError
from sfhmodel.inference import load
from sfhmodel.inference.from_files import predict_files
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.spectra import ReadOptions

WAVE_AA = np.linspace(4700.0, 7300.0, 300)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    small_model("attention").save(path)
    return path


@pytest.fixture
def spectra(tmp_path):
    """Two files with a spectrum each and one with three; names one, two, a, b, c."""
    inputs = galaxies(small_description(), 5, seed=4)[0]
    flux = [np.interp(WAVE_AA, small_description().wave_aa, f) for f in inputs["flux"]]
    for name, values in zip(("one", "two"), flux[:2], strict=True):
        table = Table({"wave": WAVE_AA, "flux": values, "error": 0.03 * np.ones(300)}, meta={"redshift": 0.001})
        table.write(tmp_path / f"{name}.ecsv")
    np.savez(tmp_path / "more.npz", wavelength_aa=WAVE_AA, flux=flux[2:], redshift=0.001, names=["a", "b", "c"])
    return [tmp_path / name for name in ("one.ecsv", "two.ecsv", "more.npz")]


def command(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


# --- what goes well -------------------------------------------------------------------------------------------------


def test_command_writes_a_table_and_pictures(model_file, spectra, tmp_path):
    result = command(model_file, *spectra, "--out", tmp_path / "out.ecsv", "--plots", tmp_path / "plots")
    assert result.exit_code == 0, result.output
    table = Table.read(tmp_path / "out.ecsv")
    assert list(table["name"]) == ["one", "two", "a", "b", "c"]
    assert "5 spectra" in result.output
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        f"{n}.png" for n in ("a", "b", "c", "one", "two")
    ]


def test_function_gives_what_the_predictor_does(model_file, spectra, tmp_path):
    outcome = predict_files(model_file, spectra[2:], tmp_path / "out.npz")
    with np.load(spectra[2]) as arrays:
        direct = load(model_file).predict(arrays["wavelength_aa"], arrays["flux"], redshift=0.001)
    np.testing.assert_allclose(outcome.prediction.mass_fraction, direct.mass_fraction, rtol=2e-4)
    assert outcome.ok
    assert outcome.table == tmp_path / "out.npz"


def test_notes_of_files_are_told(model_file, spectra, tmp_path):
    np.savetxt(tmp_path / "plain.dat", np.column_stack([WAVE_AA[:250], np.ones(250)]))
    outcome = predict_files(model_file, [tmp_path / "plain.dat"], tmp_path / "out.npz")
    told = str(outcome)
    for words in ("taken to be in air", "no redshift in it", "covers 9"):
        assert words in told


def test_options_reach_the_readers_and_the_preparation(model_file, tmp_path):
    np.savetxt(tmp_path / "a.dat", np.column_stack([WAVE_AA / 10.0, np.ones(300), 0.01 * np.ones(300)]))
    arguments = (model_file, tmp_path / "a.dat", "--out", tmp_path / "out.ecsv", "--redshift", 0.01)
    assert "look like nanometres" in command(*arguments).output
    assert not (tmp_path / "out.ecsv").exists()
    good = command(*arguments, "--wave-unit", "nm", "--error-is", "variance", "--medium", "vacuum", "--keep-sky")
    assert good.exit_code == 0, good.output
    row = Table.read(tmp_path / "out.ecsv")[0]
    assert (row["redshift"], row["masked_fraction"]) == (0.01, 0.0)


def test_spectra_of_one_name_get_pictures_of_their_own(model_file, spectra, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "one.ecsv"
    twin.write_bytes(spectra[0].read_bytes())
    outcome = predict_files(model_file, [spectra[0], twin], tmp_path / "o.npz", plots=tmp_path / "plots")
    assert [path.name for path in outcome.pictures] == ["one.png", "one-2.png"]


# --- magnitudes -----------------------------------------------------------------------------------------------------


def test_magnitudes_in_a_line_hold_for_all(model_file, spectra, tmp_path):
    outcome = predict_files(model_file, spectra[:2], tmp_path / "o.npz", magnitudes="band 0=20.5:0.1, band 2=19")
    np.testing.assert_allclose(outcome.prediction.magnitudes, [[20.5, np.nan, 19.0]] * 2)
    np.testing.assert_allclose(outcome.prediction.magnitude_errors, [[0.1, np.nan, np.nan]] * 2, rtol=1e-6)


def test_magnitudes_by_name(model_file, spectra, tmp_path):
    names = ["c", "two", "one", "b", "a", "someone else"]
    table = Table({"name": names, "band 1": np.arange(6.0) + 15, "band 1_error": np.full(6, 0.2)})
    table["band 1"] = np.ma.masked_array(table["band 1"], mask=[0, 1, 0, 0, 0, 0])
    table.write(tmp_path / "mags.ecsv")
    outcome = predict_files(model_file, spectra, tmp_path / "o.npz", magnitudes=tmp_path / "mags.ecsv")
    np.testing.assert_array_equal(outcome.prediction.magnitudes[:, 1], [17.0, np.nan, 19.0, 18.0, 15.0])
    Table(table[:2]).write(tmp_path / "few.ecsv")
    outcome = predict_files(model_file, spectra, tmp_path / "few.npz", magnitudes=tmp_path / "few.ecsv")
    assert [where for where, _ in outcome.problems] == [str(spectra[0]), str(spectra[2])]
    assert "no row for 'one': its names are c, two" in str(outcome)


def test_magnitudes_in_order(model_file, spectra, tmp_path):
    (tmp_path / "mags.csv").write_text("band 0,band 2\n20,21\n20.5,21.5\n21,22\n21.5,22.5\n22,23\n")
    outcome = predict_files(model_file, spectra, tmp_path / "o.npz", magnitudes=tmp_path / "mags.csv")
    np.testing.assert_array_equal(outcome.prediction.magnitudes[:, 0], [20.0, 20.5, 21.0, 21.5, 22.0])
    with pytest.raises(InputError, match="has 5 rows and there are 2 spectra"):
        predict_files(model_file, spectra[:2], tmp_path / "p.npz", magnitudes=tmp_path / "mags.csv")


@pytest.mark.parametrize("given", ["nothing.ecsv", "B=bright", "B=20:x", "=", "B="])
def test_magnitudes_that_are_none(given):
    with pytest.raises(InputError, match="BAND=mag"):
        MagnitudeSource.of(given)


def test_tables_of_magnitudes_that_are_none(tmp_path):
    (tmp_path / "words.csv").write_text("name,band,remark\na,20,fine\n")
    with pytest.raises(InputError, match="column 'remark' holds no numbers"):
        MagnitudeSource.of(tmp_path / "words.csv")
    (tmp_path / "broken.fits").write_text("no FITS")
    with pytest.raises(InputError, match="cannot be read as a table of magnitudes"):
        MagnitudeSource.of(tmp_path / "broken.fits")


def test_an_unknown_band_is_a_problem_of_the_file(model_file, spectra, tmp_path):
    result = command(model_file, spectra[0], "--out", tmp_path / "o.npz", "--magnitudes", "F999W=20")
    assert result.exit_code == 1
    assert "no band 'F999W': its bands are band 0, band 1, band 2" in result.output
    assert not (tmp_path / "o.npz").exists()


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_other_files_are_done_when_some_cannot_be_used(model_file, spectra, tmp_path):
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  = nonsense")
    np.savetxt(tmp_path / "red.dat", np.column_stack([WAVE_AA + 9000.0, np.ones(300)]))
    files = [tmp_path / "broken.fits", spectra[0], tmp_path / "red.dat", tmp_path / "absent.fits", spectra[1]]
    result = command(model_file, *files, "--out", tmp_path / "out.ecsv", "--plots", tmp_path / "plots")
    assert result.exit_code == 1
    assert list(Table.read(tmp_path / "out.ecsv")["name"]) == ["one", "two"]
    errors = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    for name in ("broken.fits", "red.dat", "absent.fits"):
        assert sum(name in line for line in errors) == 1


def test_bad_spectra_of_a_file_have_a_row_that_says_so(model_file, tmp_path):
    flux = np.ones((3, 300)) + np.linspace(0, 1, 300)
    flux[1] = np.nan
    np.savez(tmp_path / "a.npz", wavelength_aa=WAVE_AA, flux=flux)
    result = command(model_file, tmp_path / "a.npz", "--out", tmp_path / "o.ecsv", "--plots", tmp_path / "plots")
    assert result.exit_code == 1
    assert "a-2: every flux is NaN" in result.output
    table = Table.read(tmp_path / "o.ecsv")
    assert len(table) == 3
    assert np.isnan(table["a_v_mag"][1])
    assert "every flux is NaN" in table["problem"][1]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["a-1.png", "a-3.png"]


def test_nothing_is_written_when_nothing_can_be_used(model_file, tmp_path):
    result = command(model_file, tmp_path / "absent.fits", "--out", tmp_path / "o.ecsv", "--plots", tmp_path / "plots")
    assert result.exit_code == 1
    assert "absent.fits" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_table_is_not_replaced_unawares(model_file, spectra, tmp_path):
    out = tmp_path / "o.npz"
    predict_files(model_file, spectra[:1], out)
    before = out.read_bytes()
    with pytest.raises(ConfigError, match="exists"):
        predict_files(model_file, spectra[1:2], out)
    assert out.read_bytes() == before
    predict_files(model_file, spectra[1:2], out, overwrite=True)
    assert out.read_bytes() != before


def test_a_hostile_file_does_not_stop_the_others(model_file, spectra, tmp_path):
    from hostile_files import header_that_asks_for

    (tmp_path / "huge.fits").write_bytes(header_that_asks_for(7 << 30))
    outcome = predict_files(model_file, [tmp_path / "huge.fits", *spectra], tmp_path / "o.npz")
    assert len(outcome.prediction) == 5
    ((where, what),) = outcome.problems
    assert "huge.fits" in where
    assert "needs" in what


def test_a_predictor_without_memory_says_so(model_file, spectra, tmp_path, monkeypatch):
    from sfhmodel.inference.predictor import Predictor

    monkeypatch.setattr(Predictor, "predict_spectra", lambda *a, **k: (_ for _ in ()).throw(MemoryError()))
    outcome = predict_files(model_file, spectra[:1], tmp_path / "o.npz")
    assert "more memory than there is" in str(outcome)


@pytest.mark.parametrize("ending", ["npz", "ecsv", "fits"])
def test_a_full_disk_is_a_named_error(model_file, spectra, tmp_path, monkeypatch, ending):
    from sfhmodel import files

    def full(*arguments):
        raise OSError(28, "No space left on device")

    before = set(tmp_path.iterdir())
    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(ConfigError, match=rf"cannot write .*o\.{ending}: No space left"):
        predict_files(model_file, spectra[:1], tmp_path / f"o.{ending}")
    assert set(tmp_path.iterdir()) == before
    monkeypatch.undo()
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="cannot be written; choose another place"):
        predict_files(model_file, [], tmp_path / f"o.{ending}")


def test_mistakes_are_found_before_anything_is_read(model_file, tmp_path):
    with pytest.raises(ConfigError, match="written as"):
        predict_files(model_file, [], tmp_path / "o.txt")
    with pytest.raises(ModelFileError, match="no preset 'nobody'"):
        predict_files("nobody", [], tmp_path / "o.npz")
    with pytest.raises(InputError, match="must be one of"):
        predict_files(model_file, [], tmp_path / "o.npz", options=ReadOptions(medium="glass"))
    result = command(model_file, "x.fits", "--out", tmp_path / "o.npz", "--spaxel", "three")
    assert "two whole numbers" in str(result.exception)


def test_help_imports_nothing_heavy():
    code = (
        "import sys, typer; from sfhmodel.cli.predict import register; app = typer.Typer(); register(app)\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'astropy', 'numba', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--magnitudes" in done.stdout
