"""From a cube to a file of maps, with the model in the box."""

import numpy as np
import pytest
import small_cubes
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from astropy.wcs import WCS

import sfhmodel
from sfhmodel.errors import ConfigError, InputError
from sfhmodel.mapping import MapOptions, map_cube, map_cubes
from sfhmodel.spectra import ReadOptions

MODEL = sfhmodel.load("phangs-muse-hst")
AT = ReadOptions(redshift=0.005)


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    return small_cubes.make_cube(tmp_path_factory.mktemp("cube") / "cube.fits")


@pytest.fixture(scope="module")
def velocities(cube):
    path = cube.path.with_name("v.fits")
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(cube.velocity, name="V"), fits.ImageHDU(cube.sigma, name="SIGMA")]
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture(scope="module")
def mapped(cube, velocities):
    """Every spaxel, in three chunks."""
    options = MapOptions(bins="spaxel", velocity=str(velocities), chunk_size=20)
    calls = []

    def hook(spectra, prediction):
        calls.append(spectra.bins)
        return {"mean_flux": np.nanmean(spectra.flux, axis=1), "youngest": prediction.mass_fraction[:, 0]}

    out = cube.path.with_name("maps.fits")
    outcome = map_cube(MODEL, cube.path, out, options=options, reading=AT, hooks=[hook])
    return outcome, calls


def test_every_spaxel_with_data_has_an_answer_and_the_file_says_where(mapped, cube):
    outcome, _ = mapped
    assert outcome.ok
    assert (outcome.n_bin, outcome.n_spaxel) == (47, 47)
    with fits.open(outcome.maps) as hdus:
        bins = hdus["BIN_ID"].data
        assert bins[0, 0] < 0
        assert hdus["FLAG"].data[0, 0] == 512
        for name in ("LOG_AGE_MW", "METAL_LW", "A_V", "LOG_MASS_DENSITY", "SFR_DENSITY_10MYR", "FRAC_OLD", "NOVELTY"):
            np.testing.assert_array_equal(np.isfinite(hdus[name].data), bins >= 0)
            assert hdus[name].header["BITPIX"] == -32
        assert hdus["LOG_AGE_MW"].header["BUNIT"] == "dex(yr)"
        assert hdus["LOG_AGE_MW_ERR"].header["BUNIT"] == "dex"
        assert hdus["SFH"].data.shape == (16, 6, 8)
        np.testing.assert_allclose(hdus["SFH"].data[:, bins >= 0].sum(axis=0), 1.0, atol=1e-5)
        assert len(hdus["BINS"].data) == 47
        assert len(hdus["AGE_BINS"].data) == 16
        provenance = dict(zip(hdus["PROVENANCE"].data["key"], hdus["PROVENANCE"].data["value"], strict=True))
        assert "phangs-muse-hst" in provenance["model"]


def test_astropy_reads_maps_with_units_and_the_table_without_a_warning(mapped):
    for name in ("LOG_AGE_LW", "V", "A_V", "LOG_MASS_DENSITY", "SFR_DENSITY_100MYR"):
        assert CCDData.read(mapped[0].maps, hdu=name).unit is not None
    table = Table.read(mapped[0].maps, hdu="BINS")
    assert table["SFR_DENSITY_10MYR"].unit.is_equivalent("solMass / (yr pc2)")
    assert len(Table.read(mapped[0].maps, hdu="SPECTRA")["WAVE"][0]) > 1761


def test_maps_and_table_are_on_the_sky_of_the_cube(mapped, cube):
    with fits.open(mapped[0].maps) as hdus, fits.open(cube.path) as original:
        here, there = WCS(hdus["A_V"].header), WCS(original["DATA"].header).celestial
        np.testing.assert_allclose(here.wcs_pix2world([[3.0, 2.0]], 0), there.wcs_pix2world([[3.0, 2.0]], 0))
        table = hdus["BINS"].data
        ra, dec = there.wcs_pix2world(table["X"], table["Y"], 0)
        np.testing.assert_allclose(table["RA"], ra)
        np.testing.assert_allclose(table["DEC"], dec)
        image = hdus["LOG_AGE_LW"].data
        np.testing.assert_array_equal(image[hdus["BIN_ID"].data == 7], table["LOG_AGE_LW"][7])


