"""One galaxy: its components, its photometry, its history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.plots.style import (
    BLACK,
    BLUE,
    FLUX_UNIT,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    WAVE_LABEL,
    check_picture_path,
    f_lambda_of_magnitude,
    legend,
    log_lookback,
    log_metallicity,
    name_bands,
    new_figure,
    plain_axes,
    plain_numbers,
    power_of_ten,
    save,
    spectrum_ceiling,
)

_COMPONENTS = (
    ("dust_free", PURPLE, 0.7, "without dust"),
    ("stars", ORANGE, 1.3, "all stars"),
    ("young", SKY, 1.3, "stars in birth clouds"),
    ("nebular_continuum", GREEN, 1.3, "nebular continuum"),
    ("lines", RED, 1.1, "emission lines"),
)
_YOUNGEST_GYR = 1e-3


def plot_galaxy(simulator, sample_id: int, path: str | Path) -> Path:
    """The observed spectrum of one sample with its components, the whole SED with its bands, and its history.

    Parameters
    ----------
    simulator : Simulator or MixtureSimulator
    sample_id : which sample.
    path : picture to write: .png, .pdf or .svg.
    """
    from sfhsim.synthesis import synthesize_galaxy
    from sfhsim.synthesis.any_simulator import of_sample

    path = check_picture_path(path)
    simulator, name = of_sample(simulator, sample_id)
    batch = simulator.batch([sample_id])
    galaxy = synthesize_galaxy(simulator.recipe, library=simulator.library, draws=batch.draws)
    scale = float(simulator.flux_scale(batch.draws)[0] / batch.draws.values["total_mass_msun"][0])
    figure = new_figure(10, 9)
    layout = figure.add_gridspec(3, 2, height_ratios=[1.35, 1, 0.8])
    spectrum = figure.add_subplot(layout[0, :])
    _spectrum(spectrum, simulator, galaxy, batch, scale)
    spectrum.set_title(f"{name}, sample {int(batch.sample_id[0])}: {_in_words(simulator, batch)}")
    _sed(figure.add_subplot(layout[1, :]), simulator, galaxy, batch, scale)
    _history(figure.add_subplot(layout[2, 0]), figure.add_subplot(layout[2, 1]), simulator, batch)
    return save(figure, path)


def _spectrum(axes, simulator, galaxy, batch, scale: float) -> None:
    recipe = simulator.recipe
    wave_aa = recipe.spectrum.wave_aa
    total = galaxy.observe(recipe, "total") * scale
    ceiling = spectrum_ceiling(total)
    power, written = power_of_ten(np.array([ceiling]))
    axes.plot(wave_aa, batch.spectrum[0] / power, color=GREY, lw=0.5, alpha=0.8, label="observed, with noise", zorder=2)
    axes.plot(wave_aa, total / power, color=BLACK, lw=1.0, label="total", zorder=4)
    for component, colour, width, label in _COMPONENTS:
        flux = galaxy.observe(recipe, component) * scale / power
        if flux.any():
            style = ":" if component == "dust_free" else "-"
            axes.plot(wave_aa, flux, color=colour, lw=width, ls=style, label=label, zorder=3)
    axes.set(
        xlim=(wave_aa[0], wave_aa[-1]),
        ylim=(0, ceiling / power),
        xlabel=WAVE_LABEL,
        ylabel=rf"$F_\lambda$ [{written}{FLUX_UNIT}]",
    )
    plain_axes(axes)
    legend(axes, ncols=2, loc="upper center")


def _in_words(simulator, batch) -> str:
    """Mass, redshift, S/N and attenuation of the sample."""
    values = batch.draws.values
    names = [entry["name"] for entry in simulator.truths.entries]
    words = [rf"$10^{{{np.log10(values['total_mass_msun'][0]):.1f}}}$ M$_\odot$ formed"]
    words.append(f"z = {values['redshift'][0]:.3g}")
    words.append(f"$A_V$ = {batch.truth[0, names.index('a_v_mag')]:.2f}")
    if "snr" in values:
        words.append(f"S/N = {values['snr'][0]:.0f}")
    return ", ".join(words)


def _sed(axes, simulator, galaxy, batch, scale: float) -> None:
    wave_aa = galaxy.wave_aa * (1 + float(batch.draws.values["redshift"][0]))
    filters, pivots = simulator.photometer.filters, simulator.photometer.pivot_wave_aa
    low = min([912.0, *(0.8 * pivots)])
    high = max([25000.0, *(1.3 * pivots)])
    shown = (wave_aa > low) & (wave_aa < high)
    free = (wave_aa * galaxy.dust_free_continuum * scale)[shown]
    attenuated = (wave_aa * galaxy.attenuated_continuum * scale)[shown]
    axes.plot(wave_aa[shown], free, color=PURPLE, lw=0.7, ls=":", label="continuum without dust")
    axes.plot(wave_aa[shown], attenuated, color=BLACK, lw=0.7, label="continuum, attenuated")
    if pivots.size:
        value = pivots * f_lambda_of_magnitude(batch.photometry[0], pivots)
        error = value * np.asarray(batch.photometry_error[0], dtype=np.float64) * np.log(10) / 2.5
        axes.errorbar(pivots, value, error, fmt="o", ms=6, color=RED, mec="white", mew=0.8, zorder=5,
                      label="photometry, lines included")  # fmt: skip
        name_bands(axes, [band.name for band in filters], pivots, value)
    axes.axvspan(*simulator.spectrograph.edges_aa[[0, -1]], color=SKY, alpha=0.15, lw=0, label="range of the spectrum")
    # the deep Lyman lines and the limit need not be seen to their ground
    visible = attenuated[(attenuated > 0) & (wave_aa[shown] > 1.4 * low)]
    bottom = max(visible.min(initial=free.max()), 1e-3 * free.max())
    top = max(free.max(), attenuated.max())
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(0.3 * bottom, 2.0 * top), xlabel=WAVE_LABEL)
    axes.set_ylabel(r"$\lambda F_\lambda$ [erg s$^{-1}$ cm$^{-2}$]")
    axes.set_xticks([t for t in (1000, 2000, 3000, 5000, 10000, 20000, 50000, 100000, 200000) if low < t < high])
    plain_numbers(axes.xaxis)
    plain_axes(axes)
    legend(axes, loc="lower right", ncols=2)


def _history(rate_axes, metal_axes, simulator, batch) -> None:
    age_yr = np.geomspace(1e6 * _YOUNGEST_GYR, 1.38e10, 1500)
    mass = float(batch.draws.values["total_mass_msun"][0])
    rate = simulator.populations.sfr(batch.draws, age_yr)[0] * mass
    rate_axes.plot(age_yr / 1e9, rate, color=BLUE)
    rate_axes.set(ylabel=r"SFR [M$_\odot$ yr$^{-1}$]", ylim=(0, 1.08 * max(rate.max(), 1e-30)))
    metal_axes.plot(simulator.library.age_yr / 1e9, batch.populations.metallicity[0], color=GREEN)
    log_metallicity(metal_axes, batch.populations.metallicity[0])
    for axes in (rate_axes, metal_axes):
        log_lookback(axes, _YOUNGEST_GYR)
        plain_axes(axes)
