"""Histories found for means, against what is known of their forms."""

import numpy as np
import pytest

from sfhsim.cubes.inversion import peaks_gyr, z_finals
from sfhsim.cubes.model import HistoryShape
from sfhsim.errors import RecipeError
from sfhsim.histories import get_history


def test_a_narrow_history_peaks_at_its_mean_age():
    wanted = np.log10([1e9, 4e9, 1e10])
    peaks = peaks_gyr(wanted, HistoryShape(period_gyr=0.05, skewness=0.0), 1.38e10)
    assert peaks == pytest.approx([1.0, 4.0, 10.0], rel=5e-3)


def test_a_broad_one_has_the_mean_age():
    """By midpoints of a fine linear grid."""
    shape, wanted = HistoryShape(period_gyr=3.0, skewness=0.4), np.array([[8.9], [9.4], [9.8]])
    peaks = peaks_gyr(wanted, shape, 1.3e10)
    assert peaks.shape == wanted.shape
    edges_yr = np.linspace(0.0, 1.3e10, 200_001)
    params = {"peak_gyr": peaks[:, 0], "period_gyr": 3.0, "skewness": 0.4}
    formed = np.diff(get_history("skewed_normal").cumulative_mass(params, edges_yr, 1.3e10), axis=1)
    means = formed @ np.log10(0.5 * (edges_yr[1:] + edges_yr[:-1]))
    assert means == pytest.approx(wanted[:, 0], abs=1e-3)


def test_z_finals_are_those_of_the_forms():
    z = np.array([0.005, 0.01, 0.02])
    assert z_finals(np.log10(z), "constant", {}) == pytest.approx(z, rel=1e-3)
    assert z_finals(np.log10(z), "linear_mass", {"z_start": 1e-3}) == pytest.approx(2 * z - 1e-3, rel=1e-3)
    z_final, start, y = z_finals(np.log10(z), "closed_box", {"z_start": 4e-4, "yield": 0.03}), 4e-4, 0.03
    used = -np.expm1((start - z_final) / y)
    mean = start + y * (1.0 + (1.0 - used) / used * np.log1p(-used))  # Int of -ln(1 - F f) over F
    assert mean == pytest.approx(z, rel=1e-3)


def test_means_beyond_all_histories_are_refused():
    with pytest.raises(RecipeError, match="run from 7.000 to 7.000, but a history with galaxy.hist"):
        peaks_gyr(np.array([7.0]), HistoryShape(), 1.38e10)
    with pytest.raises(RecipeError, match="mean Z run from -4.000 to -4.000, but metallicity form linear_mass can"):
        z_finals(np.array([-4.0]), "linear_mass", {"z_start": 1e-3})
