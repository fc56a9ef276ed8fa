"""The flow of posteriors: splines and couplings there and back, densities, coordinates, ranks."""

import numpy as np
import pytest
from keras import ops

from sfhmodel.errors import InputError
from sfhmodel.posterior import coverage, rank_p_value, ranks
from sfhmodel.posterior.coordinates import FLOOR, Coordinates
from sfhmodel.posterior.flow import PosteriorFlow
from sfhmodel.posterior.spline import BOUND, n_parameters, spline


def numbers(array):
    return ops.convert_to_numpy(array).astype(np.float64)


def stirred(n_coordinate, n_context, **options):
    """A flow whose weights are those of no training, and far from the identity."""
    flow = PosteriorFlow(n_coordinate, n_context, couplings=3, hidden=8, bins=5, **options)
    random = np.random.default_rng(1)
    flow.set_weights([random.normal(0.0, 0.3, w.shape).astype(np.float32) for w in flow.get_weights()])
    return flow


def test_splines_go_there_and_back_and_are_the_identity_without_shape():
    random = np.random.default_rng(0)
    values = random.uniform(-1.3 * BOUND, 1.3 * BOUND, (500, 3)).astype(np.float32)
    shape = random.normal(0.0, 1.0, (500, 3, n_parameters(6))).astype(np.float32)
    moved, slope = spline(values, shape, 6)
    back, slope_back = spline(moved, shape, 6, inverse=True)
    np.testing.assert_allclose(numbers(back), values, atol=2e-3)
    np.testing.assert_allclose(numbers(slope_back), -numbers(slope), atol=2e-2)
    outside = np.abs(values) > BOUND
    np.testing.assert_array_equal(numbers(moved)[outside], values[outside].astype(np.float64))
    assert np.abs(numbers(moved) - values)[~outside].max() > 0.5
    same, slope = spline(values, np.zeros_like(shape), 6)
    np.testing.assert_allclose(numbers(same), values, atol=1e-4)
    np.testing.assert_allclose(numbers(slope), 0.0, atol=1e-4)


def test_a_flow_goes_there_and_back_with_the_determinant_of_its_jacobian():
    flow, random = stirred(4, 2), np.random.default_rng(2)
    points, context = (random.normal(0.0, 1.0, (20, n)).astype(np.float32) for n in (4, 2))
    normal, log_determinant = flow.to_normal(points, context)
    np.testing.assert_allclose(numbers(flow.from_normal(normal, context)), points, atol=1e-3)
    step = 2e-3
    columns = []
    for k in range(4):
        moved = [points + sign * step * np.eye(4, dtype=np.float32)[k] for sign in (1, -1)]
        plus, minus = (numbers(flow.to_normal(each, context)[0]) for each in moved)
        columns.append((plus - minus) / (2.0 * step))
    expected = np.linalg.slogdet(np.stack(columns, axis=-1))[1]
    assert np.median(np.abs(numbers(log_determinant) - expected)) < 0.01


def test_a_density_has_the_integral_one_and_its_samples_its_moments():
    flow = stirred(2, 1)
    side = np.linspace(-9.0, 9.0, 361, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    context = np.full((len(grid), 1), 0.3, np.float32)
    density = np.exp(numbers(flow({"points": grid, "context": context}))[:, 0])
    cell = float(side[1] - side[0]) ** 2
    assert density.sum() * cell == pytest.approx(1.0, abs=0.02)
    normal = np.random.default_rng(3).standard_normal((20_000, 2)).astype(np.float32)
    drawn = numbers(flow.from_normal(normal, np.full((20_000, 1), 0.3, np.float32)))
    mean = (density[:, None] * grid).sum(axis=0) * cell
    spread = np.sqrt((density[:, None] * (grid - mean) ** 2).sum(axis=0) * cell)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=0), spread, rtol=0.05)


def test_coordinates_go_there_and_back_but_for_shares_that_say_nothing():
    random = np.random.default_rng(4)
    fraction = random.dirichlet(np.full(6, 0.5), 300)
    fraction[:50, 2] = 0.0
    fraction /= fraction.sum(axis=1, keepdims=True)
    scalars = np.stack([random.normal(-2.0, 0.3, 300), random.normal(-2.0, 0.3, 300), random.exponential(0.5, 300)], 1)
    coordinates = Coordinates.fitted(fraction, scalars)
    points = coordinates.points(fraction, scalars)
    assert points.shape == (300, coordinates.n) == (300, 8)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points.std(axis=0), 1.0, rtol=1e-3)
    back, scalars_back = coordinates.physical(points)
    np.testing.assert_allclose(back.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(back, fraction, atol=6 * FLOOR)
    np.testing.assert_array_equal(back == 0.0, fraction < FLOOR)
    np.testing.assert_allclose(scalars_back, scalars, atol=1e-5)
    assert np.array_equal(points, coordinates.points(fraction, scalars))
    assert not np.array_equal(points, coordinates.points(fraction, scalars, seed=1))


def test_an_empty_bin_is_apart_from_a_small_one_and_shows_in_its_own_coordinate():
    fraction = np.array([[0.2, 1.2 * FLOOR, 0.3, 0.5], [0.2, 0.8 * FLOOR, 0.3, 0.5]])
    fraction /= fraction.sum(axis=1, keepdims=True)
    scalars = np.array([[-2.0, -2.0, 0.3]] * 2)
    unscaled = Coordinates(np.zeros(6), np.ones(6))
    points = unscaled.points(fraction, scalars)
    np.testing.assert_allclose(points[0, [0, 2]], points[1, [0, 2]], atol=1e-3)
    assert points[0, 1] - points[1, 1] > np.log(10.0)  # nothing lies between
    points[:, 1] += [-1.0, 1.0]
    np.testing.assert_array_equal(unscaled.physical(points)[0][:, 1] > 0.0, [True, False])


def test_ranks_of_true_posteriors_are_uniform_and_those_of_narrow_ones_are_not():
    random = np.random.default_rng(5)
    middle = random.normal(size=4000)
    truth = middle + random.normal(size=4000)
    right, narrow = (middle[:, None] + width * random.normal(size=(4000, 99)) for width in (1.0, 0.7))
    assert rank_p_value(ranks(truth, right), 99) > 0.01
    assert rank_p_value(ranks(truth, narrow), 99) < 1e-6
    assert coverage(ranks(truth, right), 99, 0.68) == pytest.approx(0.68, abs=0.025)
    assert coverage(ranks(truth, narrow), 99, 0.68) < 0.58
    ties = ranks(np.zeros(4000), np.zeros((4000, 99)))
    assert rank_p_value(ties, 99) > 0.01
    with pytest.raises(InputError, match="3 truths for 4 galaxies"):
        ranks(np.zeros(3), np.zeros((4, 9)))
