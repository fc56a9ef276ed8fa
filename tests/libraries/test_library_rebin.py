import numpy as np

from sfhsim.libraries.rebin import pixel_edges_aa, rebin


def test_flux_is_conserved():
    wave_aa = np.array([1.0, 2.0, 4.0, 7.0, 8.0])
    flux = np.array([[1.0, 5.0, 2.0, 0.0, 3.0], [0.0, 1.0, 0.0, 1.0, 0.0]])
    edges = pixel_edges_aa(wave_aa)
    new_edges = np.array([-5.0, 1.3, 1.4, 6.0, 20.0])
    total = (flux * np.diff(edges)).sum(axis=-1)
    np.testing.assert_allclose((rebin(wave_aa, flux, new_edges) * np.diff(new_edges)).sum(axis=-1), total)


def test_same_pixels_give_the_same_flux():
    wave_aa = np.array([1.0, 2.0, 4.0, 7.0, 8.0])
    flux = np.array([1.0, 5.0, 2.0, 0.0, 3.0])
    np.testing.assert_allclose(rebin(wave_aa, flux, pixel_edges_aa(wave_aa)), flux, atol=1e-14)