def test_rotation_leaves_no_trace_and_galaxies_are_told_apart(mapped, cube):
    with fits.open(mapped[0].maps) as hdus:
        age, error, flag = (hdus[name].data for name in ("LOG_AGE_LW", "LOG_AGE_LW_ERR", "FLAG"))
        velocity = hdus["V"].data
    inside = flag != 512
    np.testing.assert_allclose(velocity[inside], cube.velocity[inside], atol=1e-3)
    residual = age - np.array([np.nanmean(age[row]) for row in range(len(age))])[:, None]
    slope = np.polyfit(velocity[inside], residual[inside], 1)[0]
    assert abs(slope) * 300.0 < 0.1  # dex from one side of the disc to the other
    assert age[2].mean() - age[1].mean() > 0.5
    assert (error[inside] > 0.01).all()


def test_hooks_see_every_bin_once_and_add_maps(mapped):
    outcome, calls = mapped
    np.testing.assert_array_equal(np.sort(np.concatenate(calls)), np.arange(47))
    with fits.open(outcome.maps) as hdus:
        assert np.isfinite(hdus["MEAN_FLUX"].data).sum() == 47
        np.testing.assert_array_equal(hdus["YOUNGEST"].data[1:], hdus["SFH"].data[0, 1:])


class Killed(Exception):
    pass


def test_a_killed_run_goes_on_and_gives_the_same_bytes(cube, velocities, tmp_path):
    options = MapOptions(bins="spaxel", velocity=str(velocities), chunk_size=20)
    seen: list[int] = []

    def dies(spectra, prediction):
        seen.append(len(spectra.bins))
        if len(seen) == 3:
            raise Killed
        return {}

    out, whole = tmp_path / "maps.fits", tmp_path / "whole.fits"
    with pytest.raises(Killed):
        map_cube(MODEL, cube.path, out, options=options, reading=AT, hooks=[dies])
    assert not out.exists()
    map_cube(MODEL, cube.path, out, options=options, reading=AT, hooks=[dies])
    assert len(seen) == 4  # one chunk was begun twice
    map_cube(MODEL, cube.path, whole, options=options, reading=AT, hooks=[dies])
    assert out.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_velocities_that_were_found_before_a_kill_are_kept(cube, tmp_path, monkeypatch):
    from sfhmodel.mapping.kinematics import auto

    monkeypatch.setattr(auto, "_CHUNK", 20)
    original, fitted = auto.fit_kinematics, []

    def dies(flux, *rest):
        fitted.append(len(flux))
        if len(fitted) == 2:
            raise Killed
        return original(flux, *rest)

    monkeypatch.setattr(auto, "fit_kinematics", dies)
    options, out, whole = MapOptions(bins="spaxel"), tmp_path / "maps.fits", tmp_path / "whole.fits"
    with pytest.raises(Killed):
        map_cube(MODEL, cube.path, out, options=options, reading=AT)
    map_cube(MODEL, cube.path, out, options=options, reading=AT)
    assert fitted == [20, 20, 20, 7]
    map_cube(MODEL, cube.path, whole, options=options, reading=AT)
    assert out.read_bytes() == whole.read_bytes()
    with fits.open(out) as hdus:
        inside = hdus["BIN_ID"].data >= 0
        off = (hdus["V"].data - cube.velocity)[inside]
        error = hdus["V_ERR"].data[inside]
    assert np.median(np.abs(off)) < 12.0
    assert np.std(off / error) < 2.0


def test_other_options_begin_anew(cube, velocities, tmp_path):
    def dies(spectra, prediction):
        raise Killed

    out = tmp_path / "maps.fits"
    with pytest.raises(Killed):
        map_cube(MODEL, cube.path, out, options=MapOptions(bins="spaxel", velocity="0"), reading=AT, hooks=[dies])
    outcome = map_cube(MODEL, cube.path, out, options=MapOptions(bins="square:3", velocity="0"), reading=AT)
    assert outcome.n_bin == 6


def test_masks_and_extinction(cube, velocities, tmp_path):
    star = np.zeros((6, 8))
    star[3, 3:5] = 1
    fits.PrimaryHDU(star).writeto(tmp_path / "star.fits")
    plain, red = (
        map_cube(
            MODEL,
            cube.path,
            tmp_path / f"{name}.fits",
            options=MapOptions(bins="square:2", velocity=str(velocities), mask=str(tmp_path / "star.fits"), ebv=ebv),
            reading=AT,
        )
        for name, ebv in (("plain", None), ("red", 0.2))
    )
    with fits.open(plain.maps) as before, fits.open(red.maps) as after:
        assert (before["FLAG"].data[3, 3:5] == 256).all()
        assert np.isnan(before["A_V"].data[3, 3:5]).all()
        inside = before["BIN_ID"].data >= 0
        brighter = after["SPECTRA"].data["FLUX"] / before["SPECTRA"].data["FLUX"]
        wave_aa = before["SPECTRA"].data["WAVE"][0]
        bluer = before["A_V"].data[inside] - after["A_V"].data[inside]
    assert np.median(bluer) > 0.1
    # A / E(B-V) of Fitzpatrick (1999) is 3.8, 2.7, 2.0 in SDSS g, r, i: about 3.65 and 2.25 at the ends
    ends = [np.nanmedian(brighter[:, np.abs(wave_aa - aa) < 50.0]) for aa in (4850.0, 6950.0)]
    assert 2.5 * np.log10(ends) == pytest.approx([0.73, 0.45], abs=0.03)


