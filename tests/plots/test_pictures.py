"""Pictures: they are made where asked, of the right size, and show something."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from miniature import miniature_library, miniature_recipe

from sfhsim import Dataset, Simulator
from sfhsim.errors import SfhsimError
from sfhsim.generation import generate_dataset
from sfhsim.plots import check_picture_path, plot_dataset, plot_galaxy, plot_histories, plot_record
from sfhsim.plots.style import DPI, bin_steps, f_lambda_of_magnitude, power_of_ten, spectrum_ceiling
from sfhsim.recipe.loading import recipe_from_dict


def make_simulator(**sections):
    return Simulator(recipe_from_dict(miniature_recipe(**sections)), miniature_library())


@pytest.fixture(scope="module")
def simulator():
    return make_simulator()


@pytest.fixture(scope="module")
def dataset(simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "set"
    generate_dataset(simulator, 60, folder)
    return Dataset(folder)


def assert_shows_something(path, width_in, height_in):
    """A PNG of this size with more than one colour in each quarter."""
    from matplotlib.image import imread

    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", head[16:]) == (round(width_in * DPI), round(height_in * DPI))
    pixels = imread(path)
    rows, columns = (np.linspace(0, n, 3, dtype=int) for n in pixels.shape[:2])
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            assert pixels[top:bottom, left:right, :3].std() > 0.01


def test_a_galaxy(simulator, tmp_path):
    path = plot_galaxy(simulator, 3, tmp_path / "new" / "galaxy.png")
    assert path == tmp_path / "new" / "galaxy.png"
    assert_shows_something(path, 10, 9)


def test_a_galaxy_without_bands_nebula_or_noise(tmp_path):
    bare = make_simulator(photometry={"filters": []}, nebular={"model": "none"}, noise={"model": "none"})
    assert_shows_something(plot_galaxy(bare, 0, tmp_path / "bare.png"), 10, 9)


def test_families_of_histories(simulator, tmp_path):
    assert_shows_something(plot_histories(simulator, tmp_path / "histories.png"), 10, 7.5)


def test_one_family_in_which_no_galaxy_forms_the_same(tmp_path):
    alone = make_simulator(histories=miniature_recipe()["histories"][1:], metallicity={"form": "constant"})
    assert_shows_something(plot_histories(alone, tmp_path / "one.png", n_each=2), 5.6, 7.5)


def test_a_data_set(dataset, tmp_path):
    paths = plot_dataset(dataset.folder, tmp_path / "of the set")
    assert [p.name for p in paths] == ["spectra.png", "histories.png", "labels.png", "truths.png"]
    for path, size in zip(paths[:3], [(9, 8.5), (10, 3.8), (11, 4.2)], strict=True):
        assert_shows_something(path, *size)
    assert paths[3].stat().st_size > 10_000


def test_a_record(dataset, tmp_path):
    assert_shows_something(plot_record(dataset, dataset.sample(7), tmp_path / "record.png"), 10, 6.2)


def test_no_setting_of_matplotlib_is_touched(simulator, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot_histories(simulator, tmp_path / "a.png", n_each=1)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ["a.gif", "a", "a.PNGX"])
def test_endings_that_are_no_pictures(simulator, tmp_path, name):
    with pytest.raises(SfhsimError, match=r"\.png, \.pdf, \.svg"):
        plot_galaxy(simulator, 0, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_vector_endings_are_pictures():
    assert [check_picture_path(f"a{ending}").suffix for ending in (".png", ".pdf", ".svg")] == [".png", ".pdf", ".svg"]


def test_flux_density_of_a_magnitude():
    # 3631 Jy, the zero point of AB magnitudes, at 5000 A
    expected = 3631e-23 * 2.99792458e18 / 5000.0**2
    np.testing.assert_allclose(f_lambda_of_magnitude(np.array([0.0]), np.array([5000.0])), expected, rtol=1e-4)


def test_limits_and_powers():
    flat = np.ones(50)
    assert spectrum_ceiling(flat) == pytest.approx(1.8)
    assert spectrum_ceiling(np.append(flat, 100.0)) == pytest.approx(4.0)
    assert power_of_ten(np.array([3e-13])) == (1e-13, "$10^{-13}$ ")
    assert power_of_ten(np.zeros(3)) == (1.0, "")
    x, y = bin_steps(np.array([0.0, 1.0, 3.0]), np.array([5.0, 7.0]))
    np.testing.assert_array_equal(x, [0, 1, 1, 3])
    np.testing.assert_array_equal(y, [5, 5, 7, 7])
