"""Spectra and histories of some bins, from the brightest to the faintest."""

from __future__ import annotations

import numpy as np

from sfhmodel.mapping.pictures.map_file import MapFile
from sfhmodel.mapping.pictures.sky import limits_of, name_map, zoomed
from sfhmodel.plots.style import (
    BLACK,
    GREY,
    NOTE_SIZE,
    ORANGE,
    PAGE_WIDTH_IN,
    RED,
    TICK_SIZE,
    age_edges_gyr,
    bin_steps,
    finish,
    log_lookback,
    new_figure,
    note,
)


def plot_bins_page(maps: MapFile):
    """The figure: where a bin is, its spectrum at rest, the mass formed and the metallicity over lookback time."""
    order = by_brightness(maps, maps.spectra["BIN_ID"])
    figure = new_figure(PAGE_WIDTH_IN, 1.75 * len(order) + 0.4)
    axes = figure.subplots(len(order), 4, squeeze=False, width_ratios=[0.8, 2.2, 1.25, 1.25])
    for row, k in enumerate(order):
        number = int(maps.spectra["BIN_ID"][k])
        _place(axes[row, 0], maps, number)
        _spectrum(axes[row, 1], maps.spectra[k])
        _history(axes[row, 2:], maps, number)
        if row < len(order) - 1:
            for one in axes[row, 1:]:
                one.set_xlabel("")
    figure.suptitle("Spectra at rest and histories of some bins, with 68% intervals", fontsize=9)
    return figure


def by_brightness(maps: MapFile, bins: np.ndarray) -> np.ndarray:
    """(n,) order of bins (n,) from the brightest spaxels to the faintest."""
    brightness = np.asarray(maps.bins["FLUX"] / maps.bins["NSPAX"], dtype=np.float64)
    return np.argsort(-brightness[bins], kind="stable")


def _place(axes, maps: MapFile, number: int) -> None:
    rows, columns = zoomed(maps)
    flux = maps.images["FLUX"][rows, columns].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log10(np.where(flux > 0.0, flux, np.nan))
    low, high = limits_of(log)
    axes.imshow(log, origin="lower", cmap="Greys", vmin=low, vmax=high + 0.3 * (high - low))
    x, y = maps.bins["X"][number] - columns.start, maps.bins["Y"][number] - rows.start
    axes.plot(x, y, marker="o", ms=7, mfc="none", mec=RED, mew=1.2)
    name_map(axes, f"bin {number}")
    n_spaxel, snr = int(maps.bins["NSPAX"][number]), float(maps.bins["SNRBIN"][number])
    axes.set_xlabel(f"{n_spaxel} spaxel{'s' if n_spaxel > 1 else ''}\nS/N {snr:.0f}", fontsize=NOTE_SIZE)


def _spectrum(axes, row) -> None:
    wave, flux, error = (np.asarray(row[name], dtype=np.float64) for name in ("WAVE", "FLUX", "FLUX_ERROR"))
    scale = np.nanmedian(flux)
    good = np.isfinite(flux)
    if good.any() and scale > 0.0:
        axes.plot(wave, flux / scale, color=BLACK, lw=0.5)
        axes.plot(wave, error / scale, color=GREY, lw=0.5)
        ceiling = max(1.8, min(1.1 * float(np.nanmax(flux / scale)), 3.0))
        axes.set_ylim(-0.05, ceiling)
        for low, high in _gaps(wave, good):
            axes.axvspan(low, high, color=ORANGE, alpha=0.15, lw=0)
    finish(axes)
    axes.set_xlim(wave[0], wave[-1])
    axes.set_ylabel("flux / median", fontsize=TICK_SIZE)
    axes.set_xlabel("wavelength at rest [Å]")


def _gaps(wave: np.ndarray, good: np.ndarray) -> list[tuple[float, float]]:
    """Ranges without data."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~good, [False]]).astype(int)))
    last = wave.size - 1
    return [(float(wave[a]), float(wave[min(b, last)])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _history(axes, maps: MapFile, number: int) -> None:
    y, x = np.argwhere(maps.images["BIN_ID"] == number)[0]
    edges = age_edges_gyr(maps.age_edges_yr.copy())
    formed, error = (maps.images[name][:, y, x].astype(np.float64) for name in ("SFH_CUMULATIVE", "SFH_CUMULATIVE_ERR"))
    upper, lower = np.clip(formed + error, 0.0, 1.0), np.clip(formed - error, 0.0, 1.0)
    before, high, low = (1.0 - np.concatenate([[0.0], values]) for values in (formed, lower, upper))
    axes[0].fill_between(edges, low, high, color=RED, alpha=0.3, lw=0)
    axes[0].plot(edges, before, color=RED, lw=1.3)
    log_lookback(axes[0], edges[0], edges[-1])
    axes[0].set(ylim=(-0.03, 1.05))
    finish(axes[0])
    axes[0].set_ylabel("mass formed", fontsize=TICK_SIZE)
    z, z_error = (maps.images[name][:, y, x].astype(np.float64) for name in ("METAL_AGE", "METAL_AGE_ERR"))
    steps, bottom = bin_steps(edges, np.maximum(z - z_error, 1e-5))
    axes[1].fill_between(steps, bottom, bin_steps(edges, z + z_error)[1], color=RED, alpha=0.3, lw=0)
    axes[1].plot(steps, bin_steps(edges, z)[1], color=RED, lw=1.3)
    log_lookback(axes[1], edges[0], edges[-1])
    top = float(np.nanmax(z + z_error)) if np.isfinite(z).any() else 0.05
    axes[1].set(ylim=(0.0, 1.15 * top))
    finish(axes[1])
    axes[1].set_ylabel("Z", fontsize=TICK_SIZE)
    for one in axes:
        one.set_xlabel("lookback time [Gyr]")
        one.tick_params(axis="x", labelsize=TICK_SIZE - 1)
    flag = int(maps.bins["FLAG"][number])
    if flag:
        note(axes[0], f"flag {flag}", x=0.05, y=0.95)