def test_bins_are_made_by_the_users_map_of_signal_to_noise(cube, tmp_path):
    """S/N 40 of the cube is said to be 4: bins of S/N 8 have four spaxels or more, and spectra as before."""
    fits.PrimaryHDU(np.full((6, 8), 4.0)).writeto(tmp_path / "snr.fits")
    options = MapOptions(bins="sn:8", velocity="0", snr=str(tmp_path / "snr.fits"))
    outcome = map_cube(MODEL, cube.path, tmp_path / "maps.fits", options=options, reading=AT)
    with fits.open(outcome.maps) as hdus:
        table, spectra = hdus["BINS"].data, hdus["SPECTRA"].data
        assert table["NSPAX"].min() >= 4
        assert outcome.n_bin >= 4
        assert (table["SNRBIN"] >= 7.9).all()
        assert np.nanmedian(spectra["FLUX"] / spectra["FLUX_ERROR"]) > 60.0
    only_the_hole = np.zeros((6, 8))
    only_the_hole[0, 0] = 5.0
    fits.PrimaryHDU(only_the_hole).writeto(tmp_path / "hole.fits")
    with pytest.raises(InputError, match="no spaxel with data has a S/N there"):
        map_cube(MODEL, cube.path, tmp_path / "m.fits", options=MapOptions(snr=str(tmp_path / "hole.fits")), reading=AT)


def test_what_is_wrong_with_one_cube_does_not_stop_the_others(cube, tmp_path):
    fits.PrimaryHDU(np.ones((5, 5))).writeto(tmp_path / "image.fits")
    (tmp_path / "z.txt").write_text("name redshift\nimage 0.1\ncube 0.005\n")
    outcomes = map_cubes(
        MODEL,
        [tmp_path / "image.fits", cube.path],
        tmp_path / "out",
        options=MapOptions(bins="square:4", velocity="0"),
        reading=ReadOptions(redshift=str(tmp_path / "z.txt")),
    )
    assert [outcome.ok for outcome in outcomes] == [False, True]
    assert "holds no cube of spectra" in outcomes[0].problem
    assert outcomes[1].maps == tmp_path / "out" / "cube_maps.fits"
    assert fits.getheader(outcomes[1].maps)["REDSHIFT"] == 0.005
    with pytest.raises(ConfigError, match="need a folder"):
        map_cubes(MODEL, [cube.path, cube.path], tmp_path / "one.fits")
    with pytest.raises(ConfigError, match="the same name"):
        map_cubes(MODEL, [cube.path, cube.path], tmp_path / "out")


def test_errors_say_what_to_do(cube, tmp_path):
    with pytest.raises(InputError, match="--redshift"):
        map_cube(MODEL, cube.path, tmp_path / "m.fits")
    with pytest.raises(InputError, match="the model needs 14400-21000 A"):
        map_cube(MODEL, cube.path, tmp_path / "m.fits", reading=ReadOptions(redshift=2.0))
    with pytest.raises(ConfigError, match="written as .fits"):
        map_cube(MODEL, cube.path, tmp_path / "m.png", reading=AT)
    with pytest.raises(ConfigError, match="exists"):
        map_cube(MODEL, cube.path, cube.path, reading=AT)
    with fits.open(cube.path) as hdus:
        for hdu in hdus[1:]:
            for key in ("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2"):
                del hdu.header[key]
        hdus.writeto(tmp_path / "nowhere.fits")
    disc = MapOptions(inclination_deg=40.0, position_angle_deg=10.0)
    with pytest.raises(InputError, match="from which a position angle counts"):
        map_cube(MODEL, tmp_path / "nowhere.fits", tmp_path / "m.fits", options=disc, reading=AT)
    with pytest.raises(InputError, match="the best has"):
        map_cube(MODEL, cube.path, tmp_path / "m.fits", options=MapOptions(min_snr=1e5), reading=AT)
