"""`sfhsim cube`."""

import pytest
from astropy.io import fits

SMALL = (
    "field.n_x=6",
    "field.n_y=5",
    "field.pixel_arcsec=1",
    "field.step_aa=10",
    "field.start_aa=4800",
    "field.stop_aa=7000",
    "galaxy.effective_radius_arcsec=2",
    "psf.fwhm_arcsec=0.5",
)


@pytest.fixture
def settings(recipe_file):
    return [part for key in (*SMALL, f"recipe={recipe_file}") for part in ("--set", key)]


def test_a_cube_with_truth_images_and_picture(sfhsim, settings, tmp_path):
    outcome = sfhsim("cube", "disc", *settings, "--out", "one.fits", "--images", "bands", "--plot", "one.png")
    assert outcome.code == 0, outcome.err
    said = [line.split(": ") for line in outcome.out.splitlines() if ": " in line]
    assert [key for key, _ in said] == ["cube", "truth", "image", "image", "image", "picture"]
    assert all((tmp_path / path).is_file() for _, path in said)
    assert fits.getdata(tmp_path / "one.fits", "DATA").shape == (221, 5, 6)
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bands", "one-truth.fits", "one.fits", "one.png"]


def test_what_is_there_is_not_replaced(sfhsim, settings, tmp_path):
    (tmp_path / "cube.fits").touch()
    outcome = sfhsim("cube", *settings)
    assert outcome.code == 1
    assert "cube.fits exists" in outcome.err
    assert "--overwrite" in outcome.err


def test_every_key_is_shown(sfhsim, tmp_path):
    outcome = sfhsim("cube", "disc", "--show", "--set", "galaxy.redshift=0.02")
    assert outcome.code == 0
    assert "  redshift: 0.02" in outcome.out
    assert "# Of the rotation curve, before inclination." in outcome.out
    assert not list(tmp_path.iterdir())


def test_a_picture_of_another_kind_is_refused_before_the_work(sfhsim, settings, tmp_path):
    outcome = sfhsim("cube", *settings, "--plot", "one.xyz")
    assert outcome.code == 1
    assert ".png" in outcome.err
    assert not list(tmp_path.iterdir())
