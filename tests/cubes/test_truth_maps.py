"""The maps of what is true are those that were asked for."""

import numpy as np
import pytest
from astropy.io import fits
from small_cube import PLAIN

from sfhsim.cubes import make_cube
from sfhsim.cubes.galaxy import galaxy_maps
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.truth_file import CUBES, MAPS

SMOOTH = {"galaxy": {"arms": {"number": 0}, "bulge": {"mass_share": 0.0}}}
BARE = {"override": {"dust": {"birth": {"law": "power_law", "tau": 0.0}}}}


@pytest.fixture(scope="module")
def smooth(small_model, library, tmp_path_factory):
    """Model, maps and truths of a disc without arms, bulge or birth clouds."""
    model = small_model(PLAIN, SMOOTH, BARE)
    made = make_cube(model, tmp_path_factory.mktemp("smooth") / "cube.fits", library=library)
    with fits.open(made.truth) as opened:
        truth = {hdu.name: np.array(hdu.data) for hdu in opened[1:] if hdu.name != "AGE_BINS"}
    return model, galaxy_maps(model.galaxy, Grid(model.field)), truth


def test_gradients_are_those_asked_for(smooth):
    _, maps, truth = smooth
    steps = np.minimum(maps.radius_re, 2.5) - 1.0
    assert np.ptp(steps) > 1.0
    assert truth["LOG_AGE_MW"] == pytest.approx(9.5 - 0.1 * steps, abs=2e-3)
    assert truth["METAL_MW"] == pytest.approx(-1.9 - np.log10(0.02) - 0.12 * steps, abs=2e-3)
    assert truth["A_V"] == pytest.approx(np.maximum(0.4 - 0.15 * steps, 0.0), abs=5e-3)


def test_motions_are_those_asked_for(smooth):
    """From the formulas, on the sky: the receding side is 30 degrees from north to east."""
    _, _, truth = smooth
    y, x = np.indices((10, 12))
    east, north = -0.5 * (x - 5.5) - 0.25, 0.5 * (y - 4.5) + 0.25
    along = north * np.cos(np.pi / 6) + east * np.sin(np.pi / 6)
    across = (east * np.cos(np.pi / 6) - north * np.sin(np.pi / 6)) / np.cos(np.pi / 4)
    radius = np.maximum(np.hypot(along, across), 1e-9)  # the centre is the middle of a spaxel
    expected = 180.0 * (radius / 2.0) / np.hypot(radius / 2.0, 0.4) * np.sin(np.pi / 4) * along / radius
    assert truth["V"] == pytest.approx(expected, abs=1e-3)
    assert truth["SIGMA"] == pytest.approx(50.0 + 70.0 * np.exp(-radius / 2.0 / 0.7), abs=1e-3)


def test_masses_are_those_of_the_disc(smooth, small_model):
    """All of it on a wide field; on the small one, what the map of densities sums to."""
    model, maps, truth = smooth
    wide = small_model(PLAIN, SMOOTH, {"field": {"n_x": 80, "n_y": 80}})
    total = galaxy_maps(wide.galaxy, Grid(wide.field)).mass_msun.sum()
    assert total == pytest.approx(model.galaxy.total_mass_msun, rel=2e-3)
    kpc = 0.5 * np.pi / 180 / 3600 * 44.6e3 / 1.01**2  # of a spaxel at z = 0.01
    area = np.sum(10 ** (truth["LOG_MASS_DENSITY"].astype(float) + 6)) * kpc**2
    assert area == pytest.approx(maps.mass_msun.sum(), rel=5e-3)


def test_the_bulge_has_its_share(small_model):
    wide = {"field": {"n_x": 80, "n_y": 80}}
    both, none = (
        galaxy_maps(model.galaxy, Grid(model.field)).mass_msun
        for model in (small_model(wide, SMOOTH, {"galaxy": {"bulge": {"mass_share": 0.3}}}), small_model(wide, SMOOTH))
    )
    assert both.sum() == pytest.approx(6e9, rel=5e-3)
    assert (both - 0.7 * none).sum() == pytest.approx(0.3 * 6e9, rel=2e-2)


