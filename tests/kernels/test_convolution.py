"""Broadening of uniform grids against a readable twin and against the exact integrals of `broaden_and_rebin`."""

import numba
import numpy as np
import pytest
from scipy.special import ndtr

from sfhsim import load_library
from sfhsim.constants import C_KMS
from sfhsim.instrument import broaden_and_rebin, broadening_sigma_aa, make_lsf, pixel_edges, rebin
from sfhsim.kernels.convolution import BLOCK, NARROW, broaden_uniform
from sfhsim.synthesis.broadening import (
    broadening_tables,
    column_operator,
    column_variance,
    kernel_rows,
    prior_sigma_aa,
    uniform_grid,
)

WAVE_AA = 4650.0 + 0.9 * np.arange(2800)
EDGES_AA = 4800.0 + 1.25 * np.arange(1501)
RESOLUTION_AA = np.full(WAVE_AA.size, 2.5)
REDSHIFTS = np.array([0.0, 0.004, 0.011, 0.02])


def smooth_spectra(wave_aa, n=4):
    """Continua with absorption lines of 2.5 Angstrom and wider."""
    rng = np.random.default_rng(3)
    centre, sigma = rng.uniform(wave_aa[0], wave_aa[-1], (n, 150, 1)), rng.uniform(1.2, 5.0, (n, 150, 1))
    depth = rng.uniform(0.0, 0.2, (n, 150, 1))
    lines = (depth * np.exp(-0.5 * ((wave_aa - centre) / sigma) ** 2)).sum(axis=1)
    return ((wave_aa / 5500.0) ** rng.uniform(-2, 2, (n, 1)) * np.exp(-lines)).astype(np.float32)


def real_spectra(wave_aa, n=4):
    """Templates of the embedded library at these wavelengths."""
    library = load_library("bc03-miles")
    first = np.searchsorted(library.wave_aa, wave_aa[0] - 1.0)
    rows = np.array([[0, 20], [3, 60], [5, 150], [6, 190]])[:n]
    inside = slice(first, first + wave_aa.size)
    return np.stack([np.asarray(library.flux[z, a, inside]) for z, a in rows]).astype(np.float32)


def both(flux, kms, redshift=REDSHIFTS, wave_aa=WAVE_AA, fwhm_aa=RESOLUTION_AA, edges_aa=EDGES_AA, lsf=None):
    """The kernel's pixels and the exact ones, (n, n_out) each."""
    lsf = make_lsf("muse") if lsf is None else lsf
    kms = np.resize(np.asarray(kms, dtype=float), len(flux))
    redshift = np.resize(np.asarray(redshift, dtype=float), len(flux))
    grid = uniform_grid(wave_aa)
    templates = grid, wave_aa, fwhm_aa, lsf, (redshift.min(), redshift.max())
    columns, prior = flux, None
    if not grid.native:
        prior = prior_sigma_aa(*templates, kms.min())
        columns = np.ascontiguousarray((column_operator(grid, wave_aa, prior) @ flux.T).T, dtype=np.float32)
    tables = broadening_tables(*templates, kms.max(), prior)
    out = np.empty((len(flux), edges_aa.size - 1), dtype=np.float32)
    broaden_uniform(columns, kms / C_KMS, 1 + redshift, edges_aa, tables, out)
    sigma, _ = broadening_sigma_aa(wave_aa, redshift, kms, lsf, fwhm_aa)
    exact = broaden_and_rebin(wave_aa, flux.astype(float), sigma, edges_aa / (1 + redshift[:, None]), "continuum")
    return out, exact


@pytest.mark.parametrize("spectra", [smooth_spectra, real_spectra])
@pytest.mark.parametrize("kms", [100.0, 150.0, 300.0, [120.0, 200.0, 350.0, 500.0]])
def test_same_pixels_as_the_exact_integrals(spectra, kms):
    out, exact = both(spectra(WAVE_AA), kms)
    np.testing.assert_allclose(out, exact, rtol=2e-5)


