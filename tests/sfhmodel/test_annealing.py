"""Importance weights in steps, on densities whose moments and integrals are known."""

import numpy as np
import pytest
from known_densities import of_sheet, one_group, sheet

from sfhmodel.posterior.annealing import anneal
from sfhmodel.posterior.leaps import Shapes


def log_normal(z, mean=0.0, std=1.0):
    return -0.5 * (((z - mean) / std) ** 2).sum(axis=1) - z.shape[1] * np.log(std * np.sqrt(2.0 * np.pi))


def test_a_narrow_posterior_far_in_the_tail_is_found_with_its_evidence():
    random = np.random.default_rng(0)
    wide, scale = np.full((2000, 3), 0.0), np.array([0.02, 0.1, 0.5])

    def target(z):
        return log_normal(z) - 0.5 * (((z - 2.5) / scale) ** 2).sum(axis=1)

    points = wide + random.standard_normal(wide.shape)
    found = anneal(points, log_normal, target, one_group, [np.ones(3, bool)], random)
    variance = 1.0 / (1.0 + scale**-2.0)
    off = (found.points.mean(axis=0) - 2.5 * variance / scale**2) / np.sqrt(variance)
    np.testing.assert_allclose(off, 0.0, atol=0.15)
    np.testing.assert_allclose(found.points.std(axis=0), np.sqrt(variance), rtol=0.08)
    of_each = np.log(scale / np.sqrt(1.0 + scale**2)) - 0.5 * 2.5**2 / (1.0 + scale**2)
    assert found.log_evidence == pytest.approx(of_each.sum(), abs=0.4)
    assert found.effective < 10.0
    assert found.steps > 3
    assert found.renewed >= 3.0


def test_a_good_start_needs_one_step_and_keeps_its_samples():
    random = np.random.default_rng(1)
    points = 1.1 * random.standard_normal((1000, 2))
    before, asked = points.copy(), []

    def start(z):
        asked.append(len(z))
        return log_normal(z, 0.0, 1.1)

    found = anneal(points, start, log_normal, one_group, [np.ones(2, bool)], random)
    assert found.steps == 1
    assert asked == [1000]  # the last step is of the posterior alone
    assert found.effective > 900.0
    assert found.log_evidence == pytest.approx(0.0, abs=0.05)
    np.testing.assert_array_equal(points, before)


def two_groups(z):
    return (z[:, 0] > 0.0).astype(int)


def test_groups_get_their_shares_and_what_nothing_depends_on_stays_normal():
    random = np.random.default_rng(2)

    def target(z):  # of the right side there is four times as much, twice as narrow
        right = z[:, 0] > 0.0
        of_second = np.where(right, log_normal(z[:, 1:2], 1.0, 0.25), log_normal(z[:, 1:2], -1.0, 0.5))
        return log_normal(z[:, :1]) + of_second + np.log(np.where(right, 0.8, 0.2)) + log_normal(z[:, 2:])

    movable = [np.array([False, True, False])] * 2
    points = random.standard_normal((4000, 3))
    found = anneal(points, log_normal, target, two_groups, movable, random, of_normal=(0.5, 0.5))
    right = found.points[:, 0] > 0.0
    assert right.mean() == pytest.approx(0.8, abs=0.03)
    assert found.points[right, 1].mean() == pytest.approx(1.0, abs=0.03)
    assert found.points[~right, 1].std() == pytest.approx(0.5, abs=0.05)
    assert found.points[:, 2].mean() == pytest.approx(0.0, abs=0.06)
    assert found.points[:, 2].std() == pytest.approx(1.0, abs=0.05)
    assert np.isin(found.points[:, 1], points[:, 1]).mean() < 0.1


def test_samples_of_many_steps_are_as_good_as_independent_ones():
    """So that medians and shares of groups are within what so many samples can tell."""
    scale, n = np.r_[1.0, np.geomspace(0.02, 1.0, 8)], 1000
    movable = [np.arange(9) > 0] * 2

    def target(z):  # two groups alike but for their places and shares of 0.3 and 0.7
        right = z[:, 0] > 0.0
        off = (z - np.where(right, 1.0, 0.5)[:, None]) / scale
        return log_normal(z[:, :1]) - 0.5 * (off[:, 1:] ** 2).sum(axis=1) + np.log(np.where(right, 0.7, 0.3))

    def run(seed):
        random = np.random.default_rng(seed)
        points = random.standard_normal((n, 9))
        return anneal(points, log_normal, target, two_groups, movable, random, of_normal=(0.5, 0.5)).points

    runs = [run(seed) for seed in range(6)]
    right = np.array([(points[:, 0] > 0.0).mean() for points in runs])
    assert right.mean() == pytest.approx(0.7, abs=0.02)
    assert right.std() < 3.0 * np.sqrt(0.7 * 0.3 / n)
    means = np.array([points[points[:, 0] > 0.0, 1:].mean(axis=0) for points in runs])
    np.testing.assert_allclose((means.mean(axis=0) - 1.0) / scale[1:], 0.0, atol=0.05)
    assert (means.std(axis=0) / scale[1:] < 3.0 / np.sqrt(0.7 * n)).all()
    widths = np.array([points[points[:, 0] > 0.0, 1:].std(axis=0) for points in runs])
    np.testing.assert_allclose(widths.mean(axis=0) / scale[1:], 1.0, atol=0.05)


