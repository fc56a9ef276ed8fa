"""`sfhmodel inspect`: what would be read, and a picture of it, without a model and without TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest
import typer
from astropy.io import fits
from astropy.table import Table
from typer.testing import CliRunner

from sfhmodel.cli.inspect import register
from sfhmodel.errors import ConfigError, InputError
from sfhmodel.spectra import ReadOptions
from sfhmodel.spectra.inspection import inspect_file, plot_inspections

WAVE_AA = np.linspace(4700.0, 7300.0, 300)


def command(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


@pytest.fixture
def spectrum(tmp_path):
    flux = np.where(np.arange(300) < 60, np.nan, 2.0)
    table = Table({"wave": WAVE_AA / 10.0, "flux": flux, "err": 0.04 * np.ones(300), "mask": np.arange(300) > 297})
    table["wave"].unit = "nm"
    table.meta["redshift"] = 0.05
    table.write(tmp_path / "a.ecsv")
    return tmp_path / "a.ecsv"


def test_what_is_said(spectrum):
    result = command(spectrum)
    assert result.exit_code == 0, result.output
    for words in (
        "a.ecsv: 1 spectrum, layout text",
        "wavelengths  4700.00-7300.00 A, air, 300 pixels, 8.7-8.7 A wide",
        "redshift     0.05, rest frame 4476-6952 A",
        "coverage     79.3% of the pixels can be used",
        "errors       median 0.04, S/N 50 per pixel",
        "mask         0.7% left out",
        "note: wavelengths from 'wave', flux from 'flux', errors from 'err', mask from 'mask'",
        "note: column 'mask': true = bad",
        "note: wavelengths in nm (column 'wave')",
        "note: wavelengths taken to be in air (--medium)",
    ):
        assert words in result.output


def test_options_and_several_files(spectrum, tmp_path):
    np.savez(tmp_path / "many.npz", wavelength_aa=WAVE_AA, flux=np.ones((8, 300)))
    (tmp_path / "broken.txt").write_text("no spectrum")
    result = command(
        spectrum, tmp_path / "broken.txt", tmp_path / "many.npz", "--redshift", "0.2", "--medium", "vacuum"
    )
    assert result.exit_code == 1
    for words in (
        "error: ",
        "broken.txt is no table",
        "8 spectra, layout arrays",
        "and 3 more",
        "vacuum",
        "0.2, rest frame",
    ):
        assert words in result.output
    assert "no redshift of 8 of 8" in command(tmp_path / "many.npz").output


def test_pictures(spectrum, tmp_path):
    result = command(spectrum, "--plot", tmp_path / "a.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    below = inspect_file(spectrum)
    below.spectra[0].flux[:] = -1.0
    plot_inspections([below], tmp_path / "b.pdf")
    with pytest.raises(ConfigError, match="cannot write"):
        plot_inspections([below], "/proc/nothing/a.png")


def test_resolution_and_gaps_are_said(tmp_path):
    wave_aa = np.concatenate([np.arange(4700.0, 5500.0, 2.0), np.arange(5900.0, 7000.0, 2.0)])
    table = fits.BinTableHDU(Table({"WAVE": wave_aa, "FLUX": np.ones(wave_aa.size)}))
    table.header["SPEC_RES"] = 2500.0
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "a.fits")
    said = str(inspect_file(tmp_path / "a.fits"))
    assert "the widest gap is 5498-5900 A" in said
    assert "R 2500" in said
    assert "errors       none" in said
    with pytest.raises(InputError, match="unknown layout"):
        inspect_file(tmp_path / "a.fits", ReadOptions(layout="no"))


def test_nothing_heavy_is_imported(spectrum):
    code = (
        "import sys\nfrom sfhmodel.cli.main import app\n"
        f"app(['inspect', {str(spectrum)!r}], standalone_mode=False)\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
