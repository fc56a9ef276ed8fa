"""Velocities and dispersions found in spectra, and read from files."""

import numpy as np
import pytest
import small_cubes
from astropy.io import fits

from sfhmodel.errors import InputError
from sfhmodel.mapping.kinematics import velocity_field_of_file
from sfhmodel.mapping.kinematics.auto import filled_from_nearest
from sfhmodel.mapping.kinematics.fit import fit_kinematics
from sfhmodel.mapping.kinematics.templates import GAS_LINES_AA, LogGrid, instrument_excess_kms2, stellar_basis
from sfhsim.instrument import make_lsf
from sfhsim.pixels import rebin_padded

C_KMS = 299792.458
GRID = LogGrid.between(4780.0, 7000.0, 62.0)


@pytest.fixture(scope="module")
def basis():
    return stellar_basis(GRID)


@pytest.fixture(scope="module")
def spectra():
    """(velocities, flux (n, n_pixel), one sigma) of galaxies at S/N 40 per pixel of 1.25 A."""
    wave, rest, _ = small_cubes.rest_spectra(8)
    rng = np.random.default_rng(5)
    velocity = rng.uniform(-350.0, 350.0, 40)
    linear = np.arange(4700.0, 7100.0, 1.25)
    flux = [np.interp(linear, wave * np.exp(v / C_KMS), rest[k % 8]) for k, v in enumerate(velocity)]
    flux = np.stack(flux) * (1.0 + rng.normal(size=(40, linear.size)) / 40.0)
    on_grid = rebin_padded(linear, flux, GRID.edges_aa)
    return velocity, on_grid, np.full(on_grid.shape, np.sqrt(2.0 / 3.0) / 40.0)


def test_velocities_come_back_with_errors_that_hold(basis, spectra):
    velocity, flux, error = spectra
    found = fit_kinematics(flux, error, np.ones(flux.shape, bool), basis)
    pull = (found.velocity - velocity) / found.velocity_error
    assert np.median(np.abs(found.velocity - velocity)) < 6.0
    assert abs(np.mean(found.velocity - velocity)) < 4.0
    assert 0.6 < np.std(pull) < 1.5
    assert 70.0 < np.median(found.dispersion) < 105.0  # 80 km/s, and what MUSE has beyond the library


@pytest.mark.parametrize("grid", [GRID, LogGrid.between(4800.0, 5500.0, 30.0)], ids=["muse", "fine"])
def test_velocities_and_dispersions_are_not_off_by_a_fraction_of_a_pixel(grid):
    """Galaxies that the simulator puts at a redshift, on pixels of its own: nothing is shifted by the test."""
    own = stellar_basis(grid)
    excess = instrument_excess_kms2(make_lsf("muse").fwhm_aa(grid.wave_aa * 1.02) / 1.02, own)
    for velocity in (-137.0, 33.0, 300.0):
        wave, flux, _ = small_cubes.spectra_at(0.02, velocity, 12)
        flux = rebin_padded(wave / 1.02, flux, grid.edges_aa)
        error = np.full(flux.shape, 0.002)
        found = fit_kinematics(flux, error, np.ones(flux.shape, bool), own)
        assert abs(np.mean(found.velocity - velocity)) < 1.0
        pixel = 1.25**2 / 12.0 / 5500.0**2 * C_KMS**2  # the simulator's pixels, which are not in its LSF
        assert np.sqrt(np.median(found.dispersion) ** 2 - excess - pixel) == pytest.approx(80.0, abs=2.0)


def test_dispersions_grow_by_what_is_added(basis, spectra):
    _, flux, error = spectra
    mask = np.ones(flux.shape, bool)
    before = fit_kinematics(flux, error, mask, basis).dispersion
    kernel = np.exp(-0.5 * np.square(np.arange(-15, 16) * GRID.step_kms / 150.0))
    smooth = np.stack([np.convolve(f, kernel / kernel.sum(), "same") for f in flux])
    mask[:, :20] = mask[:, -20:] = False
    after = fit_kinematics(smooth, error, mask, basis).dispersion
    added = np.sqrt(np.median(after) ** 2 - np.median(before) ** 2)
    assert abs(added - 150.0) < 10.0


def test_lines_of_gas_and_bad_pixels_do_not_matter(basis, spectra):
    velocity, flux, error = spectra
    whole = fit_kinematics(flux, error, np.ones(flux.shape, bool), basis)
    dirty, mask = flux.copy(), np.ones(flux.shape, bool)
    for line in GAS_LINES_AA[:3]:  # gas that moves against the stars
        centre = np.log(line) + (velocity + 60.0)[:, None] / C_KMS
        dirty += 5.0 * np.exp(-0.5 * np.square((np.log(GRID.wave_aa) - centre) * C_KMS / 50.0))
    mask[:, 700:760] = False
    dirty[:, 700:760] = np.nan
    dirty[:, 300] += 50.0  # a cosmic ray
    found = fit_kinematics(dirty, error, mask, basis)
    assert np.median(np.abs(found.velocity - whole.velocity)) < 5.0


