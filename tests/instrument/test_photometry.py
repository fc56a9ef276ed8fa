"""The compiled photometry: equal to direct integration, with dust, lines, redshift and distance."""

import numpy as np
import pytest

from sfhsim.constants import LSUN_ERG_S, PC_CM
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.instrument import Filter, PhotometryOperator, load_filter
from sfhsim.instrument.filters import quadrature

WAVE_AA = np.concatenate([np.arange(1500.0, 10500.0, 2.0), np.geomspace(10500.0, 4e5, 800)])
NAMES = ("WFC3_UVIS.F225W", "F275W", "F336W", "F438W", "WFC3_UVIS.F555W", "WFC3_UVIS.F814W", "F770W")
FILTERS = [load_filter(name) for name in NAMES]
RNG = np.random.default_rng(8)
# Continua with strong absorption features, in Lsun/A.
SPECTRA = (WAVE_AA / 5000.0) ** np.array([[-3.0], [-1.0], [1.0]]) * np.exp(
    -np.abs(RNG.standard_normal((3, WAVE_AA.size)))
)
OPERATOR = PhotometryOperator(FILTERS, WAVE_AA, redshift=0.003)


def dust(wave_aa, tau, bump):
    drude = bump * (470.0 * wave_aa) ** 2 / ((wave_aa**2 - 2175.8**2) ** 2 + (470.0 * wave_aa) ** 2)
    return np.exp(-tau * ((wave_aa / 5500.0) ** -0.7 + drude))


def test_without_dust_equals_direct_integration():
    nodes = OPERATOR.apply(SPECTRA)
    assert nodes.shape == (3, len(FILTERS) * OPERATOR.n_nodes)
    observed = WAVE_AA * 1.003
    expected = np.stack([band.mean_flux(observed, SPECTRA) for band in FILTERS], axis=1)
    # The extra points of the operator's quadrature change nothing: both are exact.
    np.testing.assert_allclose(OPERATOR.band_luminosity(nodes), expected, rtol=1e-11)
    single = OPERATOR.apply(SPECTRA.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(OPERATOR.band_luminosity(single), expected, rtol=1e-5)


@pytest.mark.parametrize(("tau", "bump"), [(0.5, 0.0), (4.0, 0.0), (4.0, 1.0), (4.0, 3.0), (1.0, 4.0)])
def test_dust_at_the_nodes_is_dust_everywhere(tau, bump):
    nodes = OPERATOR.apply(SPECTRA)
    ours = OPERATOR.band_luminosity(nodes, dust(OPERATOR.node_wave_aa, tau, bump))
    observed = WAVE_AA * 1.003
    for i, band in enumerate(FILTERS):
        x, measure, index, fraction = quadrature(band, observed, np.linspace(*band.wave_aa[[0, -1]], 3000))
        flux = SPECTRA[:, index] * (1.0 - fraction) + SPECTRA[:, index + 1] * fraction
        exact = (flux * dust(x / 1.003, tau, bump)) @ measure
        assert np.abs(2.5 * np.log10(ours[:, i] / exact)).max() < 3e-5, band.name


def test_distance_redshift_and_magnitudes():
    z, distance_pc = 0.003, np.array([10.0, 1.3e7, 2.0e7])
    luminosity = OPERATOR.band_luminosity(OPERATOR.apply(SPECTRA))
    magnitude = OPERATOR.ab_magnitude(luminosity, distance_pc)
    for i in range(3):
        area = 4.0 * np.pi * (distance_pc[i] * PC_CM) ** 2 * (1.0 + z)
        f_lambda = SPECTRA[i : i + 1] * LSUN_ERG_S / area
        expected = [band.ab_magnitude(WAVE_AA * (1.0 + z), f_lambda)[0] for band in FILTERS]
        np.testing.assert_allclose(magnitude[i], expected, atol=1e-9)
    np.testing.assert_allclose(OPERATOR.flux(luminosity, 10.0)[0], OPERATOR.flux(luminosity, distance_pc)[0])
    assert np.isnan(OPERATOR.ab_magnitude(-luminosity, 10.0)).all()


def test_lines_equal_the_same_light_in_the_spectrum():
    wave = np.arange(4000.0, 9000.0, 0.05)
    operator = PhotometryOperator([load_filter("WFC3_UVIS.F555W")], wave, redshift=0.01)
    line, sigma = np.array([5006.8, 6562.8]), np.array([2.0, 3.0])
    weights = operator.line_operator(line, sigma)
    assert weights.shape == (2, 1)
    for i in range(2):
        gauss = np.exp(-0.5 * ((wave - line[i]) / sigma[i]) ** 2) / (sigma[i] * np.sqrt(2.0 * np.pi))
        expected = operator.band_luminosity(operator.apply(gauss[None, :]))[0]
        np.testing.assert_allclose(weights[i], expected, rtol=1e-6)


def test_coarse_curve_on_a_coarse_grid():
    band = Filter("trapezium", [20000.0, 22000.0, 30000.0, 32000.0], [0.0, 1.0, 1.0, 0.0])
    wave = np.array([1.5e4, 2.5e4, 4.0e4])
    operator = PhotometryOperator([band], wave, 0.0)
    flat = operator.band_luminosity(operator.apply(np.ones((1, 3))), dust(operator.node_wave_aa, 3.0, 0.0))
    x = np.linspace(20000.0, 32000.0, 400_001)
    response = np.interp(x, band.wave_aa, band.throughput) * x
    expected = np.trapezoid(dust(x, 3.0, 0.0) * response, x) / np.trapezoid(response, x)
    assert flat[0, 0] == pytest.approx(expected, rel=1e-7)


def test_filter_outside_the_library_is_named():
    with pytest.raises(CoverageError, match=r"F275W needs .* the library at z = 0\.5 covers 3000\.0-"):
        PhotometryOperator([load_filter("F275W")], np.linspace(2000.0, 9000.0, 500), 0.5)


@pytest.mark.parametrize(
    ("filters", "z", "n_nodes", "message"),
    [
        ([], 0.0, 16, "needs filters with names of their own"),
        ([FILTERS[0], FILTERS[0]], 0.0, 16, "needs filters with names of their own"),
        (FILTERS, 0.0, 1, "n_nodes >= 2 and redshift > -1, got 1 and 0.0"),
        (FILTERS, -1.0, 16, "got 16 and -1.0"),
    ],
)
def test_bad_operator(filters, z, n_nodes, message):
    with pytest.raises(RecipeError, match=message):
        PhotometryOperator(filters, WAVE_AA, z, n_nodes)
