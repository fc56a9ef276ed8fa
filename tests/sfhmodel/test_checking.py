"""Spectra made again from histories: simulated galaxies whose truth is known, and what must not matter."""

import numpy as np
import pytest

import sfhsim
from sfhmodel.checking import CheckResult, check_arrays
from sfhmodel.checking.spectra import Lines, Stars
from sfhmodel.description import SUMMARIES, ModelDescription
from sfhmodel.errors import InputError
from sfhsim.recipe import load_recipe, recipe_from_dict, recipe_to_dict

N = 12
A_V = [name for name, _, _ in SUMMARIES].index("a_v_mag")


@pytest.fixture(scope="module")
def simulator():
    return sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded", seed=5)


@pytest.fixture(scope="module")
def description(simulator):
    return described(recipe_to_dict(load_recipe("phangs-muse-hst-embedded")))


def described(recipe: dict, **changes) -> ModelDescription:
    edges_yr = np.array(load_recipe("phangs-muse-hst-embedded").labels.age_bin_edges_myr) * 1e6
    known = {"wave_aa": np.arange(4800.0, 7000.1, 1.25), "age_bin_edges_yr": edges_yr, "bands": (), "truth_names": ()}
    return ModelDescription(**(known | changes), recipe=recipe)


@pytest.fixture(scope="module")
def galaxies(simulator):
    """(answers, noise-free spectra about 1) of galaxies, the answers their truths."""
    batch = simulator.batch(range(N))
    names = [entry["name"] for entry in simulator.truths.entries]
    summaries = np.zeros((N, len(SUMMARIES)))
    summaries[:, A_V] = batch.truth[:, names.index("a_v_mag")]
    answers = {"mass_fraction": batch.mass_fraction, "metallicity": batch.metallicity, "summaries": summaries}
    free = batch.noise_free_spectrum.astype(np.float64)
    return answers, free / free.mean(axis=1, keepdims=True)


def observed(free, snr=50.0, seed=0):
    error = np.full(free.shape, 1.0 / snr)
    return free + error * np.random.default_rng(seed).standard_normal(free.shape), error


def old_for_young(answers):
    return answers | {"mass_fraction": answers["mass_fraction"][:, ::-1]}


@pytest.fixture(scope="module")
def true(description, galaxies):
    """The check of the truth at S/N 50."""
    answers, free = galaxies
    return check_arrays(description, answers, *observed(free))[0]


# --- what is found --------------------------------------------------------------------------------------------------


def test_truth_reproduces_its_spectrum(true):
    assert abs(np.median(true.chi2) - 1.0) < 0.03
    assert true.chi2.max() < 1.2
    assert not true.unlike_reproduced.any()
    np.testing.assert_allclose(true.residual_rms, 0.02, rtol=0.1)
    np.testing.assert_allclose(true.residual_rms_sigma**2, true.chi2, rtol=0.05)
    assert np.median(true.calibration_rms) < 0.01


def test_motions_are_found(true, description, galaxies):
    assert np.median(np.abs(true.velocity_dispersion_kms - 150.0)) < 10.0
    assert np.median(np.abs(true.velocity_kms)) < 10.0
    answers, free = galaxies
    wave_aa = description.wave_aa
    moved = np.array([np.interp(wave_aa, wave_aa * (1.0 + 120.0 / 299792.458), row) for row in free])
    found, _ = check_arrays(description, answers, *observed(moved))
    assert abs(np.median(found.velocity_kms) - 120.0) < 15.0


def test_wrong_ages_do_not(true, description, galaxies):
    answers, free = galaxies
    wrong, _ = check_arrays(description, old_for_young(answers), *observed(free))
    assert (wrong.chi2 > true.chi2).all()
    assert np.median(wrong.chi2) > 1.1
    sharp, _ = check_arrays(description, old_for_young(answers), *observed(free, snr=200.0))
    fine, _ = check_arrays(description, answers, *observed(free, snr=200.0))
    assert np.median(sharp.chi2) > 2.0 * np.median(fine.chi2)
    assert sharp.mismatch.max() > 1.0 > fine.mismatch.max()


def test_wrong_metallicities_do_not(true, description, galaxies):
    answers, free = galaxies
    wrong, _ = check_arrays(description, answers | {"metallicity": 0.05 - answers["metallicity"]}, *observed(free))
    assert np.mean(wrong.chi2 > true.chi2) > 0.9
    assert np.median(wrong.chi2) > 1.02


# --- what must not matter -------------------------------------------------------------------------------------------


def test_emission_lines_do_not_matter_and_holes_do(true, description, galaxies):
    answers, free = galaxies
    line = 0.3 * np.exp(-0.5 * ((description.wave_aa - 5200.26) / 3.0) ** 2)
    emitted, _ = check_arrays(description, answers, *observed(free + line))
    np.testing.assert_allclose(emitted.chi2, true.chi2, atol=0.05)
    missing, _ = check_arrays(description, answers, *observed(free - line))
    assert (missing.chi2 > true.chi2 + 0.3).all()


