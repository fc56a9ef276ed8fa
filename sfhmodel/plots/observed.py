"""A panel of what was observed of a galaxy: its spectrum and photometry."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import NullLocator

from sfhmodel.plots.style import BLACK, GREY, NOTE_SIZE, RED, plain_numbers
from sfhsim.plots.style import f_lambda_of_magnitude

_STRIP = 0.27  # height of the strip for the bands' names, over that of the panel above it
_SQUASHED = 4.0  # times the spectrum: a band this bright makes the axis logarithmic


def draw_observed(axes, wave_aa, inputs: dict, bands, name_bands: bool = True) -> None:
    """Spectrum with its errors and masked pixels, and photometry at the bands' pivots, over the spectrum's median.

    Parameters
    ----------
    axes : matplotlib axes.
    wave_aa : (n_pixel,)
    inputs : of the model, for one galaxy: ``flux``, ``flux_error``, ``mask`` (n_pixel,), ``magnitudes``,
        ``magnitude_errors`` (n_band,). Bands are drawn where the flux is in erg/s/cm2/A, as in the training records.
    bands : of the description: dicts with ``name`` and ``pivot_wave_aa``.
    name_bands : write their names below.
    """
    flux = np.asarray(inputs["flux"], dtype=np.float64)
    used = (np.asarray(inputs["mask"]) > 0) & np.isfinite(flux)
    norm = _norm(flux[used])
    flux, error = flux / norm, np.asarray(inputs["flux_error"], dtype=np.float64) / norm
    error = np.where(np.isfinite(error) & (error > 0), error, 0.0)
    kept = np.where(used, flux, np.nan)
    axes.fill_between(wave_aa, kept - error, kept + error, color=GREY, alpha=0.45, lw=0, label="error")
    axes.plot(wave_aa, kept, color=BLACK, lw=0.5, label="spectrum")
    for start, stop in masked_ranges(np.asarray(wave_aa, dtype=np.float64), used):
        axes.axvspan(start, stop, color=GREY, alpha=0.25, lw=0)
    tops = [_ceiling(flux[used])]
    pivots = np.array([band.get("pivot_wave_aa", np.nan) for band in bands], dtype=np.float64)
    shown = np.isfinite(pivots) & np.isfinite(inputs["magnitudes"])
    if shown.any():
        value = f_lambda_of_magnitude(inputs["magnitudes"], pivots) / norm
        value_error = value * np.nan_to_num(np.asarray(inputs["magnitude_errors"], dtype=np.float64)) * np.log(10) / 2.5
        style = {"fmt": "o", "ms": 4.2, "color": RED, "mec": "white", "mew": 0.6, "elinewidth": 1, "zorder": 5}
        axes.errorbar(pivots[shown], value[shown], value_error[shown], label="photometry", **style)
        tops.append(float((value + value_error)[shown].max()))
    _wave_axis(axes, np.append(pivots[shown], [wave_aa[0], wave_aa[-1]]))
    _flux_axis(axes, tops, value[shown] if shown.any() else np.empty(0), strip=name_bands and bool(shown.any()))
    if name_bands:
        _name(axes, [band["name"] for band, visible in zip(bands, shown, strict=True) if visible], pivots[shown])


def masked_ranges(wave_aa: np.ndarray, used: np.ndarray) -> list[tuple[float, float]]:
    """Wavelength ranges [A] of neighbouring pixels that are not used, to the edges of the pixels."""
    steps = np.flatnonzero(np.diff(np.concatenate([[1], used.astype(int), [1]])))
    half = 0.5 * float(np.median(np.diff(wave_aa)))
    return [(wave_aa[a] - half, wave_aa[b - 1] + half) for a, b in zip(steps[::2], steps[1::2], strict=True)]


def _norm(flux: np.ndarray) -> float:
    """The median, unless it is not positive."""
    for norm in (np.median(flux), np.abs(flux).max()) if flux.size else ():
        if norm > 0:
            return float(norm)
    return 1.0


def _ceiling(flux: np.ndarray) -> float:
    """Where the strongest lines are cut, so that the continuum can be read."""
    return min(1.03 * float(np.max(flux)), 2.6) if flux.size else 1.0


def _flux_axis(axes, tops: list[float], bands: np.ndarray, strip: bool) -> None:
    """From zero; logarithmic where the brightest band would squash the spectrum. With a strip below for names."""
    axes.set_ylabel(r"$F_\lambda$ / median")
    top = 1.06 * max(tops)
    if top < _SQUASHED * tops[0] or bands.min() <= 0:
        axes.set_ylim(-_STRIP * top if strip else 0.0, top)
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
        return
    low = 0.7 * min(1.0, float(bands.min()))
    axes.set_yscale("log")
    axes.set_ylim(low * (low / top) ** _STRIP if strip else low, 1.5 * top)
    axes.set_yticks([t for t in 10.0 ** np.arange(-12, 13) if low < t < 1.5 * top])
    axes.yaxis.set_minor_locator(NullLocator())
    plain_numbers(axes.yaxis)


def _name(axes, names: list[str], pivots: np.ndarray) -> None:
    """The bands' names upright in the strip at the bottom."""
    style = {"rotation": 90, "ha": "center", "va": "center", "fontsize": NOTE_SIZE - 1.2, "color": RED}
    middle = 0.5 * _STRIP / (1 + _STRIP)
    for name, place in zip(names, pivots, strict=True):
        axes.text(place, middle, name.split(".")[-1], transform=axes.get_xaxis_transform(), **style)
    if names:
        axes.plot([0, 1], [2 * middle] * 2, color=GREY, lw=0.6, transform=axes.transAxes)


def _wave_axis(axes, places_aa: np.ndarray) -> None:
    low, high = float(np.min(places_aa)), float(np.max(places_aa))
    if high > 4 * low:
        low, high = low / (high / low) ** 0.06, high * (high / low) ** 0.06
        axes.set_xscale("log")
        steps = (1, 2, 5) if high < 60 * low else (1,)
        axes.set_xticks([s * 10.0**e for e in range(2, 8) for s in steps if low < s * 10.0**e < high])
        plain_numbers(axes.xaxis)
    else:
        low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    axes.set_xlim(low, high)
    axes.set_xlabel("wavelength [Å]")
