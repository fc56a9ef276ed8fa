"""Files as MUSE's that are whole or absent, and the same bytes twice."""

import collections
import errno

import numba
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS
from small_cube import PLAIN

from sfhsim.cubes import make_cube, making, observation
from sfhsim.cubes.fits_layout import CubeFile
from sfhsim.cubes.truth_file import MAPS
from sfhsim.errors import DatasetError, RecipeError


def test_the_layout_is_that_of_muse(made):
    with fits.open(made.cube) as opened:
        opened.verify("exception")
        assert [hdu.name for hdu in opened] == ["PRIMARY", "DATA", "STAT", "DQ"]
        assert [hdu.header["BITPIX"] for hdu in opened[1:]] == [-32, -32, 32]
        assert opened["DATA"].header["BUNIT"] == "10**(-20)*erg/s/cm**2/Angstrom"
        assert opened["STAT"].header["BUNIT"] == "(10**(-20)*erg/s/cm**2/Angstrom)**2"
        assert opened["DATA"].header["ERRDATA"] == "STAT"
        assert opened["STAT"].header["SCIDATA"] == "DATA"
        assert opened["DATA"].shape == (441, 10, 12)
        lost = opened["DQ"].data == 1 << 30
        assert set(np.unique(opened["DQ"].data)) <= {0, 1 << 30}
        assert (np.isnan(opened["DATA"].data) == lost).all()
        assert (np.isnan(opened["STAT"].data) == lost).all()
        assert 0 < lost.sum() < 30
        assert opened[0].header["OBJECT"] == "small-cube"
        assert opened[0].header["TRUTH"] == "cube-truth.fits"


def test_the_axes_are_those_of_the_sky_and_of_air(made):
    wcs = WCS(fits.getheader(made.cube, "DATA"))
    middle, wave = wcs.pixel_to_world(5.5, 4.5, 0)
    assert middle.separation(SkyCoord(150.0, 2.2, unit="deg")).arcsec < 1e-6
    assert wave.to_value("Angstrom") == pytest.approx(4800.0)
    assert wcs.wcs.ctype[2] == "AWAV"
    east = wcs.celestial.pixel_to_world(4.5, 4.5)
    assert middle.spherical_offsets_to(east)[0].arcsec == pytest.approx(0.5, abs=1e-6)
    north = wcs.celestial.pixel_to_world(5.5, 5.5)
    assert middle.spherical_offsets_to(north)[1].arcsec == pytest.approx(0.5, abs=1e-6)
    assert wcs.pixel_to_world(0, 0, 440)[1].to_value("Angstrom") == pytest.approx(7000.0)


def test_the_maps_have_the_axes_of_the_cube(made):
    with fits.open(made.truth) as opened, fits.open(made.cube) as cube:
        for name in ("V", "STARMASK"):
            assert WCS(opened[name].header).wcs.compare(WCS(cube["DATA"].header).celestial.wcs)
        assert WCS(opened["METAL_AGE"].header).celestial.wcs.compare(WCS(opened["V"].header).wcs)


def test_astropy_reads_the_units_of_the_maps(made):
    units = {name: CCDData.read(made.truth, hdu=name).unit for name, unit, _ in MAPS if unit and name != "FLUX"}
    assert units["LOG_AGE_MW"] == u.dex(u.yr)
    assert units["LOG_MASS_DENSITY"] == u.dex(u.Msun / u.pc**2)
    assert units["SFR_DENSITY_10MYR"] == u.Msun / u.yr / u.kpc**2


def test_the_bytes_are_the_same_twice_and_for_any_threads_and_blocks(made, small_model, library, tmp_path, monkeypatch):
    monkeypatch.setattr(making, "_SPAXELS", 77)
    monkeypatch.setattr(observation, "_PLANES", 50)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        again = make_cube(small_model(), tmp_path / "cube.fits", seed=3, images=tmp_path / "images", library=library)
    finally:
        numba.set_num_threads(before)
    assert again.cube.read_bytes() == made.cube.read_bytes()
    assert again.truth.read_bytes() == made.truth.read_bytes()
    assert [p.read_bytes() for p in again.images] == [p.read_bytes() for p in made.images]
    assert [p.name for p in again.images] == [p.name for p in made.images]