def test_shapes_are_densities_of_their_samples():
    random, movable = np.random.default_rng(4), [np.array([False, True, True]), np.array([False, True, False])]
    points = random.standard_normal((3000, 3)) * [1.0, 0.1, 2.0] + [0.0, 1.0, 0.0]
    points = points[(points[:, 0] > 0.0) | (random.random(3000) < 0.5)]
    shapes = Shapes.of(points, two_groups(points), movable, np.array([0.5, 0.5]), random)
    drawn, group = shapes.sample(40_000, two_groups, random)
    np.testing.assert_array_equal(group, two_groups(drawn))
    assert group.mean() == pytest.approx(two_groups(points).mean(), abs=0.01)
    for number, width in ((0, 2.0), (1, 1.0)):
        known = log_normal(drawn[:, :1]) + log_normal(drawn[:, 1:2], 1.0, 0.1) + log_normal(drawn[:, 2:], 0.0, width)
        weight = np.where(group == number, np.exp(known - shapes.log_density(drawn, group)), 0.0)
        assert weight.mean() == pytest.approx(0.5, abs=0.02)


def test_shapes_follow_samples_that_bend():
    width = np.geomspace(0.03, 0.5, 5)

    def middle(first):
        return np.stack([0.7 * first**2, np.sin(2.0 * first), *(0.3 * np.cos(k * first) for k in (1, 2, 3))], axis=1)

    random, whole = np.random.default_rng(6), np.array([1.0])
    first = random.standard_normal(600)
    points = np.c_[first, middle(first) + width * random.standard_normal((600, 5))]
    shapes = Shapes.of(points, one_group(points), [np.ones(6, bool)], whole, random)
    drawn, group = shapes.sample(20_000, one_group, random)
    off = (drawn[:, 1:] - middle(drawn[:, 0])) / width
    known = log_normal(np.c_[drawn[:, :1], off]) - np.log(width).sum()
    weight = np.exp(known - shapes.log_density(drawn, group))
    assert weight.mean() == pytest.approx(1.0, abs=0.12)
    assert np.minimum(weight, 1.0).mean() > 0.3  # what both share; of one Student t 0.01


def test_samples_of_a_thin_sheet_that_bends_are_made_anew():
    random = np.random.default_rng(7)
    points = random.standard_normal((2000, 5))
    found = anneal(points, log_normal, of_sheet, one_group, [np.ones(5, bool)], random, renewals=9.0)
    assert found.renewed >= 9.0
    assert found.evaluations < 500_000  # with straight parts alone three times as many, for one renewal
    assert found.log_evidence == pytest.approx(0.0, abs=0.3)
    np.testing.assert_allclose(found.points[:, 2:].mean(axis=0), 0.0, atol=0.1)
    np.testing.assert_allclose(found.points[:, 2:].std(axis=0), 1.0, rtol=0.12)  # straight parts alone: 0.75
    np.testing.assert_allclose((found.points[:, :2] - sheet(found.points)).std(axis=0), [0.002, 0.05], rtol=0.08)


def test_parts_far_apart_reach_where_few_samples_are():
    """A cloud, and one in two hundred far from it, along a line."""
    random, whole = np.random.default_rng(8), np.array([1.0])
    points = random.standard_normal((4000, 3))
    points[:20, 0] = np.linspace(10.0, 20.0, 20)
    probe = np.c_[np.full(5, 15.0), np.zeros((5, 2))]
    by_density, far = (
        Shapes.of(points, one_group(points), [np.ones(3, bool)], whole, random, far_apart) for far_apart in (0.0, 0.5)
    )
    reached = [shapes.log_density(probe, one_group(probe)).mean() for shapes in (by_density, far)]
    assert reached[1] > reached[0] + 1.0
    drawn, group = far.sample(20_000, one_group, random)
    weight = np.exp(log_normal(drawn) - far.log_density(drawn, group))
    assert weight.mean() == pytest.approx(1.0, abs=0.03)


def test_parts_far_apart_of_samples_that_are_hardly_enough():
    """No more parts than there are distinct samples."""
    random = np.random.default_rng(9)
    points = np.repeat(random.standard_normal((121, 2)), 10, axis=0)
    shapes = Shapes.of(points, one_group(points), [np.ones(2, bool)], np.array([1.0]), random, 0.5)
    assert np.isfinite(shapes.log_density(points, one_group(points))).all()


def test_groups_of_few_samples_have_no_shape():
    random = np.random.default_rng(5)
    points = random.standard_normal((100, 3))
    group = np.r_[np.zeros(96, int), np.ones(4, int)]
    shapes = Shapes.of(points, group, [np.array([False, True, True])] * 2, np.array([0.5, 0.5]), random)
    np.testing.assert_array_equal(shapes.knows(group), group == 0)


def test_impossible_samples_are_left_behind():
    random = np.random.default_rng(3)
    points = random.standard_normal((1000, 1))
    found = anneal(
        points,
        log_normal,
        lambda z: np.where(z[:, 0] > 0.5, log_normal(z), -np.inf),
        one_group,
        [np.ones(1, bool)],
        random,
    )
    assert (found.points > 0.5).all()
    assert np.exp(found.log_evidence) == pytest.approx(0.3085, abs=0.03)
