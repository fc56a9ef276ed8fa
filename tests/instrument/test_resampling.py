"""Flux-conserving rebinning and broadening: analytic truth, the operators, and the compiled kernels."""

import numba
import numpy as np
import pytest
from scipy.special import ndtr

from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument import broaden_and_rebin, broaden_operator, pixel_edges, rebin, rebin_operator

WAVE_AA = 4700.0 + 0.9 * np.arange(800)
EDGES_AA = pixel_edges(4800.0 + 1.25 * np.arange(401))
RNG = np.random.default_rng(3)
FLUX = 1.0 + 0.2 * RNG.standard_normal((3, WAVE_AA.size))


def numpy_rebin(wave_aa, flux, edges_aa):
    """The readable twin: cumulative flux, linear between native edges."""
    native = pixel_edges(wave_aa)
    level = np.concatenate([[0.0], np.cumsum(flux * np.diff(native))])
    return np.diff(np.interp(edges_aa, native, level)) / np.diff(edges_aa)


def numpy_broaden(wave_aa, flux, sigma_aa, edges_aa):
    """The readable twin: every native pixel as 400 points, each with its Gaussian."""
    native = pixel_edges(wave_aa)
    width = np.diff(native)
    spread = np.sqrt(np.maximum(sigma_aa**2 - width**2 / 12.0, 1e-20))
    level = np.zeros(edges_aa.size)
    for part in (np.arange(400) + 0.5) / 400.0:
        point = native[:-1] + part * width
        level += (flux * width / 400.0 * ndtr((edges_aa[:, None] - point) / spread)).sum(axis=1)
    return np.diff(level) / np.diff(edges_aa)


def test_pixel_edges():
    np.testing.assert_allclose(pixel_edges([1.0, 2.0, 4.0]), [0.5, 1.5, 3.0, 5.0])


def test_rebin_conserves_flux_and_matches_its_twin():
    out = rebin(WAVE_AA, FLUX, EDGES_AA)
    assert out.shape == (3, 401)
    for i in range(3):
        np.testing.assert_allclose(out[i], numpy_rebin(WAVE_AA, FLUX[i], EDGES_AA), rtol=1e-11)
    native = pixel_edges(WAVE_AA)
    merged = native[[0, 7, 100, 101, 500, 800]]
    total = (rebin(WAVE_AA, FLUX, merged) * np.diff(merged)).sum(axis=1)
    np.testing.assert_allclose(total, FLUX @ np.diff(native), rtol=1e-13)


def test_rebin_onto_itself_and_finer_is_exact():
    np.testing.assert_allclose(rebin(WAVE_AA, FLUX, pixel_edges(WAVE_AA)), FLUX, rtol=1e-10)
    fine = np.linspace(*pixel_edges(WAVE_AA)[[3, 4]], 6)
    np.testing.assert_allclose(rebin(WAVE_AA, FLUX, fine), np.repeat(FLUX[:, 3:4], 5, axis=1), rtol=1e-10)


def test_rebin_operator_and_per_galaxy_grids():
    grids = EDGES_AA / (1.0 + np.array([0.0, 0.005, 0.01]))[:, None]
    out = rebin(WAVE_AA, FLUX, grids)
    for i in range(3):
        np.testing.assert_allclose(rebin_operator(WAVE_AA, grids[i]) @ FLUX[i], out[i], rtol=1e-11)
    assert rebin(WAVE_AA, FLUX[0], EDGES_AA).shape == (401,)
    assert rebin(WAVE_AA, FLUX.astype(np.float32), EDGES_AA).dtype == np.float32


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.26, 0.3, 0.6, 1.34, 1.36, 2.5, 12.0])
def test_operator_matches_brute_force(sigma):
    sigma = sigma * (1.0 + 1e-4 * (WAVE_AA - 5000.0))
    edges = EDGES_AA[50:120:3]
    expected = numpy_broaden(WAVE_AA, FLUX[0], sigma, edges)
    tolerance = 2e-3 if sigma[0] < 0.27 else 3e-7  # the points of the twin are coarse where nothing smooths them
    np.testing.assert_allclose(broaden_operator(WAVE_AA, sigma, edges) @ FLUX[0], expected, rtol=tolerance)