def test_spectra_without_enough_pixels_have_no_velocity(basis, spectra):
    _, flux, error = spectra
    mask = np.zeros(flux.shape, bool)
    mask[0] = True
    mask[1, :100] = True
    found = fit_kinematics(flux, error, mask, basis)
    assert np.isfinite(found.velocity[0])
    assert np.isnan(found.velocity[1:]).all()


def test_the_answer_is_the_same_in_any_company(basis, spectra):
    _, flux, error = spectra
    mask = np.ones(flux.shape, bool)
    together = fit_kinematics(flux, error, mask, basis)
    alone = fit_kinematics(flux[7:8], error[7:8], mask[7:8], basis)
    np.testing.assert_allclose(alone.velocity, together.velocity[7:8], atol=0.5)


def test_instruments_sharper_than_the_library_have_negative_excess(basis):
    assert instrument_excess_kms2(2.0, basis) < 0.0
    assert instrument_excess_kms2(basis.fwhm_aa, basis) == 0.0


def test_a_library_that_ends_too_early_is_named():
    with pytest.raises(InputError, match="stars from"):
        stellar_basis(LogGrid.between(1.0e7, 1.2e7, 62.0))


def test_gaps_get_the_nearest_velocity():
    field = np.full((4, 5), np.nan)
    assert not filled_from_nearest(field).any()
    field[0, 0], field[3, 4] = -7.0, 9.0
    full = filled_from_nearest(field)
    assert full[0, 1] == -7.0
    assert full[3, 3] == 9.0


def write(path, **images):
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(values, name=name) for name, values in images.items())]
    fits.HDUList(hdus).writeto(path)
    return path


def test_velocities_of_manga_are_moved_to_the_users_redshift(tmp_path):
    v, mask = np.full((3, 4), 100.0), np.zeros((3, 4), int)
    mask[0, 0] = 1 << 30
    parts = {"STELLAR_VEL": v, "STELLAR_VEL_MASK": mask, "STELLAR_SIGMA": v, "STELLAR_SIGMACORR": 0.6 * v}
    path = write(tmp_path / "maps.fits", **parts)
    fits.setval(path, "SCINPVEL", value=0.04 * C_KMS)
    same = velocity_field_of_file(path, (3, 4), 0.04)
    assert np.isnan(same.velocity[0, 0])
    np.testing.assert_allclose(same.velocity[1], C_KMS * np.log1p(100.0 / C_KMS))
    np.testing.assert_allclose(same.dispersion[1], 80.0)
    moved = velocity_field_of_file(path, (3, 4), 0.0405)
    np.testing.assert_allclose(moved.velocity[1] - same.velocity[1], C_KMS * np.log(1.04 / 1.0405))


def test_velocities_of_phangs_and_of_plain_images(tmp_path):
    v = np.arange(12.0).reshape(3, 4)
    path = write(tmp_path / "phangs.fits", V_STARS=v, FORM_ERR_V_STARS=0.1 * v, SIGMA_STARS=v + 50.0)
    notes: list[str] = []
    found = velocity_field_of_file(path, (3, 4), 0.01, notes=notes)
    assert notes == []
    np.testing.assert_array_equal(found.velocity, v)
    np.testing.assert_array_equal(found.velocity_error, 0.1 * v)
    fits.PrimaryHDU(v).writeto(tmp_path / "plain.fits")
    sigma = write(tmp_path / "sigma.fits", SIGMA=2.0 * v)
    found = velocity_field_of_file(tmp_path / "plain.fits", (3, 4), 0.01, sigma)
    np.testing.assert_array_equal(found.dispersion, 2.0 * v)
    with pytest.raises(InputError, match="velocity has 4 x 3 spaxels, the cube 4 x 5"):
        velocity_field_of_file(tmp_path / "plain.fits", (5, 4), 0.01)
    with pytest.raises(InputError, match="holds no velocities"):
        velocity_field_of_file(write(tmp_path / "other.fits", AGE=v, Z=v), (3, 4), 0.01)


def test_velocities_of_ngist_are_spread_over_its_bins(reference_data):
    folder = reference_data / "observed" / "resolved" / "ngist_ngc0000"
    notes: list[str] = []
    found = velocity_field_of_file(folder / "nGIST_NGC0000_kin.fits", (30, 30), 0.008764, notes=notes)
    assert "is of GIST, whose velocities are too high by a quarter of its VELSCALE" in notes[0]
    table = fits.getdata(folder / "nGIST_NGC0000_table.fits")
    kin = fits.getdata(folder / "nGIST_NGC0000_kin.fits")
    expected = np.where(table["BIN_ID"] >= 0, kin["V"][table["BIN_ID"]], np.nan).reshape(30, 30)
    np.testing.assert_array_equal(found.velocity, expected)
