"""One galaxy: its components, its photometry, its history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, new_figure, plain_axes, save


def plot_galaxy(simulator, sample_id: int, path: str | Path) -> Path:
    """The observed spectrum of one sample with its components, the whole SED with its bands, and its history.

    Parameters
    ----------
    simulator : Simulator
    sample_id : which sample.
    path : PNG to write.
    """
    from sfhsim.synthesis import synthesize_galaxy

    batch = simulator.batch([sample_id])
    galaxy = synthesize_galaxy(simulator.recipe, library=simulator.library, draws=batch.draws)
    figure = new_figure(12, 8.5)
    layout = figure.add_gridspec(3, 2, height_ratios=[1.25, 1, 0.8])
    _spectrum(figure.add_subplot(layout[0, :]), simulator, galaxy, batch)
    _sed(figure.add_subplot(layout[1, :]), simulator, galaxy, batch)
    _history(figure.add_subplot(layout[2, 0]), figure.add_subplot(layout[2, 1]), simulator, batch)
    return save(figure, path)


def _spectrum(axes, simulator, galaxy, batch) -> None:
    recipe = simulator.recipe
    scale = float(simulator.flux_scale(batch.draws)[0] / batch.draws.values["total_mass_msun"][0])
    wave = recipe.spectrum.wave_aa
    free = galaxy.observe(recipe, "total") * scale
    axes.plot(wave, batch.spectrum[0], color=BLACK, lw=0.5, alpha=0.45, label="with noise")
    for component, colour, label in (
        ("total", BLUE, "total"),
        ("stars", ORANGE, "stars"),
        ("young", SKY, "young stars"),
        ("nebular_continuum", GREEN, "nebular continuum"),
        ("lines", RED, "lines"),
    ):
        flux = galaxy.observe(recipe, component) * scale
        axes.plot(wave, flux, color=colour, lw=1.2 if component == "total" else 0.9, label=label)
    axes.plot(wave, galaxy.observe(recipe, "dust_free") * scale, color=PURPLE, lw=0.6, ls=":", label="without dust")
    continuum = np.median(free)
    axes.set_ylim(0, max(2.2 * continuum, min(free.max() * 1.05, 5 * continuum)))
    axes.set(
        xlabel="observed wavelength [$\\AA$]",
        ylabel="$F_\\lambda$ [erg s$^{-1}$ cm$^{-2}$ $\\AA^{-1}$]",
        title=f"{recipe.name}, sample {int(batch.sample_id[0])}",
    )
    axes.legend(frameon=False, ncols=4, fontsize=8, loc="upper right")
    plain_axes(axes)


def _sed(axes, simulator, galaxy, batch) -> None:
    redshift = float(batch.draws.values["redshift"][0])
    scale = float(simulator.flux_scale(batch.draws)[0] / batch.draws.values["total_mass_msun"][0])
    wave = galaxy.wave_aa * (1 + redshift)
    shown = (wave > 1000) & (wave < 30000)
    f = galaxy.attenuated_continuum * scale
    axes.plot(wave[shown], (wave * f)[shown], color=BLUE, lw=0.6, label="attenuated")
    axes.plot(
        wave[shown],
        (wave * (galaxy.stellar + galaxy.nebular_continuum) * scale)[shown],
        color=PURPLE,
        lw=0.5,
        ls=":",
        label="without dust",
    )
    pivots = simulator.photometer.pivot_wave_aa
    if pivots.size:
        f_lambda = 10 ** (-0.4 * (batch.photometry[0] + 48.6)) * 2.99792458e18 / pivots**2
        axes.plot(pivots, pivots * f_lambda, "o", color=RED, label="photometry (lines included)")
        for pivot, value, band in zip(pivots, pivots * f_lambda, simulator.photometer.filters, strict=True):
            axes.annotate(
                band.name.split(".")[-1],
                (pivot, value),
                xytext=(0, 7),
                textcoords="offset points",
                fontsize=7,
                ha="center",
            )
    top = np.nanmax((wave * galaxy.stellar * scale)[shown])
    axes.set(
        xlabel="observed wavelength [$\\AA$]",
        ylabel="$\\lambda F_\\lambda$ [erg s$^{-1}$ cm$^{-2}$]",
        xscale="log",
        yscale="log",
        ylim=(top * 1e-3, top * 3),
    )
    axes.legend(frameon=False, fontsize=8)
    plain_axes(axes)


def _history(rate_axes, metal_axes, simulator, batch) -> None:
    age_yr = np.geomspace(1e6, 1.38e10, 800)
    mass = float(batch.draws.values["total_mass_msun"][0])
    rate_axes.plot(age_yr / 1e9, simulator.populations.sfr(batch.draws, age_yr)[0] * mass, color=BLUE)
    rate_axes.set(xlabel="lookback time [Gyr]", ylabel="SFR [Msun/yr]", xscale="log")
    metal_axes.plot(simulator.library.age_yr / 1e9, batch.populations.metallicity[0], color=GREEN)
    metal_axes.set(xlabel="lookback time [Gyr]", ylabel="metallicity Z", xscale="log", xlim=(1e-3, 14))
    for axes in (rate_axes, metal_axes):
        axes.set_xlim(14, 1e-3)
        plain_axes(axes)