def test_arms_are_young_dusty_and_heavy(small_model):
    model = small_model(SMOOTH, {"field": {"n_x": 60, "n_y": 60, "pixel_arcsec": 0.1}})
    armed = small_model(
        {"galaxy": {"bulge": {"mass_share": 0.0}}}, {"field": {"n_x": 60, "n_y": 60, "pixel_arcsec": 0.1}}
    )
    plain, maps = (galaxy_maps(m.galaxy, Grid(m.field)) for m in (model, armed))
    ridge = maps.burst_mass_fraction / 0.006
    assert 0.9 < ridge.max() <= 1.0
    assert ridge.min() < 0.01
    assert maps.mass_msun == pytest.approx(plain.mass_msun * (1.0 + 0.5 * ridge), rel=1e-12)
    assert maps.screen_a_v_mag == pytest.approx(plain.screen_a_v_mag * (1.0 + 0.8 * ridge), rel=1e-12)


def test_a_face_on_disc_may_be_elliptical_and_does_not_rotate(small_model):
    """Isophotes of axis ratio 0.5, long from south to north."""
    shape = {"inclination_deg": 0.0, "position_angle_deg": 0.0, "ellipticity": 0.5, "centre_arcsec": [0.25, 0.25]}
    model = small_model(SMOOTH, {"galaxy": shape})
    maps = galaxy_maps(model.galaxy, Grid(model.field))
    assert not maps.velocity_kms.any()
    centre = np.unravel_index(maps.radius_re.argmin(), maps.radius_re.shape)
    east, north = maps.radius_re[centre[0], centre[1] - 2], maps.radius_re[centre[0] + 4, centre[1]]
    assert (east, north) == (pytest.approx(1.0), pytest.approx(1.0))


def test_all_maps_are_there_before_and_after_the_psf(made):
    with fits.open(made.truth) as opened:
        opened.verify("exception")
        names = [hdu.name for hdu in opened[1:]]
        for name, unit, _ in (*MAPS, *CUBES):
            for ending in ("", "_PSF"):
                hdu = opened[name + ending]
                assert hdu.shape[-2:] == (10, 12)
                assert hdu.header.get("BUNIT", "") == unit
                assert np.isfinite(hdu.data).all()
        assert opened["SFH"].data.sum(axis=0) == pytest.approx(np.ones((10, 12)), abs=1e-5)
        assert opened["SFH_PSF"].data.sum(axis=0) == pytest.approx(np.ones((10, 12)), abs=1e-5)
        assert len(opened["AGE_BINS"].data) == opened["SFH"].shape[0]
    assert names[-3:] == ["STAR_SHARE", "STARMASK", "AGE_BINS"]


def test_the_psf_mixes_by_light_and_mass(made, small_model):
    """Against sums over pairs of spaxels, for a spaxel in the middle; mass and light beyond the field count, too."""
    from sfhsim.cubes.psf import kernels

    model = small_model()
    with fits.open(made.truth) as opened:
        mixed = {name: opened[f"{name}_PSF"].data[5, 6] for name in ("V", "SIGMA", "FLUX")}
        inside = opened["FLUX"].data
    assert mixed["FLUX"] < inside.max()
    kernel = kernels(model.psf, model.field, np.array([5900.0]), 4)[0]
    narrow = kernel[1:, 1:-1]  # within the field, around (5, 6): rows 2 to 9, columns 3 to 9
    light = inside[2:10, 3:10] * narrow
    with fits.open(made.truth) as opened:
        v, sigma = opened["V"].data[2:10, 3:10], opened["SIGMA"].data[2:10, 3:10]
    velocity = (light * v).sum() / light.sum()
    assert mixed["V"] == pytest.approx(velocity, abs=3.0)
    assert mixed["SIGMA"] == pytest.approx(
        np.sqrt((light * (v**2 + sigma**2)).sum() / light.sum() - velocity**2), rel=0.03
    )


def test_stars_are_masked_where_they_shine(made):
    with fits.open(made.truth) as opened:
        share, mask = opened["STAR_SHARE"].data, opened["STARMASK"].data
    assert mask.dtype == np.uint8
    assert 0 < mask.sum() < mask.size
    assert (mask == (share >= 0.05)).all()