def test_masked_pixels_do_not_matter(description, galaxies, true):
    answers, free = galaxies
    flux, error = observed(free)
    mask = np.ones(flux.shape)
    mask[:, 300:340] = mask[:, -50:] = 0
    plain, _ = check_arrays(description, answers, flux, error, mask)
    flux[:, 300:340], flux[:, -50:] = 1e6, np.nan
    garbled, _ = check_arrays(description, answers, flux, error, mask)
    np.testing.assert_array_equal(garbled.chi2, plain.chi2)
    assert np.abs(plain.chi2 - true.chi2).max() < 0.05


def test_calibration_and_units_do_not_matter(description, galaxies, true):
    answers, free = galaxies
    tilt = np.exp(0.1 * np.linspace(-1.0, 1.0, free.shape[1]))
    flux, error = observed(free)
    tilted, _ = check_arrays(description, answers, 1e-17 * flux * tilt, 1e-17 * error * tilt)
    np.testing.assert_allclose(tilted.chi2, true.chi2, atol=0.03)
    assert (tilted.calibration_rms > 0.04).all()
    np.testing.assert_allclose(np.median(tilted.model / 1e-17 / tilt), np.median(true.model), rtol=0.01)


def test_neighbours_do_not_matter(description, galaxies, true):
    answers, free = galaxies
    flux, error = observed(free)
    row = slice(3, 4)
    alone, _ = check_arrays(description, {k: v[row] for k, v in answers.items()}, flux[row], error[row])
    np.testing.assert_allclose(alone.chi2, true.chi2[row], rtol=1e-4)


def test_inputs_stay_as_they_are(description, galaxies):
    answers, free = galaxies
    flux, error = observed(free)
    mask = np.ones(flux.shape)
    kept = [values.copy() for values in (flux, error, mask, *answers.values())]
    check_arrays(description, answers, flux, error, mask)
    for before, after in zip(kept, (flux, error, mask, *answers.values()), strict=True):
        np.testing.assert_array_equal(after, before)


# --- what is unknown, and what is wrong -----------------------------------------------------------------------------


def test_unknown_errors_are_the_scatter(description, galaxies, true):
    answers, free = galaxies
    unknown, _ = check_arrays(description, answers, observed(free)[0])
    assert np.isnan(unknown.chi2).all()
    assert np.isnan(unknown.residual_rms_sigma).all()
    np.testing.assert_allclose(unknown.mismatch, true.mismatch, rtol=0.15)


def test_what_cannot_be_compared_is_nan(description, galaxies):
    answers, free = galaxies
    flux, error = observed(free)
    answers = answers | {"metallicity": answers["metallicity"].copy()}
    answers["metallicity"][1] = np.nan
    mask = np.ones(flux.shape)
    mask[2], mask[3, 50:] = 0, 0
    result, _ = check_arrays(description, answers, flux, error, mask)
    bad = np.isin(np.arange(N), [1, 2, 3])
    for name, values in result.arrays().items():
        finite = np.isfinite(values).reshape(N, -1).all(axis=1)
        np.testing.assert_array_equal(finite, ~bad, err_msg=name)
    assert result.unlike_reproduced[bad].all()


def test_no_spectra_are_no_problem(description, galaxies):
    answers, free = galaxies
    result, _ = check_arrays(description, {name: values[:0] for name, values in answers.items()}, free[:0])
    assert len(result) == 0
    assert result.model.shape == (0, free.shape[1])


def test_results_are_taken_and_joined(true):
    both = CheckResult.joined([true[:2], true[2:].without_spectra()])
    assert both.model is None
    np.testing.assert_array_equal(both.chi2, true.chi2)
    assert len(true[[0, 4]]) == 2


@pytest.mark.parametrize("name", ["flux", "flux_error", "mask"])
def test_shapes_are_checked(description, galaxies, name):
    answers, free = galaxies
    given = {"flux": free, "flux_error": free, "mask": free} | {name: free[:, 1:]}
    with pytest.raises(InputError, match=rf"{name} has shape \(12, 1760\), need .*\(12, 1761\)"):
        check_arrays(description, answers, **given)


def test_models_that_cannot_be_checked(description, galaxies):
    answers, free = galaxies
    recipe = description.recipe
    with pytest.raises(InputError, match="does not hold the recipe"):
        check_arrays(described({"name": "made up"}), answers, free)
    drawn = {"redshift": {"distribution": "uniform", "min": 0.0, "max": 0.1}, "velocity_dispersion_kms": 150.0}
    with pytest.raises(InputError, match="cannot be made again: .*one redshift"):
        check_arrays(described(recipe | {"kinematics": drawn}), answers, free)
    with pytest.raises(InputError, match="wavelengths are not those of its recipe"):
        check_arrays(described(recipe, wave_aa=description.wave_aa + 1.0), answers, free)
    with pytest.raises(InputError, match="age bins are not those of its recipe"):
        check_arrays(described(recipe, age_bin_edges_yr=description.age_bin_edges_yr * 1.1), answers, free)


