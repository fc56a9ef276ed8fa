"""The unit cube of a recipe: points are galaxies, and those of samples are theirs."""

import numpy as np
import pytest

from sfhsim.errors import RecipeError
from sfhsim.likelihood import PriorCube

CONSTANT = {
    "histories": [{"family": "skewed_normal", "parameters": {}}],
    "metallicity": {"z_start": 4e-4, "z_final": 0.02},
    "dust": {"birth": {"law": "power_law", "tau": 1.0}, "screen": {"law": "power_law", "tau": 0.3}},
    "nebular": {"model": "cloudy", "log_u": -3.0},
}


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {
            "kinematics": {
                "velocity_dispersion_kms": {"distribution": "log_uniform", "min": 30, "max": 300},
                "line_velocity_offset_kms": {"distribution": "uniform", "min": -50, "max": 50},
                "redshift": 0.002,
            },
            "nebular": {"model": "cloudy", "log_u": -3.0, "line_scatter_dex": 0.1, "common_scatter_dex": 0.2},
        },
    ],
    ids=["histories", "lines"],
)
def test_points_of_samples_are_their_galaxies_but_for_mass_and_noise(make_simulator, sections):
    simulator, ids = make_simulator(seed=5, **sections), np.array([0, 3, 17, 40, 41, 99])
    cube, batch = PriorCube(simulator.recipe), simulator.batch(ids)
    points = cube.of_samples(ids, 5)
    assert points.shape == (6, len(cube)) == (6, len(cube.names))
    assert set(cube.family(points)) == {0, 1}
    np.testing.assert_array_equal(cube.family(points), batch.draws.family)
    again = simulator.simulate(cube.draws(points, ids, seed=5))
    np.testing.assert_array_equal(again.mass_fraction, batch.mass_fraction)
    ratio = again.noise_free_spectrum / batch.noise_free_spectrum
    np.testing.assert_allclose(ratio / ratio[:, :1], 1.0, atol=1e-6)
    assert ratio.std() > 0.1  # their masses were drawn
    for name, value in cube.values(batch.draws).items():
        if name in batch.draws.values:
            np.testing.assert_array_equal(value, batch.draws.values[name])
    assert not {"snr", "total_mass_msun"} & set(cube.names)


def test_what_a_history_does_not_have_moves_nothing(make_simulator):
    simulator = make_simulator()
    cube, random = PriorCube(simulator.recipe), np.random.default_rng(1)
    points = random.uniform(size=(200, len(cube)))
    own = np.stack([cube.decides(family) for family in cube.family(points)])
    assert not own[:, cube.names.index("history.family")].any()
    others = np.where(own, points, random.uniform(size=points.shape))
    others[:, cube.names.index("history.family")] = points[:, cube.names.index("history.family")]
    one, two = (simulator.simulate(cube.draws(each)) for each in (points, others))
    np.testing.assert_array_equal(one.noise_free_spectrum, two.noise_free_spectrum)
    values = cube.values(one.draws)
    assert np.isnan(values["history.peak_gyr"]).sum() == (one.draws.family == 1).sum() > 50
    np.testing.assert_array_equal(np.isnan(values["history.1.interval_fractions.0"]), one.draws.family == 0)
    np.testing.assert_array_equal(values["history.family"], one.draws.family)


def test_what_is_no_point_and_a_recipe_without_any(make_simulator):
    cube = PriorCube(make_simulator().recipe)
    with pytest.raises(RecipeError, match=r"points of shape \(2, 3\): expected \(n, "):
        cube.draws(np.full((2, 3), 0.5))
    points = np.full((2, len(cube)), 0.5)
    points[1, 2] = 1.2
    with pytest.raises(RecipeError, match=rf"point 1 is outside of the unit cube: {cube.names[2]} is 1.2"):
        cube.draws(points)
    with pytest.raises(RecipeError, match="nothing varies in recipe small"):
        PriorCube(make_simulator(**CONSTANT).recipe)
