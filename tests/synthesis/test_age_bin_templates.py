"""Templates of age bins: against the simulator, whose constant histories of one bin they are, and analytically."""

import numpy as np
import pytest
from miniature import miniature_library, miniature_recipe

import sfhsim
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.nebular.cloudy import load_cloudy
from sfhsim.recipe import recipe_from_dict

NO_DUST = {"birth": {"law": "power_law", "tau": 0.0}, "screen": {"law": "power_law", "tau": 0.0}}
KMS = 200.0


def templates(library=None, **changes):
    library = miniature_library() if library is None else library
    return sfhsim.age_bin_templates(recipe_from_dict(miniature_recipe(**changes)), library)


@pytest.fixture(scope="module")
def of_recipe():
    return templates()


def at_dispersion(of, cube):
    """(n_metallicity, n_bin, n_pixel) linear in the variance."""
    variance = of.dispersion_kms**2
    k = int(np.searchsorted(variance, KMS**2)) - 1
    share = (KMS**2 - variance[k]) / (variance[k + 1] - variance[k])
    return (1 - share) * cube[k] + share * cube[k + 1]


@pytest.mark.parametrize("age_bin", [0, 4, 9, 14])
@pytest.mark.parametrize("nebular", [{"model": "none"}, {"model": "cloudy", "log_u": -3.0, "escape_fraction": 0.3}])
def test_a_history_of_one_bin_is_what_the_simulator_makes_of_it(age_bin, nebular):
    of = templates(nebular=nebular)
    low, high = of.age_bin_edges_yr[age_bin : age_bin + 2]
    table = {"age_yr": [0.0, low, low + 1.0, high - 1.0, high, 1.38e10], "value": [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]}
    if low == 0.0:
        table = {"age_yr": [0.0, high - 1.0, high, 1.38e10], "value": [1.0, 1.0, 0.0, 0.0]}
    recipe = miniature_recipe(
        histories=[{"family": "tabulated", "table": table}],
        metallicity={"form": "constant", "z_final": 0.02},
        dust=NO_DUST,
        nebular=nebular,
        total_mass_msun=1.0,
    )
    simulator = sfhsim.Simulator(recipe_from_dict(recipe), miniature_library(), basis_tolerance=0.0)
    batch = simulator.batch([0])
    assert batch.mass_fraction[0, age_bin] == pytest.approx(1.0, abs=1e-3)
    scale = simulator.flux_scale(batch.draws)[0]
    made = at_dispersion(of, of.old + of.young)[2, age_bin]
    # lines are not in the templates
    lines = load_cloudy().line_wave_aa * 1.002 if nebular["model"] == "cloudy" else np.zeros(1)
    between = np.min(np.abs(of.wave_aa[:, None] - lines), axis=1) > 40.0
    np.testing.assert_allclose(made[between], batch.noise_free_spectrum[0, between] / scale, rtol=3e-3)
    assert between.sum() > 100


def test_only_the_youngest_bins_have_light_behind_birth_clouds_and_of_nebulae(of_recipe):
    dark = templates(nebular={"model": "none"})
    assert dark.young[:, :, 0].min() > 0.0
    assert not dark.young[:, :, 2:].any()
    assert (of_recipe.young[:, :, 0] > dark.young[:, :, 0]).all()
    np.testing.assert_array_equal(of_recipe.old, dark.old)


def test_weights_are_the_masses_linear_in_log_metallicity(of_recipe):
    n_bin = of_recipe.age_bin_edges_yr.size - 1
    mass = np.random.default_rng(0).dirichlet(np.ones(n_bin), 3)
    given = mass.copy()
    z = np.full((3, n_bin), np.sqrt(0.004 * 0.02))
    weights = of_recipe.weights(mass, z)
    np.testing.assert_allclose(weights[:, 1:3], np.repeat(0.5 * mass[:, None], 2, axis=1), rtol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), mass, rtol=1e-12)
    np.testing.assert_array_equal(mass, given)
    np.testing.assert_allclose(of_recipe.weights(mass, 1e-9 * z)[:, 0], mass)
    np.testing.assert_allclose(of_recipe.weights(mass, 1e9 * z)[:, -1], mass)


def test_dispersions_begin_at_0_and_lines_are_where_they_are_observed(of_recipe):
    assert of_recipe.dispersion_kms[0] == 0.0
    assert (np.diff(of_recipe.dispersion_kms) > 0).all()
    assert np.min(np.abs(of_recipe.line_wave_aa - 6562.80 * 1.002)) < 0.01
    assert (of_recipe.line_wave_aa > 4800).all()
    assert (of_recipe.line_wave_aa < 7000).all()
    unbroadened = templates(kinematics={"velocity_dispersion_kms": 200.0, "broaden_stars": False, "redshift": 0.002})
    assert unbroadened.dispersion_kms.tolist() == [0.0]
    assert unbroadened.old.shape == (1, *of_recipe.old.shape[1:])


def test_screen_is_1_at_5500(of_recipe):
    at_5500 = np.interp(5500.0 * 1.002, of_recipe.wave_aa, of_recipe.screen_curve)
    assert at_5500 == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(of_recipe.screen_curve) < 0).all()


def test_what_has_no_templates():
    drawn = {"velocity_dispersion_kms": 200.0, "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.1}}
    with pytest.raises(RecipeError, match="one redshift"):
        templates(kinematics=drawn)
    worlds = miniature_recipe(worlds=[{"name": "a"}, {"name": "b", "override": {"nebular": {"model": "none"}}}])
    with pytest.raises(RecipeError, match="mixture of worlds"):
        sfhsim.age_bin_templates(recipe_from_dict(worlds), miniature_library())
    with pytest.raises(CoverageError):
        templates(spectrum={"start_aa": 29000.0, "stop_aa": 31000.0, "step_aa": 5.0, "lsf": {"name": "muse"}})


def test_a_built_in_name_is_enough():
    of = sfhsim.age_bin_templates("phangs-muse-hst-embedded")
    assert of.library == "bc03-miles"
    assert (of.old + of.young).min() > 0.0
