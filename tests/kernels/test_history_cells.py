"""Two ways to integrate a skewed normal history, of equal cells and marched, against each other."""

import numpy as np
import pytest

from sfhsim.kernels.skewed_normal import _march_both_ways, _spread_over_cells


@pytest.mark.parametrize("skewness", [-1.0, -0.5, 0.0, 0.5, 1.0, 5.0])
@pytest.mark.parametrize(("peak", "period"), [(0.0, 1.0), (6.0, 0.3), (13.0, 5.0), (2.0, 0.01), (5.0, 300.0)])
def test_equal_cells_and_the_march_agree(skewness, peak, period):
    edges = np.concatenate([[0.0], np.geomspace(1e-4, 13.8, 240)])
    scale, shift = 1.0 / period, -peak / period
    low, high = shift, scale * 13.8 + shift
    cells, marched = np.empty(edges.size), np.empty(edges.size)
    whole = _spread_over_cells(low, high, skewness, edges, scale, shift, cells)
    expected = _march_both_ways(0.0, low, high, skewness, 0.0, 0.0, edges, scale, shift, marched)
    assert whole == pytest.approx(expected, rel=2e-9)
    np.testing.assert_allclose(cells / whole, marched / expected, atol=2e-9)
    assert cells[0] == pytest.approx(0.0, abs=1e-15)
    assert (np.diff(cells) >= -1e-13 * whole).all()
