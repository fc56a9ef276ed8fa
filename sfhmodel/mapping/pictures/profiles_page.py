"""Radial profiles: every bin, its neighbours' median and scatter, and the model's own error beside it."""

from __future__ import annotations

import numpy as np

from sfhmodel.mapping import flags
from sfhmodel.mapping.pictures.map_file import MapFile
from sfhmodel.mapping.pictures.sky import distances
from sfhmodel.plots.style import BLACK, BLUE, GREY, ORANGE, PAGE_WIDTH_IN, finish, legend, new_figure

_QUANTITIES = (
    ("LOG_AGE_LW", "log age by light [yr]", False),
    ("LOG_AGE_MW", "log age by mass [yr]", False),
    ("METAL_LW", "[M/H] by light", False),
    ("A_V", r"$A_V$ [mag]", False),
    ("LOG_MASS_DENSITY", r"log mass formed [M$_\odot$ pc$^{-2}$]", False),
    ("SFR_DENSITY_100MYR", r"SFR, 100 Myr [M$_\odot$ yr$^{-1}$ kpc$^{-2}$]", True),
    ("SIGMA", "dispersion [km/s]", False),
    ("FRAC_100MYR", "mass fraction < 100 Myr", True),
)
_N_RING = 12
_LEAST = 3  # bins of a ring


def plot_profiles_page(maps: MapFile):
    """The figure, of distances from the brightest part of the galaxy."""
    shown = [q for q in _QUANTITIES if q[0] in maps.bins.dtype.names]
    n_row = -(-len(shown) // 2)
    figure = new_figure(PAGE_WIDTH_IN, 2.05 * n_row + 0.3)
    axes = figure.subplots(n_row, 2, squeeze=False, sharex=True).ravel()
    radius, words = distances(maps)
    like = (maps.bins["FLAG"] & (flags.UNLIKE_TRAINING | flags.NO_RESULT)) == 0
    for one, (name, label, is_log) in zip(axes, shown, strict=False):
        values = maps.bins[name].astype(np.float64)
        error = maps.bins[f"{name}_ERR"].astype(np.float64) if f"{name}_ERR" in maps.bins.dtype.names else None
        _profile(one, radius, values, error, like, is_log)
        finish(one)
        one.set_ylabel(label)
    for one in axes[max(len(shown) - 2, 0) : len(shown)]:
        one.set_xlabel(f"{words} [arcsec]" if maps.pixel_arcsec else f"{words} [spaxels]")
        one.tick_params(labelbottom=True)
    for one in axes[len(shown) :]:
        one.set_axis_off()
    if len(shown):
        legend(axes[0], loc="best")
    figure.suptitle("Radial profiles", fontsize=9)
    return figure


def _profile(axes, radius, values, error, like, is_log: bool) -> None:
    good = np.isfinite(values) & np.isfinite(radius)
    if is_log:
        good &= values > 0.0
        axes.set_yscale("log")
    size = float(np.clip(300.0 / max(good.sum(), 1), 1.0, 14.0))
    axes.scatter(radius[good & like], values[good & like], s=size, color=GREY, alpha=0.45, lw=0, label="bins")
    if (good & ~like).any():
        style = {"s": 2 * size, "facecolors": "none", "edgecolors": ORANGE, "lw": 0.5}
        axes.scatter(radius[good & ~like], values[good & ~like], label="unlike training", **style)
    used = good & like if (good & like).sum() >= 2 * _LEAST else good
    if used.sum() < 2 * _LEAST:
        return
    n_ring = int(np.clip(used.sum() // _LEAST, 1, _N_RING))
    edges = np.unique(np.quantile(radius[used], np.linspace(0.0, 1.0, n_ring + 1)))
    ring = np.clip(np.searchsorted(edges, radius, side="right") - 1, 0, max(edges.size - 2, 0))
    rows = []
    for k in range(max(edges.size - 1, 1)):
        here = used & (ring == k)
        if here.sum() < _LEAST:
            continue
        low, middle, high = np.percentile(values[here], [16.0, 50.0, 84.0])
        typical = np.nan if error is None else float(np.nanmedian(error[here]))
        rows.append((float(np.median(radius[here])), middle, low, high, typical))
    x, middle, low, high, typical = np.array(rows).T
    axes.fill_between(x, low, high, color=BLUE, alpha=0.25, lw=0, label="16-84% of bins")
    axes.plot(x, middle, color=BLUE, lw=1.4, label="median")
    if np.isfinite(typical).any():
        floor = np.minimum(typical, 0.9 * middle) if is_log else typical
        bars = {"fmt": "none", "ecolor": BLACK, "elinewidth": 0.7, "capsize": 1.5}
        axes.errorbar(x, middle, yerr=np.array([floor, typical]), label="median error of a bin", **bars)
    _cut(axes, values[used], is_log)


def _cut(axes, values, is_log: bool) -> None:
    """Limits that single outliers do not set."""
    low, high = np.percentile(values, [0.5, 99.5])
    if is_log:
        axes.set_ylim(max(low / 1.5, high / 1e4), high * 1.5)
    else:
        margin = max(0.15 * (high - low), 0.05)
        axes.set_ylim(low - margin, high + margin)
