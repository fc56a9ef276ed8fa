import numpy as np

from sfhsim.constants import C_AA_S, H_ERG_S, LSUN_ERG_S, LYMAN_LIMIT_AA
from sfhsim.libraries.ionizing import ionizing_output


def test_flat_spectrum_has_the_analytic_integrals():
    wave_aa = np.array([100.0, 333.0, 700.0, 900.0, 1000.0, 1500.0])
    photons, luminosity = ionizing_output(wave_aa, np.full((2, wave_aa.size), 3.0))
    np.testing.assert_allclose(luminosity, 3.0 * (LYMAN_LIMIT_AA - 100.0), rtol=1e-14)
    expected = 3.0 * 0.5 * (LYMAN_LIMIT_AA**2 - 100.0**2) * LSUN_ERG_S / (H_ERG_S * C_AA_S)
    np.testing.assert_allclose(photons, expected, rtol=1e-14)


def test_linear_spectrum_does_not_depend_on_the_sampling():
    fine, coarse = np.linspace(200.0, 1000.0, 977), np.array([200.0, 650.0, 1000.0])
    for a, b in zip(ionizing_output(fine, 2 * fine + 1), ionizing_output(coarse, 2 * coarse + 1), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_sample_exactly_on_the_limit():
    wave_aa = np.array([511.75, LYMAN_LIMIT_AA, 2000.0])
    _, luminosity = ionizing_output(wave_aa, np.array([1.0, 1.0, 50.0]))
    np.testing.assert_allclose(luminosity, 400.0, rtol=1e-14)


def test_only_below_the_limit():
    _, luminosity = ionizing_output(np.array([500.0, 600.0]), np.ones(2))
    np.testing.assert_allclose(luminosity, 100.0)


def test_nan_where_the_library_does_not_reach():
    photons, luminosity = ionizing_output(np.array([1680.0, 2000.0]), np.ones((2, 3, 2)))
    assert photons.shape == luminosity.shape == (2, 3)
    assert np.isnan(photons).all()
    assert np.isnan(luminosity).all()


def test_input_is_not_modified():
    flux = np.ones((2, 3))
    ionizing_output(np.array([800.0, 900.0, 1000.0]), flux)
    assert (flux == 1).all()
