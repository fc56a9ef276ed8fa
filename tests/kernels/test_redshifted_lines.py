"""Lines of redshifted galaxies on observed pixels: the same as on each galaxy's rest-frame pixels."""

import numpy as np
import pytest

from sfhsim.kernels.lines import add_lines, add_redshifted_lines, normal_table

EDGES_AA = np.cumsum(np.r_[4800.0, np.full(500, 1.25), np.full(300, 2.5)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_as_on_rest_frame_pixels(dtype):
    rng = np.random.default_rng(2)
    wave_aa, sigma_aa = rng.uniform(4600.0, 6200.0, 30), rng.uniform(0.0, 8.0, (4, 30))
    luminosity, stretch = rng.uniform(0.0, 2.0, (4, 30)), 1 + np.array([0.0, 0.01, 0.05, 0.3])
    flux = np.ones((4, EDGES_AA.size - 1), dtype)
    expected = flux.copy()
    add_redshifted_lines(flux, EDGES_AA, wave_aa, sigma_aa, luminosity, stretch, normal_table())
    add_lines(expected, EDGES_AA / stretch[:, None], wave_aa, sigma_aa, luminosity, normal_table())
    np.testing.assert_allclose(flux, expected, rtol=1e-6 if dtype == np.float32 else 1e-11)
    assert (flux > 1.0).any(axis=1).all()


@pytest.mark.parametrize("width_aa", [0.0, 0.05, 3.0, 30.0])
def test_the_rest_frame_luminosity_is_kept(width_aa):
    flux = np.zeros((1, EDGES_AA.size - 1))
    line = np.array([5000.0]), np.array([[width_aa]]), np.array([[7.0]])
    add_redshifted_lines(flux, EDGES_AA, *line, np.array([1.05]), normal_table())
    assert (flux @ np.diff(EDGES_AA))[0] / 1.05 == pytest.approx(7.0, rel=1e-12)
