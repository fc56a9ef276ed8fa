"""Bands of galaxies at redshifts of their own, against the photons of each cell at each redshift."""

import numba
import numpy as np
import pytest

from sfhsim import load_library
from sfhsim.instrument import load_filter
from sfhsim.recipe import load_recipe
from sfhsim.synthesis.detectors import Lines
from sfhsim.synthesis.photometer_varying import LogPhotometer, VaryingPhotometer

LINE_AA = np.sort(np.random.default_rng(5).uniform(1500.0, 9500.0, 60))


class Redshifts:
    """Drawn redshifts, and their bounds."""

    def __init__(self, low, high, n):
        self.low, self.high = low, high
        self.values = {"redshift": np.concatenate([[low, high], np.random.default_rng(1).uniform(low, high, n - 2)])}

    def bounds(self, name):
        return self.low, self.high

    def __len__(self):
        return len(self.values["redshift"])


class Velocities(Redshifts):
    """And velocities of lines against the stars."""

    def __init__(self, low, high, n):
        super().__init__(low, high, n)
        self.values["offset"] = np.random.default_rng(6).uniform(-3000.0, 3000.0, n)

    def bounds(self, name):
        return (-3000.0, 3000.0) if name == "offset" else super().bounds(name)


class Twin(VaryingPhotometer):
    """The exact form: the photons that each band counts in each cell at each redshift."""

    band_flux = LogPhotometer.band_flux

    @staticmethod
    def _cell_means(columns):
        return columns


def _photometer(form, draws, library):
    recipe = load_recipe("phangs-muse-hst-embedded")
    photometer = form(recipe, draws, [load_filter(name) for name in recipe.photometry.filters])
    photometer.compile(library)
    photometer.set_lines([Lines(LINE_AA, "velocity_dispersion_kms")])
    return photometer


@pytest.fixture(scope="module")
def library():
    return load_library("bc03-miles")


def _light(photometer, library, n):
    rng = np.random.default_rng(2)
    n_z, n_age, _ = library.shape
    flux = np.asarray(library.flux[rng.integers(n_z, size=n), rng.integers(n_age, size=n)])
    cells = photometer.columns(library.wave_aa, flux).astype(np.float32)
    return cells, rng.uniform(0.0, 30.0, (n, LINE_AA.size)) * cells.mean(axis=1)[:, None]


@pytest.mark.parametrize("bounds", [(0.0, 0.02), (0.0, 0.5), (0.3, 0.3001)])
@pytest.mark.parametrize("with_lines", [False, True])
def test_same_magnitudes_as_the_exact_form(library, bounds, with_lines):
    draws = Redshifts(*bounds, 40)
    fast, exact = (_photometer(form, draws, library) for form in (VaryingPhotometer, Twin))
    cells, lines = _light(fast, library, 40)
    fluxes = [p.band_flux(cells, lines if with_lines else None, draws) for p in (fast, exact)]
    assert np.abs(2.5 * np.log10(fluxes[0] / fluxes[1])).max() < 1e-4


@pytest.mark.parametrize("bounds", [(0.0, 0.02), (0.3, 0.3001)])
def test_lines_that_move_beside_lines_that_do_not(library, bounds):
    draws = Velocities(*bounds, 40)
    fast, exact = (_photometer(form, draws, library) for form in (VaryingPhotometer, Twin))
    lines = [Lines(LINE_AA[:30], "velocity_dispersion_kms"), Lines(LINE_AA[30:], "velocity_dispersion_kms", "offset")]
    cells, light = _light(fast, library, 40)
    for photometer in (fast, exact):
        photometer.set_lines(lines)
    moved, expected = (p.band_flux(cells, light, draws) for p in (fast, exact))
    assert np.abs(2.5 * np.log10(moved / expected)).max() < 1e-4
    fast.set_lines([Lines(LINE_AA, "velocity_dispersion_kms")])
    assert np.abs(2.5 * np.log10(moved / fast.band_flux(cells, light, draws))).max() > 1e-3


def test_a_flat_spectrum_has_its_own_mean(library):
    draws = Redshifts(0.0, 0.3, 30)
    photometer = _photometer(VaryingPhotometer, draws, library)
    cells = np.full((30, photometer.column_wave_aa.size), 2.5, dtype=np.float32)
    np.testing.assert_allclose(photometer.band_flux(cells, None, draws), 2.5, rtol=2e-6)


def test_same_bytes_in_any_batch_and_from_any_number_of_threads(library):
    draws = Redshifts(0.0, 0.1, 9)
    photometer = _photometer(VaryingPhotometer, draws, library)
    cells, lines = _light(photometer, library, 9)
    copies = cells.copy(), lines.copy()
    whole = photometer.band_flux(cells, lines, draws)
    one = Redshifts(0.0, 0.1, 2)
    one.values = {"redshift": draws.values["redshift"][4:5]}
    assert photometer.band_flux(cells[4:5], lines[4:5], one).tobytes() == whole[4:5].tobytes()
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    assert photometer.band_flux(cells, lines, draws).tobytes() == whole.tobytes()
    numba.set_num_threads(before)
    np.testing.assert_array_equal(cells, copies[0])
    np.testing.assert_array_equal(lines, copies[1])
