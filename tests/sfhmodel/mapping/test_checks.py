"""Maps of how well predictions make their spectra again."""

import numpy as np
import pytest
import small_cubes
from astropy.io import fits
from astropy.table import Table

import sfhmodel
from sfhmodel.errors import InputError
from sfhmodel.mapping import MapOptions, flags, map_cube, plot_maps, work
from sfhmodel.mapping.checks import COMMENTS, SHOWN_CHECKED, checked_bins
from sfhmodel.mapping.pictures.check_page import plot_check_page
from sfhmodel.mapping.pictures.map_file import read_maps
from sfhmodel.spectra import ReadOptions

MODEL = sfhmodel.load("phangs-muse-hst")
AT = ReadOptions(redshift=0.005)
STRANGE = (4, 5)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    """A small cube with its velocities in a file, and a spaxel that no stars explain."""
    cube = small_cubes.make_cube(tmp_path_factory.mktemp("cube") / "cube.fits", (5, 6), snr=60.0)
    with fits.open(cube.path, mode="update") as hdus:
        n = hdus["DATA"].data.shape[0]
        hdus["DATA"].data[:, *STRANGE] *= 1.0 + 0.2 * np.sin(np.arange(n) * 1.25 / 15.0)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(cube.velocity, name="V")]
    fits.HDUList(hdus).writeto(cube.path.with_name("v.fits"))
    return cube


def options(cube, **rest):
    return MapOptions(bins="spaxel", velocity=str(cube.path.with_name("v.fits")), **{"chunk_size": 10} | rest)


@pytest.fixture(scope="module")
def checked(cube):
    """Outcomes of a run that was killed and went on, and of one that was not."""
    seen = []

    def dies(spectra, prediction):
        seen.append(len(spectra.bins))
        if len(seen) == 3:
            raise Killed
        return {}

    out, whole = (cube.path.with_name(name) for name in ("maps.fits", "whole.fits"))
    more = {"options": options(cube, check=True), "reading": AT, "hooks": [dies]}
    with pytest.raises(Killed):
        map_cube(MODEL, cube.path, out, **more)
    return map_cube(MODEL, cube.path, out, **more), map_cube(MODEL, cube.path, whole, **more)


def test_a_killed_run_gives_the_same_bytes(checked):
    again, whole = checked
    assert again.maps.read_bytes() == whole.maps.read_bytes()


def test_what_no_stars_explain_is_flagged_and_nothing_else(checked):
    outcome = checked[0]
    assert outcome.n_not_reproduced == 1
    assert "1 not reproduced by what was predicted" in str(outcome)
    assert any("checked with the stars of" in note for note in outcome.notes)
    with fits.open(outcome.maps) as hdus:
        names = ("BIN_ID", "FLAG", "CHECK_CHI2", "CHECK_RMS", "CHECK_MISMATCH")
        bins, flag, chi2, rms, mismatch = (hdus[name].data for name in names)
        assert "made again" in str(hdus["CHECK_CHI2"].header["COMMENT"])
        assert hdus["FLAG"].header["BIT10"] == flags.MEANINGS[flags.NOT_REPRODUCED]
        assert hdus["BINS"].data["CHECK_CHI2"][bins[STRANGE]] == chi2[STRANGE]
    inside = bins >= 0
    np.testing.assert_array_equal(np.isfinite(chi2), inside)
    np.testing.assert_array_equal((flag & flags.NOT_REPRODUCED) != 0, inside & ~(mismatch <= 1.0))
    assert flag[STRANGE] & flags.NOT_REPRODUCED
    inside[STRANGE] = False
    assert 0.7 < np.median(chi2[inside]) < 1.3
    assert rms[inside].max() < 0.04 < rms[STRANGE]


def test_numbers_are_those_of_the_predictor(checked):
    spectra = Table.read(checked[0].maps, hdu="SPECTRA")
    bins = Table.read(checked[0].maps, hdu="BINS")
    wave, flux, error = (np.array(spectra[key]) for key in ("WAVE", "FLUX", "FLUX_ERROR"))
    again = MODEL.predict(wave[0], flux, error, redshift=0.0, check=True)
    for name, values in (("CHECK_CHI2", again.check.chi2), ("CHECK_RMS", again.check.residual_rms)):
        np.testing.assert_allclose(bins[name][spectra["BIN_ID"]], values, rtol=0.02)
    table = Table.read(checked[0].maps, hdu="CHECK")
    np.testing.assert_array_equal(table["BIN_ID"], spectra["BIN_ID"])
    assert table["MODEL"].unit == spectra["FLUX"].unit
    off = np.array(table["FLUX"] - table["MODEL"])
    rms = np.sqrt(np.nanmean(off**2, axis=1)) / np.nanmean(np.abs(table["FLUX"]), axis=1)
    np.testing.assert_allclose(rms, bins["CHECK_RMS"][table["BIN_ID"]], rtol=1e-3)


def test_a_page_shows_it(checked, tmp_path):
    written = plot_maps(checked[0].maps, tmp_path)
    assert "check.png" in [path.name for path in written]
    assert 'alt="check"' in (tmp_path / "maps.html").read_text()
    maps = read_maps(checked[0].maps)
    figure = plot_check_page(maps)
    titles = [axes.get_title() for axes in figure.axes if axes.images and axes.get_title()]
    assert len(titles) == 3
    residuals = [axes for axes in figure.axes if axes.get_ylabel() == "residual [%]"]
    assert len(residuals) == len(maps.checked)
    drawn = residuals[0].lines[1].get_ydata()
    brightness = maps.bins["FLUX"] / maps.bins["NSPAX"]
    row = max(maps.checked, key=lambda row: brightness[row["BIN_ID"]])
    np.testing.assert_allclose(drawn, 100.0 * (row["FLUX"] / row["MODEL"] - 1.0), rtol=1e-3, atol=1e-3)


def test_of_bins_without_spectra_nothing_is_known():
    wave = MODEL.description.wave_aa
    columns, notes = checked_bins(MODEL.predict(wave, np.ones((3, wave.size)), keep_inputs=False), np.array([1]))
    assert set(columns) == {*COMMENTS, *SHOWN_CHECKED}
    assert all(np.isnan(values).all() for values in columns.values())
    assert {name: columns[name].shape[0] for name in columns} == dict.fromkeys(COMMENTS, 3) | dict.fromkeys(
        SHOWN_CHECKED, 1
    )
    assert notes == ()


def test_maps_that_were_not_checked_hold_nothing_of_it(cube, tmp_path):
    outcome = map_cube(MODEL, cube.path, tmp_path / "maps.fits", options=options(cube, chunk_size=2048), reading=AT)
    assert outcome.n_not_reproduced is None
    assert "reproduced" not in str(outcome)
    with fits.open(outcome.maps) as hdus:
        assert not [hdu.name for hdu in hdus if "CHECK" in hdu.name]
        assert not (hdus["FLAG"].data & flags.NOT_REPRODUCED).any()


def test_a_model_that_cannot_be_checked_is_refused_at_once(cube, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "survey", None)
    monkeypatch.setitem(MODEL.model.description.recipe, "worlds", [{"recipe": {}}])
    with pytest.raises(InputError, match="does not hold the recipe"):
        map_cube(MODEL, cube.path, tmp_path / "maps.fits", options=options(cube, check=True), reading=AT)
    assert not list(tmp_path.iterdir())