@pytest.mark.parametrize("spectra", [smooth_spectra, real_spectra])
@pytest.mark.parametrize("kms", [0.0, 10.0, 20.0, 40.0])
def test_narrow_widths_and_where_the_template_is_too_coarse(spectra, kms):
    out, exact = both(spectra(WAVE_AA), kms)
    np.testing.assert_allclose(out, exact, rtol=2e-5)


@pytest.mark.parametrize("spectra", [smooth_spectra, real_spectra])
def test_between_the_two_forms(spectra):
    """Just above NARROW the polynomial within a pixel is at its worst."""
    kms = (NARROW + 0.05) * 0.9 / 4800.0 * C_KMS
    out, exact = both(spectra(WAVE_AA), kms, lsf=make_lsf("constant", fwhm_aa=2.6))
    assert np.sqrt(np.mean((out / exact - 1) ** 2)) < 1e-5
    np.testing.assert_allclose(out, exact, rtol=8e-5)


def test_no_broadening_at_all_is_rebinning():
    flux = real_spectra(WAVE_AA)
    out, _ = both(flux, 0.0, lsf=make_lsf("none"))
    np.testing.assert_allclose(out, rebin(WAVE_AA, flux.astype(float), EDGES_AA / (1 + REDSHIFTS[:, None])), rtol=2e-6)


def test_wide_range_of_redshifts():
    wave_aa = 3000.0 + 0.9 * np.arange(4600)
    out, exact = both(smooth_spectra(wave_aa), 150.0, [0.0, 0.1, 0.3, 0.5], wave_aa, np.full(4600, 2.5))
    np.testing.assert_allclose(out, exact, rtol=2e-5)


def test_equal_to_its_twin():
    """Correlation with w(n; s_j) written out, for one galaxy and outputs that are the columns themselves."""
    flux = real_spectra(WAVE_AA, 1)
    grid = uniform_grid(WAVE_AA)
    lsf, kms = make_lsf("muse"), 180.0
    tables = broadening_tables(grid, WAVE_AA, RESOLUTION_AA, lsf, (0.0, 0.0), kms)
    edges_aa = grid.edges_aa[200:2600]
    out = np.empty((1, edges_aa.size - 1), dtype=np.float32)
    broaden_uniform(flux, np.array([kms / C_KMS]), np.ones(1), edges_aa, tables, out)
    sigma, _ = broadening_sigma_aa(WAVE_AA, 0.0, kms, lsf, RESOLUTION_AA)
    s = np.sqrt(sigma**2 / 0.81 - 1 / 12)
    n = np.arange(WAVE_AA.size)[:, None] - np.arange(WAVE_AA.size)

    def ramp(x):
        return x * ndtr(x / s) + s * np.exp(-0.5 * (x / s) ** 2) / np.sqrt(2 * np.pi)

    twin = (ramp(n + 1.0) - 2 * ramp(1.0 * n) + ramp(n - 1.0)) @ flux[0].astype(float)
    np.testing.assert_allclose(out[0], twin[200:2599], rtol=5e-6)


def test_rows_of_the_table():
    rows = kernel_rows(np.log(0.9), 0.5, 4, 40).astype(float)
    n = np.arange(rows.shape[1]) - rows.shape[1] // 2
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-6)
    # the mean over a pixel of a box convolved with a Gaussian: two boxes and the Gaussian
    np.testing.assert_allclose(rows @ n**2, 0.81 * np.exp(np.arange(4.0)) + 1 / 6, rtol=1e-5)
    np.testing.assert_allclose(rows @ n, 0.0, atol=1e-6)


@pytest.mark.parametrize("kms", [0.0, 30.0, 150.0, 400.0])
def test_flat_continuum_stays_flat(kms):
    out, _ = both(np.ones((4, WAVE_AA.size), np.float32), kms)
    np.testing.assert_allclose(out, 1.0, rtol=2e-6)


