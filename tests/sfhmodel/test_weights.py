"""Importance sampling around samples: against posteriors that are known."""

import numpy as np
import pytest
from known_densities import of_sheet, one_group, sheet

from sfhmodel.posterior.annealing import anneal
from sfhmodel.posterior.coordinates import log_normal
from sfhmodel.posterior.weights import weighted


def test_samples_of_a_thin_sheet_come_to_their_widths():
    """A short chain leaves its ends out."""
    random, whole = np.random.default_rng(7), [np.ones(5, bool)]
    chain = anneal(random.standard_normal((1000, 5)), log_normal, of_sheet, one_group, whole, random)
    assert chain.points[:, 2].std() < 0.93
    found = weighted([chain.points, *chain.before[-2:]], of_sheet, one_group, whole, random)
    assert found.effective > 2000
    assert found.log_evidence == pytest.approx(0.0, abs=0.04)
    samples = found.samples(4000, random)
    np.testing.assert_allclose(samples[:, 2:].mean(axis=0), 0.0, atol=0.06)
    np.testing.assert_allclose(samples[:, 2:].std(axis=0), 1.0, rtol=0.06)
    np.testing.assert_allclose((samples[:, :2] - sheet(samples)).std(axis=0), [0.002, 0.05], rtol=0.06)


def halves(z):
    """Below 0 and above 0 of the first coordinate."""
    return (z[:, 0] > 0.0).astype(int)


def of_halves(z):
    """A tenth is in the upper half, and ten times as narrow."""
    upper = halves(z) == 1
    width = np.where(upper, 0.03, 0.3)
    density = log_normal((z[:, 1:] - 0.5) / width[:, None]) - 2.0 * np.log(width)
    return density + np.log(np.where(upper, 0.1, 0.9)) + log_normal(z[:, :1]) + np.log(2.0)


MOVABLE = [np.array([False, True, True])] * 2


def of_each_half(n_lower, n_upper, random):
    first = np.abs(random.standard_normal(n_lower + n_upper)) * np.repeat([-1.0, 1.0], [n_lower, n_upper])
    width = np.repeat([0.3, 0.03], [n_lower, n_upper])
    return np.c_[first, 0.5 + width[:, None] * random.standard_normal((len(first), 2))]


@pytest.mark.parametrize("n_upper", [60, 800])
def test_shares_of_groups_are_right_whatever_the_samples_have(n_upper):
    random = np.random.default_rng(2)
    samples = of_each_half(1000 - n_upper, n_upper, random)
    found = weighted([samples], of_halves, halves, MOVABLE, random, of_normal=(0.5, 0.5))
    upper = halves(found.points) == 1
    assert found.share[upper].sum() == pytest.approx(0.1, abs=0.005)
    assert found.log_evidence == pytest.approx(0.0, abs=0.03)
    share = found.share[upper] / found.share[upper].sum()
    assert np.sqrt(share @ (found.points[upper, 1] - 0.5) ** 2) == pytest.approx(0.03, rel=0.05)


def test_groups_of_few_samples_are_left_out():
    random = np.random.default_rng(3)
    found = weighted([of_each_half(500, 5, random)], of_halves, halves, MOVABLE, random, of_normal=(0.5, 0.5))
    assert (halves(found.points) == 0).all()
    assert np.exp(found.log_evidence) == pytest.approx(0.9, abs=0.03)
    nothing = weighted([of_each_half(5, 5, random)], of_halves, halves, MOVABLE, random, of_normal=(0.5, 0.5))
    assert nothing.effective == 0.0
    assert nothing.points.shape == (0, 3)


def test_what_is_impossible_has_no_share():
    random = np.random.default_rng(4)
    points = np.abs(random.standard_normal((500, 2)))
    found = weighted(
        [points],
        lambda z: np.where(z[:, 0] > 0.0, log_normal(z), -np.inf),
        one_group,
        [np.ones(2, bool)],
        random,
    )
    assert (found.samples(1000, random)[:, 0] > 0.0).all()
    assert np.exp(found.log_evidence) == pytest.approx(0.5, abs=0.02)


def test_no_point_outweighs_all_others():
    """One that is met by chance, with a thousand times more of the posterior than all others together."""
    random = np.random.default_rng(6)
    points = random.standard_normal((1000, 3))

    def target(z):
        found = log_normal(z)
        found[0] += np.log(1000.0 * len(z))
        return found

    found = weighted([points], target, one_group, [np.ones(3, bool)], random, most_rounds=1)
    assert found.share.max() == pytest.approx(0.01, rel=0.05)  # of the root of 10,000 points
    assert found.share.sum() == pytest.approx(1.0)
    assert np.exp(found.log_evidence) == pytest.approx(1.01, abs=0.03)
    np.testing.assert_allclose(found.share @ found.points, 0.01 * found.points[0], atol=0.05)


def test_rounds_end_where_they_must():
    random = np.random.default_rng(5)
    points, counted = random.standard_normal((300, 2)), []

    def target(z):
        counted.append(len(z))
        return log_normal(z)

    how = {"most_rounds": 4, "a_round": 500}
    found = weighted([points, points], target, one_group, [np.ones(2, bool)], random, wanted=np.inf, **how)
    assert counted == [500] * 5  # the first is around each set
    assert found.share.sum() == pytest.approx(1.0)
    assert len(found.points) == 2500