def test_another_seed_is_other_noise(made, small_model, library, tmp_path):
    other = make_cube(small_model(), tmp_path / "cube.fits", seed=4, library=library)
    assert (fits.getdata(other.cube, "DATA") != fits.getdata(made.cube, "DATA")).mean() > 0.99
    with fits.open(other.truth) as opened, fits.open(made.truth) as first:
        assert opened["V"].data == pytest.approx(first["V"].data)


@pytest.mark.parametrize(
    ("stop", "error", "message"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (OSError(errno.ENOSPC, "No space left on device"), DatasetError, "cube.fits: No space left on device"),
    ],
)
def test_what_is_interrupted_leaves_nothing(small_model, library, tmp_path, monkeypatch, stop, error, message):
    written = CubeFile.write

    def write(self, name, first, planes):
        if first > 100:
            raise stop
        written(self, name, first, planes)

    monkeypatch.setattr(CubeFile, "write", write)
    with pytest.raises(error, match=message):
        make_cube(small_model(PLAIN), tmp_path / "cube.fits", images=tmp_path, library=library)
    assert list(tmp_path.iterdir()) == []


def test_what_an_interruption_would_have_replaced_stays(small_model, library, tmp_path, monkeypatch):
    (tmp_path / "cube.fits").write_text("of before")

    def write(self, name, first, planes):
        raise KeyboardInterrupt

    monkeypatch.setattr(CubeFile, "write", write)
    with pytest.raises(KeyboardInterrupt):
        make_cube(small_model(PLAIN), tmp_path / "cube.fits", library=library, overwrite=True)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["of before"]


def test_places_are_checked_before_any_work(small_model, library, tmp_path):
    (tmp_path / "there.fits").touch()
    for name, options, message in (
        ("cube.fit", {}, "written as .fits, not .fit"),
        ("there.fits", {}, "there.fits exists: choose another name"),
        ("cube.fits", {"truth": tmp_path / "there.fits"}, "there.fits exists"),
        ("cube.fits", {"truth": tmp_path / "cube.fits"}, "need names of their own"),
    ):
        with pytest.raises(DatasetError, match=message):
            make_cube(small_model(), tmp_path / name, library=library, **options)
    with pytest.raises(RecipeError, match="the seed must be an integer"):
        make_cube(small_model(), tmp_path / "cube.fits", seed=-1, library=library)
    assert [p.name for p in tmp_path.iterdir()] == ["there.fits"]


def test_a_disk_without_room_is_said_at_the_start(small_model, library, tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(making.shutil, "disk_usage", lambda _: usage(10, 9, 1_000))
    with pytest.raises(DatasetError, match="GB left, the cube takes"):
        make_cube(small_model(), tmp_path / "cube.fits", library=library)
    assert list(tmp_path.iterdir()) == []


def test_a_signal_to_noise_needs_spaxels_at_the_effective_radius(small_model, library, tmp_path):
    model = small_model({"noise": {"snr_at_re": 10.0}, "galaxy": {"effective_radius_arcsec": 60.0}})
    with pytest.raises(RecipeError, match="no spaxel of the field is at the effective radius"):
        make_cube(model, tmp_path / "cube.fits", library=library)
    assert list(tmp_path.iterdir()) == []


def test_the_signal_to_noise_is_that_asked_for(small_model, library, tmp_path):
    model = small_model({"noise": {"snr_at_re": 15.0, "add": False}, "stars": {"number": 0}, "psf": {"model": "none"}})
    made = make_cube(model, tmp_path / "cube.fits", library=library)
    from sfhsim.cubes.galaxy import galaxy_maps
    from sfhsim.cubes.layout import Grid

    ring = np.abs(galaxy_maps(model.galaxy, Grid(model.field)).radius_re - 1.0) < 0.1
    with fits.open(made.cube) as opened:
        flux, stat = (opened[name].data[:, ring].mean(axis=1) for name in ("DATA", "STAT"))
        assert opened[0].header["EXPTIME"] == pytest.approx(made.exposure_s)
    assert np.median(flux / np.sqrt(stat)) == pytest.approx(15.0, rel=1e-4)
