"""The likelihood of spectra under the galaxies of a recipe, against sums and integrals written out."""

import numpy as np
import pytest
from scipy.integrate import quad

from sfhsim.errors import RecipeError
from sfhsim.likelihood import Likelihood


@pytest.fixture(scope="module")
def galaxy():
    """Simulator with a galaxy of it: (spectrum, its errors, magnitudes, their errors), and its point."""
    from miniature import miniature_library, miniature_recipe

    from sfhsim import Simulator
    from sfhsim.recipe import recipe_from_dict

    simulator = Simulator(recipe_from_dict(miniature_recipe(total_mass_msun=1e9)), miniature_library(), seed=2)
    batch = simulator.batch([4])
    data = batch.spectrum[0], batch.spectrum_error[0], batch.photometry[0], batch.photometry_error[0]
    return simulator, data, batch


def test_it_is_the_integral_over_the_brightness(galaxy):
    simulator, (flux, error, *_), batch = galaxy
    likelihood = Likelihood(simulator, flux, error)
    points = np.concatenate([likelihood.cube.of_samples([4], 2), likelihood.cube.of_samples([5, 6], 2)])
    model = simulator.simulate(likelihood.cube.draws(points)).noise_free_spectrum.astype(np.float64)
    best = [np.sum(m * flux / error**2) / np.sum(m**2 / error**2) for m in model]
    chi_square = np.array([np.sum(((flux - a * m) / error) ** 2) for a, m in zip(best, model, strict=True)])
    found = likelihood.evaluate(points)
    np.testing.assert_allclose(found.chi_square, chi_square, rtol=1e-6)
    expected = []
    for a, m, least in zip(best, model, chi_square, strict=True):

        def density(log_share, a=a, m=m, least=least):
            return np.exp(-0.5 * (np.sum(((flux - a * np.exp(log_share) * m) / error) ** 2) - least))

        integral = quad(density, -0.5, 0.5, points=[0.0], limit=200)[0]
        expected.append(np.log(integral) - 0.5 * least - 0.5 * np.log(2.0 * np.pi))
    np.testing.assert_allclose(found.log_likelihood, expected, atol=2e-3)
    assert chi_square[0] == pytest.approx(flux.size, rel=0.2)
    assert found.log_likelihood[0] > found.log_likelihood[1:].max() + 100.0
    np.testing.assert_array_equal(found.mass_fraction[0], batch.mass_fraction[0])


def test_brightness_says_nothing_unless_spectrum_and_bands_are_of_one_aperture(galaxy):
    simulator, (flux, error, mag, mag_error), _ = galaxy
    points = Likelihood(simulator, flux, error).cube.of_samples(np.arange(20), 2)
    of = {one: Likelihood(simulator, flux, error, mag, mag_error, one)(points) for one in (False, True)}
    brighter = {
        one: Likelihood(simulator, 7.0 * flux, 7.0 * error, mag, mag_error, one)(points) for one in (False, True)
    }
    np.testing.assert_allclose(brighter[False], of[False], rtol=1e-6)
    assert np.abs(brighter[True] - of[True])[4] > 50.0
    fainter = Likelihood(simulator, 7.0 * flux, 7.0 * error, mag - 2.5 * np.log10(7.0), mag_error, True)(points)
    np.testing.assert_allclose(fainter, of[True], rtol=1e-6)
    spectrum, bands = (
        Likelihood(simulator, *given)(points)
        for given in ((flux, error), (np.full_like(flux, np.nan), error, mag, mag_error))
    )
    np.testing.assert_allclose(of[False], spectrum + bands, rtol=1e-9)


def test_what_is_missing_does_not_count(galaxy):
    simulator, (flux, error, mag, mag_error), _ = galaxy
    points = Likelihood(simulator, flux, error).cube.of_samples(np.arange(5), 2)
    gaps, unknown = flux.copy(), error.copy()
    gaps[:50], unknown[100:130] = np.nan, 0.0
    other = flux.copy()
    other[:50], other[100:130] = 1e3 * flux.max(), -1.0
    np.testing.assert_array_equal(
        Likelihood(simulator, gaps, unknown, np.append(mag[:-1], np.nan), mag_error)(points),
        Likelihood(simulator, other, np.where(np.isnan(gaps), np.inf, unknown), mag, np.append(mag_error[:-1], np.nan))(
            points
        ),
    )


def test_data_of_another_kind_are_refused_by_name(galaxy):
    simulator, (flux, error, mag, mag_error), _ = galaxy
    with pytest.raises(RecipeError, match=r"flux_error has shape \(10,\), the simulator makes 441"):
        Likelihood(simulator, flux, error[:10])
    with pytest.raises(RecipeError, match=r"magnitudes has shape \(2,\), the simulator makes 3"):
        Likelihood(simulator, flux, error, mag[:2], mag_error)
    with pytest.raises(RecipeError, match="no pixel and no band has a flux and a positive error"):
        Likelihood(simulator, flux, np.zeros_like(error), mag, np.full(3, np.nan))
