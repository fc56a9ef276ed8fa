"""`sfhmodel map` on the command line."""

import subprocess
import sys

import numpy as np
import pytest
import small_cubes
from astropy.io import fits
from typer.testing import CliRunner

from sfhmodel.cli.main import app


def invoke(*words):
    return CliRunner().invoke(app, ["map", *map(str, words)])


def test_a_cube_becomes_maps_pictures_and_a_log(tmp_path):
    cube = small_cubes.make_cube(tmp_path / "cube.fits", snr=60.0)
    out, plots, log = tmp_path / "maps.fits", tmp_path / "plots", tmp_path / "map.log"
    words = ["phangs-muse-hst", cube.path, "--out", out, "--redshift", "0.005", "--bins", "square:2"]
    done = invoke(*words, "--plots", plots, "--log", log, "--check")
    assert done.exit_code == 0, done.output
    assert f"maps: {out} (12 bins of 47 spaxels" in done.output.replace("\n", "")
    with fits.open(out) as hdus:
        assert hdus["SIGMA"].data.shape == (6, 8)
        assert abs(hdus["V"].data[3, 7] - hdus["V"].data[3, 0] - (cube.velocity[3, 7] - cube.velocity[3, 0])) < 60.0
        assert len(hdus["SPECTRA"].data) == 4
        assert np.isfinite(hdus["CHECK_RMS"].data).sum() == 47
    assert (plots / "maps.html").is_file()
    assert (plots / "check.png").is_file()
    assert "12 bins of 47 spaxels" in log.read_text()
    again = invoke(*words)
    assert again.exit_code != 0
    assert "exists" in str(again.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--image", "F555W"], "give BAND=FILE"),
        (["--bins", "hexagons"], "choose spaxel"),
        (["--velocity", "none.fits"], "there is no file none.fits"),
        (["--extinction-curve", "F04"], "there are F99, CCM89"),
        (["--ebv", "-0.1"], "ebv must be"),
        (["--inclination", "40"], "together with the position angle"),
        (["--inclination", "90", "--position-angle", "0"], "inclination_deg must be"),
        (["--memory-mb", "0"], "memory_mb must be"),
        (["--snr", "none.fits"], "there is no file none.fits"),
        (["--engine", "dask"], "needs a scheduler's address"),
        (["--scheduler", "tcp://node:8786"], "needs the engine dask"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_done(words, message, tmp_path):
    done = invoke("phangs-muse-hst", tmp_path / "cube.fits", "--out", tmp_path / "maps.fits", *words)
    assert done.exit_code != 0
    assert message in str(done.exception)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from sfhmodel.cli.main import app; assert not {'tensorflow', 'keras', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
