"""The benchmark of maps, without its timings: that it compares rightly and writes cubes that can be read."""

import numpy as np
import pytest
from astropy.io import fits

from benchmarks import maps, observed_maps
from sfhmodel.mapping.cube import open_cube


@pytest.fixture
def files(tmp_path):
    """Maps of 100 bins that are off by a known amount, and the truth."""
    y, x = np.indices((20, 20))
    bin_id = (y // 2) * 10 + x // 2
    radius = np.hypot(x - 9.5, y - 9.5)
    light, age, velocity = np.exp(-radius / 8.0), 9.5 - 0.02 * radius, 10.0 * (x - 9.5)
    true = {"FLUX": light, "V": velocity, "LOG_AGE_LW": age}
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(image, name=name) for name, image in true.items())]
    fits.HDUList(hdus).writeto(tmp_path / "truth.fits")
    count = np.bincount(bin_id.ravel())

    def of_bins(image, weight):
        return np.bincount(bin_id.ravel(), (image * weight).ravel()) / np.bincount(bin_id.ravel(), weight.ravel())

    off = np.where(np.arange(100) % 4 == 0, 0.12, 0.04)
    ones = np.ones(light.shape)
    columns = {
        "X": of_bins(x, ones),
        "Y": of_bins(y, ones),
        "FLUX": np.bincount(bin_id.ravel(), light.ravel()),
        "NSPAX": count,
        "V": of_bins(velocity, light) + 5.0,
        "V_ERR": np.full(100, 5.0),
        "LOG_AGE_LW": of_bins(age, light) + off,
        "LOG_AGE_LW_ERR": np.full(100, 0.1),
    }
    table = fits.BinTableHDU.from_columns([fits.Column(k, "D", array=v) for k, v in columns.items()], name="BINS")
    primary = fits.PrimaryHDU()
    primary.header["PIXSCALE"] = 0.5
    fits.HDUList([primary, fits.ImageHDU(bin_id, name="BIN_ID"), table]).writeto(tmp_path / "maps.fits")
    return tmp_path / "maps.fits", tmp_path / "truth.fits"


def test_differences_are_measured_as_they_are(files, capsys):
    rows = maps.compare(*files, effective_radius_arcsec=2.0, furthest_re=9.0)
    assert rows["V"]["bias"] == pytest.approx(5.0)
    assert rows["V"]["pull"] == pytest.approx(0.0, abs=1e-6)
    age = rows["LOG_AGE_LW"]
    assert age["bias"] == pytest.approx(0.04)
    assert age["within"] == pytest.approx(0.75)
    assert age["true_gradient"] == pytest.approx(-0.08, abs=0.01)  # 0.02 dex a spaxel of half an arcsec
    assert age["gradient"] == pytest.approx(age["true_gradient"], abs=0.01)
    assert abs(age["velocity_correlation"]) < 0.3
    maps.show(rows)
    assert "LOG_AGE_LW" in capsys.readouterr().out


def test_cubes_that_are_made_can_be_read(tmp_path):
    wave = np.arange(4750.0, 5100.0, 1.25)
    path = maps.write_cube(tmp_path / "cube.fits", (6, 5), wave, range(2, 4))
    with open_cube(path) as cube:
        assert cube.shape == (6, 5)
        np.testing.assert_allclose(cube.wave_aa, wave)
        block = next(cube.blocks(slice(100, 200), 6))
    good = block.good.reshape(6, 5, -1)
    assert good[2:4].all()
    assert not good[[0, 1, 4, 5]].any()
    assert np.median(block.flux.reshape(6, 5, -1)[2:4]) == pytest.approx(1000.0, rel=0.5)


def test_noise_that_neighbours_share_grows_faster_than_that_of_independent_spaxels():
    """Smoothed by (a, 1, a) in two directions, a = 0.15: sums of 2 x 2 have 1 + 2 a / (1 + 2 a^2) times the noise."""
    rng = np.random.default_rng(0)
    white = rng.normal(size=(600, 22, 22))
    smooth = white[:, 1:-1] + 0.15 * (white[:, :-2] + white[:, 2:])
    smooth = smooth[..., 1:-1] + 0.15 * (smooth[..., :-2] + smooth[..., 2:])
    light = 100.0 + np.sin(np.arange(600) / 2.0)[:, None, None] * np.ones((20, 20))
    assert observed_maps.noise_growth(light + white[:, 1:-1, 1:-1], 2) == pytest.approx(1.0, abs=0.03)
    assert observed_maps.noise_growth(light + smooth, 2) == pytest.approx(1.0 + 0.3 / 1.045, abs=0.03)


@pytest.mark.peer
def test_ppxf_counts_velocities_from_where_it_is_told():
    pytest.importorskip("ppxf")
    from sfhmodel.mapping.kinematics.templates import LogGrid, stellar_basis

    grid = LogGrid.between(4800.0, 5500.0, 70.0)
    basis = stellar_basis(grid)
    flux = basis.broadened(basis.transform[:1], np.array([1.0]), np.array([1.5]))[0]
    right, wrong = (observed_maps.ppxf_velocities(flux, grid, first_pixel=first) for first in (False, True))
    assert right[0, 0] == pytest.approx(70.0, abs=3.0)
    assert wrong[0, 0] - right[0, 0] == pytest.approx(17.5, abs=0.1)
