"""How well predictions make their spectra: maps of it, and spectra, models and residuals of some bins."""

from __future__ import annotations

import numpy as np

from sfhmodel.mapping import flags
from sfhmodel.mapping.pictures.bins_page import by_brightness
from sfhmodel.mapping.pictures.map_file import MapFile
from sfhmodel.mapping.pictures.sky import limits_of, show_map, zoomed
from sfhmodel.plots.style import BLACK, GREY, NOTE_SIZE, PAGE_WIDTH_IN, RED, SKY, TICK_SIZE, finish, new_figure

# extension, title, factor, unit
_MAPS = (
    ("CHECK_CHI2", r"$\chi^2$ per degree of freedom", 1.0, ""),
    ("CHECK_RMS", "rms of residuals", 100.0, "%"),
    ("CHECK_MISMATCH", "mismatch, limit 1", 1.0, ""),
)
_SHOWN_PERCENT = 99.0  # of the residuals are within the panel


def plot_check_page(maps: MapFile):
    """The figure of maps that were checked."""
    rows, columns = zoomed(maps)
    aspect = (rows.stop - rows.start) / (columns.stop - columns.start)
    height = PAGE_WIDTH_IN / 3 * float(np.clip(0.76 * aspect + 0.1, 0.4, 1.6))
    n = len(maps.checked)
    figure = new_figure(PAGE_WIDTH_IN, height + 1.5 * n + 0.35)
    layout = figure.add_gridspec(1 + n, 6, height_ratios=[height, *[1.5] * n])
    for k, (name, title, factor, unit) in enumerate(_MAPS):
        image = factor * maps.images[name][rows, columns].astype(np.float64)
        axes = figure.add_subplot(layout[0, 2 * k : 2 * k + 2])
        show_map(axes, image, title, unit, colours="cividis", limits=limits_of(image, least=0.02))
    for k, row in enumerate(maps.checked[by_brightness(maps, maps.checked["BIN_ID"])], start=1):
        spectrum, residual = figure.add_subplot(layout[k, :3]), figure.add_subplot(layout[k, 3:])
        _draw(spectrum, residual, row, maps.bins[int(row["BIN_ID"])])
        if k == n:
            for one in (spectrum, residual):
                one.set_xlabel("wavelength at rest [Å]")
    figure.suptitle("Spectra made again from the predicted histories", fontsize=9)
    return figure


def _draw(spectrum, residual, row, of_bin) -> None:
    wave, flux, error, model = (np.asarray(row[key], np.float64) for key in ("WAVE", "FLUX", "FLUX_ERROR", "MODEL"))
    good = np.isfinite(flux) & np.isfinite(model) & (model > 0.0)
    for axes, label in ((spectrum, "flux / median"), (residual, "residual [%]")):
        finish(axes)
        axes.set_xlim(wave[0], wave[-1])
        axes.locator_params(axis="x", nbins=6)
        axes.set_ylabel(label, fontsize=TICK_SIZE)
    flagged = bool(of_bin["FLAG"] & flags.NOT_REPRODUCED)
    words = f"bin {int(row['BIN_ID'])}, mismatch {float(of_bin['CHECK_MISMATCH']):.2f}"
    spectrum.set_title(words, loc="left", fontsize=NOTE_SIZE, pad=2, color=RED if flagged else BLACK)
    if not good.any():
        return
    flux, error, model = (np.where(good, x, np.nan) / np.nanmedian(flux[good]) for x in (flux, error, model))
    spectrum.plot(wave, flux, color=BLACK, lw=0.5)
    spectrum.plot(wave, model, color=RED, lw=0.5)
    spectrum.set_ylim(-0.05, max(1.8, min(1.1 * float(np.nanmax(flux)), 3.0)))
    off, sigma = 100.0 * (flux / model - 1.0), 100.0 * error / model
    residual.fill_between(wave, -sigma, sigma, color=SKY, alpha=0.5, lw=0)
    residual.axhline(0.0, color=GREY, lw=0.6)
    residual.plot(wave, off, color=BLACK, lw=0.4)
    reach = max(1.2 * float(np.nanpercentile(np.abs(off), _SHOWN_PERCENT)), 0.1)
    residual.set_ylim(-reach, reach)
    rms, chi2 = 100.0 * float(of_bin["CHECK_RMS"]), float(of_bin["CHECK_CHI2"])
    words = rf"rms {rms:.1f}% of the mean, $\chi^2$ per degree of freedom {chi2:.2f}"
    residual.set_title(words, loc="left", fontsize=NOTE_SIZE, pad=2)
