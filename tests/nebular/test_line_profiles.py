"""Lines on pixels: light conserved whatever the width, and equal to a plain NumPy twin."""

import numba
import numpy as np
import pytest
from scipy.special import ndtr

from sfhsim.nebular.profiles import add_lines, line_pixel_matrix

EDGES_AA = 4800.0 + 1.25 * np.arange(1762)


def twin(pixel_edges_aa, line_wave_aa, line_sigma_aa, line_luminosity):
    """The readable form: normal distribution function at every edge, for every line."""
    sigma_aa = np.maximum(line_sigma_aa, 1e-300)[..., None]
    x = (pixel_edges_aa - line_wave_aa[:, None]) / sigma_aa
    fraction = np.diff(ndtr(x), axis=-1)
    return (line_luminosity[..., None] * fraction).sum(axis=-2) / np.diff(pixel_edges_aa)


@pytest.fixture
def lines():
    rng = np.random.default_rng(3)
    wave_aa = rng.uniform(4780.0, 7020.0, 40)
    return wave_aa, rng.uniform(0.01, 60.0, (5, 40)), rng.uniform(0.0, 3.0, (5, 40))


@pytest.mark.parametrize("width_px", [0.0, 0.01, 0.1, 1.0, 7.0, 50.0])
@pytest.mark.parametrize("offset_px", [0.0, 0.5, 0.9999, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_sum_to_the_line_luminosity(width_px, offset_px, dtype):
    wave_aa = np.array([EDGES_AA[880] + 1.25 * offset_px])
    flux = np.zeros((1, 1761), dtype=dtype)
    add_lines(flux, EDGES_AA, wave_aa, np.array([1.25 * width_px]), np.array([[4.2]]))
    assert (flux.astype(float) * 1.25).sum() == pytest.approx(4.2, rel=1e-6 if dtype == np.float32 else 1e-12)


def test_unequal_pixels_conserve_the_line_too():
    edges_aa = np.geomspace(3000.0, 9000.0, 300)
    matrix = line_pixel_matrix(edges_aa, np.array([4861.32, 6562.8]), np.array([0.05, 40.0]))
    np.testing.assert_allclose(matrix @ np.diff(edges_aa), 1.0, rtol=1e-12)


def test_a_line_on_the_border_leaves_half_of_itself():
    for edge in (EDGES_AA[0], EDGES_AA[-1]):
        matrix = line_pixel_matrix(EDGES_AA, np.array([edge]), np.array([3.0]))
        assert matrix.sum() * 1.25 == pytest.approx(0.5, rel=1e-12)


def test_a_line_far_outside_adds_nothing():
    assert not line_pixel_matrix(EDGES_AA, np.array([4000.0, 9000.0, 4799.9, 7010.0]), np.zeros(4)).any()


def test_a_line_without_width_falls_in_the_pixel_that_holds_it():
    matrix = line_pixel_matrix(EDGES_AA, EDGES_AA[[5, 6]] + [0.0, 0.3], np.zeros(2))
    assert matrix[0].nonzero()[0].tolist() == [5]
    assert matrix[1].nonzero()[0].tolist() == [6]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_equals_its_twin(lines, dtype):
    wave_aa, sigma_aa, luminosity = lines
    flux = np.zeros((5, 1761), dtype=dtype)
    add_lines(flux, EDGES_AA, wave_aa, sigma_aa, luminosity)
    expected = twin(EDGES_AA, wave_aa, sigma_aa, luminosity)
    np.testing.assert_allclose(flux, expected, rtol=0, atol=3e-7 if dtype == np.float32 else 1e-14)


def test_matrix_is_the_kernel_for_shared_widths(lines):
    wave_aa, sigma_aa, luminosity = lines
    flux = add_lines(np.ones((5, 1761)), EDGES_AA, wave_aa, sigma_aa[0], luminosity)
    matrix = line_pixel_matrix(EDGES_AA, wave_aa, sigma_aa[0])
    np.testing.assert_allclose(flux, 1.0 + luminosity @ matrix, rtol=1e-13)


def test_same_bytes_from_one_thread_and_from_many(lines):
    wave_aa, sigma_aa, luminosity = lines
    spectra = []
    before = numba.get_num_threads()
    for threads in {1, min(2, numba.config.NUMBA_NUM_THREADS)}:
        numba.set_num_threads(threads)
        spectra.append(add_lines(np.zeros((5, 1761), np.float32), EDGES_AA, wave_aa, sigma_aa, luminosity).tobytes())
    numba.set_num_threads(before)
    assert len(set(spectra)) == 1


def test_inputs_are_not_modified(lines):
    copies = [a.copy() for a in lines]
    add_lines(np.zeros((5, 1761)), EDGES_AA, *lines)
    for array, copy in zip(lines, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixel_edges_aa": EDGES_AA[::-1]}, "increase strictly"),
        ({"line_sigma_aa": np.array([-1.0])}, r"6562\.80 A is negative"),
        ({"line_sigma_aa": np.array([np.nan])}, "not finite"),
        ({"line_sigma_aa": np.ones((3, 1))}, "3 rows for 2 galaxies"),
        ({"line_sigma_aa": np.ones(4)}, "n_lines = 1"),
        ({"line_luminosity": np.array([[1.0], [np.inf]])}, r"galaxy 1, line at 6562\.80"),
        ({"line_luminosity": np.ones((3, 1))}, r"\(2, 1\), not \(3, 1\)"),
        ({"flux": np.zeros((2, 5))}, "flux must be"),
        ({"flux": np.zeros((2, 1761), int)}, "float32 or float64"),
        ({"line_wave_aa": np.array([np.nan])}, "finite"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    arguments = {
        "flux": np.zeros((2, 1761)),
        "pixel_edges_aa": EDGES_AA,
        "line_wave_aa": np.array([6562.8]),
        "line_sigma_aa": np.array([2.0]),
        "line_luminosity": np.ones((2, 1)),
    } | change
    with pytest.raises(ValueError, match=message):
        add_lines(**arguments)


def test_matrix_refuses_widths_per_galaxy():
    with pytest.raises(ValueError, match="one width per line"):
        line_pixel_matrix(EDGES_AA, np.array([5000.0]), np.ones((2, 1)))