def test_zero_sigma_is_rebinning_and_the_limit_is_continuous():
    exact = rebin_operator(WAVE_AA, EDGES_AA)
    assert abs(broaden_operator(WAVE_AA, 0.0, EDGES_AA) - exact).max() < 1e-12
    pixel_sigma = 0.9 / np.sqrt(12.0)
    for step in (1e-12, 1e-9, 1e-6):
        near = broaden_operator(WAVE_AA, pixel_sigma + step, EDGES_AA)
        assert abs(near - exact).max() < 3.0 * np.sqrt(step)


def test_constant_spectrum_stays_constant():
    for sigma in (0.0, 0.5, 2.5, 6.0):
        assert np.abs(broaden_operator(WAVE_AA, sigma, EDGES_AA).sum(axis=1) - 1.0).max() < 1e-9
        out = broaden_and_rebin(WAVE_AA, np.ones((1, WAVE_AA.size)), np.full(WAVE_AA.size, sigma), EDGES_AA)
        assert np.abs(out - 1.0).max() < 2e-8


@pytest.mark.parametrize("sigma", [0.0, 0.4, 2.5, 5.0])
def test_flux_is_conserved(sigma):
    widths = np.full(WAVE_AA.size, sigma)
    widths[400:] *= 0.7  # a join in the template's resolution
    line = np.zeros(WAVE_AA.size)
    line[398:403] = 1.0, 2.0, 5.0, 3.0, 1.0
    out = broaden_operator(WAVE_AA, widths, EDGES_AA) @ line
    assert out @ np.diff(EDGES_AA) == pytest.approx(12.0 * 0.9, rel=1e-12)
    out = broaden_and_rebin(WAVE_AA, line, widths, EDGES_AA)
    assert out @ np.diff(EDGES_AA) == pytest.approx(12.0 * 0.9, rel=1e-12)


@pytest.mark.parametrize("sigma", [0.5, 1.3, 1.4, 2.5])
def test_widths_add_in_quadrature(sigma):
    wave, centre, own = 4700.0 + 0.3 * np.arange(2400), 5000.0, 1.1
    line = np.exp(-0.5 * ((wave - centre) / own) ** 2)
    edges = pixel_edges(4900.0 + 0.4 * np.arange(501))
    middle = 0.5 * (edges[1:] + edges[:-1])
    out = broaden_operator(wave, sigma, edges) @ line
    mean = (out @ middle) / out.sum()
    variance = out @ (middle - mean) ** 2 / out.sum()
    assert mean == pytest.approx(centre, abs=1e-6)
    # The output pixel adds its own variance to that of the sampled profile.
    assert variance - 0.4**2 / 12.0 == pytest.approx(own**2 + sigma**2, rel=1e-5)


def test_resolution_join_ripples_unless_the_continuum_is_preserved():
    sigma = np.where(WAVE_AA < 5000.0, 4.3, 4.1)
    ones = np.ones(WAVE_AA.size)
    ripple = broaden_operator(WAVE_AA, sigma, EDGES_AA) @ ones - 1.0
    assert 0.005 < np.abs(ripple).max() < 0.24 * 0.2 / 4.1 * 1.1
    np.testing.assert_allclose(broaden_operator(WAVE_AA, sigma, EDGES_AA, preserve="continuum") @ ones, 1.0, rtol=1e-12)
    out = broaden_and_rebin(WAVE_AA, ones, sigma, EDGES_AA, preserve="continuum")
    np.testing.assert_allclose(out, 1.0, rtol=1e-12)


@pytest.mark.parametrize("preserve", ["flux", "continuum"])
@pytest.mark.parametrize("sigma", [0.0, 0.3, 0.7, 1.3, 1.6, 2.7, 7.0])
def test_kernel_equals_operator(sigma, preserve):
    sigma = sigma * (1.0 + np.array([[0.0], [0.1], [0.2]]) + 1e-4 * (WAVE_AA - 5000.0))
    grids = EDGES_AA / (1.0 + np.array([0.0, 0.005, 0.01]))[:, None]
    out = broaden_and_rebin(WAVE_AA, FLUX, sigma, grids, preserve)
    single = broaden_and_rebin(WAVE_AA, FLUX.astype(np.float32), sigma.astype(np.float32), grids, preserve)
    assert single.dtype == np.float32
    for i in range(3):
        expected = broaden_operator(WAVE_AA, sigma[i], grids[i], preserve) @ FLUX[i]
        np.testing.assert_allclose(out[i], expected, rtol=1e-7)
        np.testing.assert_allclose(single[i], expected, rtol=1e-6)


