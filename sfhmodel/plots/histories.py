"""Panels of one galaxy: its star formation history, its metallicities."""

from __future__ import annotations

import numpy as np

from sfhmodel.plots.style import (
    BLACK,
    GREEN,
    RED,
    age_edges_gyr,
    bin_steps,
    log_lookback,
    plain_numbers,
)

_PALE = {"68": 0.38, "90": 0.18}


def draw_cumulative(axes, age_bin_edges_yr, mass_fraction, quantiles=None, true=None, ends=None) -> None:
    """Share of the mass formed before each lookback time, from 0 at the Big Bang to 1 today.

    Parameters
    ----------
    axes : matplotlib axes.
    age_bin_edges_yr : (n_age_bin + 1,) lookback time, youngest first.
    mass_fraction : (n_age_bin,) recovered.
    quantiles : (n_age_bin, n_level) of the cumulative mass fraction from the youngest bin to the oldest.
    true : (n_age_bin,) true mass fractions.
    ends : {"68": (index of the lower, of the upper level), "90": ...} of the quantiles.
    """
    edges = age_edges_gyr(np.array(age_bin_edges_yr, dtype=np.float64))
    for name, (low, high) in sorted((ends or {}).items(), reverse=True):
        axes.fill_between(
            edges,
            _formed_before(quantiles[:, low]),
            _formed_before(quantiles[:, high]),
            color=RED,
            alpha=_PALE[name],
            lw=0,
            label=f"{name}%",
        )
    axes.plot(edges, _formed_before(np.cumsum(mass_fraction)), color=RED, lw=1.4, label="recovered")
    if true is not None:
        axes.plot(edges, _formed_before(np.cumsum(true)), color=BLACK, lw=1.1, ls=(0, (4, 1.5)), label="true")
    log_lookback(axes, edges[0], edges[-1])
    axes.set(ylabel="fraction of mass formed", ylim=(-0.03, 1.06))


def _formed_before(cumulative: np.ndarray) -> np.ndarray:
    """At each edge, youngest first."""
    return 1.0 - np.concatenate([[0.0], cumulative])


def draw_metallicity(axes, age_bin_edges_yr, metallicity, quantiles=None, true=None, ends=None, limits=None) -> None:
    """Metallicity Z of the stars of each age bin; arguments as in `draw_cumulative`, limits of Z optional."""
    edges = age_edges_gyr(np.array(age_bin_edges_yr, dtype=np.float64))
    for name, (low, high) in sorted((ends or {}).items(), reverse=True):
        x, bottom = bin_steps(edges, quantiles[:, low])
        axes.fill_between(
            x, bottom, bin_steps(edges, quantiles[:, high])[1], color=GREEN, alpha=_PALE[name], lw=0, label=f"{name}%"
        )
    axes.plot(*bin_steps(edges, metallicity), color=GREEN, lw=1.4, label="recovered")
    if true is not None:
        axes.plot(*bin_steps(edges, true), color=BLACK, lw=1.1, ls=(0, (4, 1.5)), label="true")
    axes.set(ylabel="metallicity Z", yscale="log")
    if limits is not None:
        axes.set_ylim(limits)
    _metallicity_ticks(axes)
    log_lookback(axes, edges[0], edges[-1])


def metallicity_limits(*values) -> tuple[float, float]:
    """Of an axis on which all of these can be seen."""
    joined = np.concatenate([np.ravel(v) for v in values])
    joined = joined[joined > 1e-5]
    return (0.8 * float(joined.min()), 1.25 * float(joined.max())) if joined.size else (1e-4, 5e-2)


def _metallicity_ticks(axes) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter

    low, high = axes.get_ylim()
    steps = (1, 2, 5) if high < 200 * low else (1,)
    places = [s * 10.0**e for e in range(-7, 1) for s in steps if low < s * 10.0**e < high]
    axes.yaxis.set_major_locator(FixedLocator(places))
    plain_numbers(axes.yaxis)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(low, high)
