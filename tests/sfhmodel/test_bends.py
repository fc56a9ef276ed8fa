"""Bent sheets made straight: there and back, without a change of volume, and no better than they can be."""

import numpy as np
import pytest

from sfhmodel.posterior.bends import Bends


def sheet(n, width=0.01, seed=0):
    """Two coordinates of five follow from the others, but for their widths; the first also from the second."""
    random = np.random.default_rng(seed)
    free = random.standard_normal((n, 3)) * [1.0, 0.5, 2.0] + [0.0, 3.0, 0.0]
    second = 0.2 * free[:, 2] ** 2 - free[:, 1] + 10.0 * width * random.standard_normal(n)
    first = 0.6 * second * free[:, 0] + 0.02 * free[:, 0] ** 3 + width * random.standard_normal(n)
    return np.c_[first, free, second]


def test_what_is_left_is_the_width_of_the_sheet():
    straight = Bends.of(sheet(4000)).straight(new := sheet(1000, seed=1))
    off = np.median(np.abs(straight - np.median(straight, axis=0)), axis=0) / 0.6745
    assert off[0] == pytest.approx(0.01, rel=0.1)
    assert off[4] == pytest.approx(0.1, rel=0.1)
    np.testing.assert_array_equal(straight[:, 1:4], new[:, 1:4])


def test_the_way_back_leads_to_the_same_points():
    points = sheet(3000)
    bends = Bends.of(points)
    assert bends.bends
    np.testing.assert_allclose(bends.bent(bends.straight(points)), points, rtol=0.0, atol=1e-12)


def test_volumes_are_kept():
    points = sheet(3000)
    bends, step = Bends.of(points), 1e-5
    for point in points[:5]:
        moved = bends.bent(bends.straight(point[None]) + step * np.vstack([np.eye(5), -np.eye(5)]))
        assert np.linalg.det((moved[:5] - moved[5:]) / (2.0 * step)) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    "points",
    [
        sheet(50),
        np.repeat(sheet(50), 60, axis=0),  # the same again tells nothing more
        np.random.default_rng(2).standard_normal((3000, 4)),
        np.zeros((100, 3)),
        np.linspace(0.0, 1.0, 500)[:, None],
        np.empty((500, 0)),
    ],
    ids=["few", "few again and again", "a normal", "one point", "one coordinate", "none"],
)
def test_nothing_is_bent_without_reason(points):
    bends = Bends.of(points)
    assert not bends.bends
    np.testing.assert_array_equal(bends.bent(bends.straight(points)), points)