@pytest.mark.parametrize("broaden", [True, False])
def test_grids_without_lines_and_stars_that_are_not_broadened(description, broaden):
    recipe = description.recipe
    recipe = recipe | {
        "spectrum": recipe["spectrum"] | {"start_aa": 5230.0, "stop_aa": 5730.0},
        "kinematics": recipe["kinematics"] | {"broaden_stars": broaden},
    }
    simulator = sfhsim.Simulator(recipe_from_dict(recipe), sfhsim.load_library("bc03-miles"))
    batch = simulator.batch(range(3))
    answers = {"mass_fraction": batch.mass_fraction, "metallicity": batch.metallicity}
    answers["summaries"] = np.zeros((3, len(SUMMARIES)))
    narrow = described(recipe, wave_aa=simulator.spectrograph.wave_aa)
    free = batch.noise_free_spectrum / batch.noise_free_spectrum.mean(axis=1, keepdims=True)
    result, _ = check_arrays(narrow, answers, *observed(free))
    assert abs(result.chi2.mean() - 1.0) < 0.15
    assert (result.velocity_dispersion_kms > 100.0).all() == broaden


def test_another_library_stands_in_and_is_named(description, galaxies):
    answers, free = galaxies
    recipe = description.recipe
    assert check_arrays(description, answers, free)[1] == ()
    _, notes = check_arrays(described(recipe | {"library": "varied-0000"}), answers, free)
    assert notes == ("checked with the stars of bc03-miles: varied-0000 is not on this machine",)
    worlds = [{"name": name, "recipe": recipe | {"library": name}} for name in ("varied-0000", "bc03-miles")]
    _, notes = check_arrays(described({"name": "both", "worlds": worlds}), answers, free)
    assert notes == ("checked with the stars of bc03-miles, one of 2 libraries that the model learnt from",)


# --- parts ----------------------------------------------------------------------------------------------------------


def test_derivatives_are_those_of_small_differences():
    wave_aa = np.linspace(5000.0, 6000.0, 801)
    depth = sum(np.exp(-0.5 * ((wave_aa - centre) / 8.0) ** 2) for centre in (5200.0, 5400.0, 5650.0))
    old = np.stack([1.0 - 0.3 * depth, 1.0 - 0.25 * depth])[None].astype(np.float32)
    stars = Stars(wave_aa, np.array([0.0, 200.0]), old, 0.2 * old)
    at = np.array([40.0]), np.array([1.5e4]), np.array([0.5])
    value, *derivatives = stars.at(*at)
    inner = slice(5, -5)
    for k, (step, derivative) in enumerate(zip((5.0, 1e3, 0.1), derivatives, strict=True)):
        moved = [stars.at(*(a + sign * step * (i == k) for i, a in enumerate(at)))[0] for sign in (-1, 1)]
        difference = (moved[1] - moved[0]) / (2.0 * step)
        np.testing.assert_allclose(derivative[:, inner], difference[:, inner], atol=0.03 * np.abs(difference).max())
    shifted = np.interp(wave_aa, wave_aa * (1 + 40.0 / 299792.458), stars.at(np.zeros(1), *at[1:])[0][0])
    np.testing.assert_allclose(value[0, inner], shifted[inner], atol=2e-3)


def test_lines_hold_their_flux_and_their_derivatives():
    wave_aa = np.linspace(6400.0, 6700.0, 241)
    lines = Lines(wave_aa, np.full(241, 1.1), np.array([6562.8]), 400.0)
    at, amplitude = np.array([30.0, np.log(80.0)]), np.array([[2.0]])

    def written(v, log_width):
        out = np.zeros((1, 1, 241)), np.zeros((1, 241)), np.zeros((1, 241))
        lines.write(np.array([v]), np.exp([log_width]), amplitude, *out)
        return out

    profile, *derivatives = written(*at)
    assert profile.sum() * 1.25 == pytest.approx(1.0, abs=1e-6)
    assert wave_aa[np.argmax(profile)] == pytest.approx(6562.8 * (1 + 30.0 / 299792.458), abs=0.7)
    for k, step in enumerate((0.5, 0.01)):
        high, low = (written(*(at + sign * step * (np.arange(2) == k)))[0] for sign in (1, -1))
        np.testing.assert_allclose(derivatives[k], 2.0 * (high - low)[0] / (2.0 * step), atol=1e-4)