@pytest.mark.parametrize("kms", [20.0, 150.0])
def test_flux_is_conserved(kms):
    """A feature in the middle keeps its area, to (sigma_v / c)^2."""
    flux = np.zeros((1, WAVE_AA.size), dtype=np.float32)
    flux[0, 1300:1340] = np.random.default_rng(0).random(40)
    out, _ = both(flux, kms, redshift=[0.004])
    area = (out.astype(float) @ np.diff(EDGES_AA))[0] / 1.004
    assert area == pytest.approx(0.9 * flux.astype(float).sum(), rel=5e-6)


def test_a_jump_of_the_template_resolution():
    fwhm_aa = np.where(WAVE_AA < 5700.0, 2.5, 4.5)
    out, exact = both(smooth_spectra(WAVE_AA), 150.0, fwhm_aa=fwhm_aa)
    np.testing.assert_allclose(out, exact, rtol=3e-5)
    out, _ = both(np.ones((4, WAVE_AA.size), np.float32), 150.0, fwhm_aa=fwhm_aa)
    np.testing.assert_allclose(out, 1.0, rtol=2e-6)


def test_pixels_that_are_not_uniform():
    wave_aa = np.geomspace(4650.0, 7150.0, 2600)
    grid = uniform_grid(wave_aa)
    assert not grid.native
    assert grid.step_aa == pytest.approx(np.diff(wave_aa).min())
    out, exact = both(smooth_spectra(wave_aa), [100.0, 300.0], wave_aa=wave_aa, fwhm_aa=np.full(2600, 2.5))
    np.testing.assert_allclose(out, exact, rtol=1e-4)
    assert np.sqrt(np.mean((out / exact - 1) ** 2)) < 1e-5


def test_what_columns_have_already():
    wave_aa = np.geomspace(4650.0, 7150.0, 2600)
    grid, native = uniform_grid(wave_aa), uniform_grid(WAVE_AA)
    np.testing.assert_allclose(pixel_edges(WAVE_AA), native.edges_aa, rtol=1e-12)
    np.testing.assert_allclose(column_variance(native, WAVE_AA, None, None), 0.9**2 / 12)
    variance = column_variance(grid, wave_aa, None, np.full(2600, 0.7))
    np.testing.assert_allclose(variance, 0.49 + grid.step_aa**2 / 6)


@pytest.mark.parametrize("kms", [[20.0, 150.0, 90.0, 300.0]])
def test_same_bytes_in_any_batch_and_from_any_number_of_threads(kms):
    flux, grid = smooth_spectra(WAVE_AA), uniform_grid(WAVE_AA)
    tables = broadening_tables(grid, WAVE_AA, RESOLUTION_AA, make_lsf("muse"), (0.0, 0.02), 300.0)

    def run(rows):
        out = np.empty((len(flux[rows]), EDGES_AA.size - 1), dtype=np.float32)
        broaden_uniform(flux[rows], np.array(kms)[rows] / C_KMS, 1 + REDSHIFTS[rows], EDGES_AA, tables, out)
        return out

    copy, whole = flux.copy(), run(slice(None))
    for galaxy in range(4):
        assert run(slice(galaxy, galaxy + 1)).tobytes() == whole[galaxy].tobytes()
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    assert run(slice(None)).tobytes() == whole.tobytes()
    numba.set_num_threads(before)
    np.testing.assert_array_equal(flux, copy)


@pytest.mark.parametrize("n_out", [1, 3, BLOCK, BLOCK + 1])
def test_small_output_grids(n_out):
    edges_aa = 5000.0 + 2.0 * np.arange(n_out + 1)
    out, exact = both(smooth_spectra(WAVE_AA), 150.0, edges_aa=edges_aa)
    np.testing.assert_allclose(out, exact, rtol=2e-5)