def test_kernel_on_uneven_grids():
    wave = 4600.0 * np.exp(np.cumsum(RNG.uniform(5e-5, 4e-4, 900)))
    edges = pixel_edges(4800.0 * np.exp(3e-4 * np.arange(200)))
    flux, sigma = RNG.uniform(0.5, 2.0, wave.size), RNG.uniform(0.0, 6.0, wave.size)
    expected = broaden_operator(wave, sigma, edges) @ flux
    np.testing.assert_allclose(broaden_and_rebin(wave, flux, sigma, edges), expected, rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_same_bytes_for_any_number_of_threads_and_inputs_stay(threads):
    if threads > numba.config.NUMBA_NUM_THREADS:
        pytest.skip("this process may use one thread only")
    flux, sigma, edges = FLUX.copy(), np.full((3, WAVE_AA.size), 2.0), EDGES_AA.copy()
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        out, plain = broaden_and_rebin(WAVE_AA, flux, sigma, edges), rebin(WAVE_AA, flux, edges)
    finally:
        numba.set_num_threads(before)
    for i in range(3):  # each row alone is what a single thread computes
        assert out[i].tobytes() == broaden_and_rebin(WAVE_AA, flux[i], sigma[i], edges).tobytes()
        assert plain[i].tobytes() == rebin(WAVE_AA, flux[i], edges).tobytes()
    np.testing.assert_array_equal(flux, FLUX)
    np.testing.assert_array_equal(sigma, 2.0)
    np.testing.assert_array_equal(edges, EDGES_AA)


def test_missing_coverage_names_the_range():
    with pytest.raises(CoverageError, match=r"missing 4600\.00-4699\.55 A and 5419\.55-5500\.00 A"):
        rebin(WAVE_AA, FLUX, np.linspace(4600.0, 5500.0, 10))
    with pytest.raises(CoverageError, match=r"cannot rebin: needs 4600\.00-4800\.00 A"):
        rebin_operator(WAVE_AA, [4600.0, 4800.0])
    # 6 sigma beyond the output grid are needed too.
    with pytest.raises(CoverageError, match=r"cannot broaden: needs 4690\.00-4918\.00 A"):
        broaden_operator(WAVE_AA, 3.0, [4708.0, 4900.0])
    with pytest.raises(CoverageError, match=r"missing 4690\.00-4699\.55 A"):
        broaden_and_rebin(WAVE_AA, FLUX, np.full((3, WAVE_AA.size), 3.0), [4708.0, 4900.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pixel_edges([2.0, 1.0]), "one increasing array"),
        (lambda: rebin(WAVE_AA, FLUX[:, :5], EDGES_AA), "flux has shape"),
        (lambda: rebin(WAVE_AA, FLUX, EDGES_AA[::-1]), "must be finite and increase"),
        (lambda: rebin(WAVE_AA, FLUX, np.stack([EDGES_AA] * 2)), "output edges have shape"),
        (lambda: broaden_and_rebin(WAVE_AA, FLUX, np.ones(5), EDGES_AA), "sigma_aa has shape"),
        (lambda: broaden_operator(WAVE_AA, -1.0, EDGES_AA), "must be finite and >= 0"),
        (lambda: broaden_operator(WAVE_AA, np.nan, EDGES_AA), "must be finite and >= 0"),
    ],
)
def test_bad_arrays(call, message):
    with pytest.raises(CoverageError, match=message):
        call()


@pytest.mark.parametrize("function", [broaden_operator, broaden_and_rebin])
def test_unknown_preserve(function):
    flux = () if function is broaden_operator else (FLUX[0],)
    with pytest.raises(RecipeError, match="preserve must be 'flux' or 'continuum', got 'both'"):
        function(WAVE_AA, *flux, np.ones(WAVE_AA.size), EDGES_AA, preserve="both")
