"""One galaxy as the model saw it, and its histories with their 68% and 90% bands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.files import written_whole
from sfhmodel.inference.residual_panel import draw_model, draw_residual

if TYPE_CHECKING:
    from sfhmodel.inference.prediction import Prediction

_YOUNGEST_GYR = 3e-3  # the first bin begins today, which a logarithmic axis cannot show
_WIDE, _NARROW = (0.05, 0.95), (0.16, 0.84)


def plot_prediction(prediction: Prediction, path: str | Path, galaxy: int = 0) -> Path:
    """See `Prediction.plot`."""
    from sfhsim.plots.style import DPI, check_picture_path, new_figure, plain_axes

    path = check_picture_path(path)
    one = _of_one_galaxy(prediction, galaxy)
    checked = one.check is not None and one.check.model is not None
    figure = new_figure(10, 8.6 if checked else 7.2)
    layout = figure.add_gridspec(2 + checked, 2, height_ratios=[1.1, 0.5, 1] if checked else [1.1, 1])
    panels = [figure.add_subplot(place) for place in (layout[0, :], layout[-1, 0], layout[-1, 1])]
    _spectrum(panels[0], one)
    _formed(panels[1], one)
    _metals(panels[2], one)
    if checked:
        panels.append(figure.add_subplot(layout[1, :], sharex=panels[0]))
        draw_residual(panels[-1], one)
        panels[-1].set_xlabel(panels[0].get_xlabel())
        panels[0].set_xlabel("")
    for axes in panels:
        plain_axes(axes)
    _title(panels[0], one)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=DPI, format=path.suffix[1:])
    return path


def _of_one_galaxy(prediction: Prediction, galaxy: int) -> Prediction:
    if not -len(prediction) <= galaxy < len(prediction):
        raise InputError(f"there is no galaxy {galaxy}: there are {len(prediction)}, from 0 on")
    one = prediction[galaxy]
    if one.problems[0]:
        raise InputError(f"galaxy {galaxy} has no result: {one.problems[0]}")
    return one


def _spectrum(axes, one: Prediction) -> None:
    from sfhsim.plots.style import BLACK, SKY, legend, spectrum_ceiling

    wave_aa, inputs = one.description.wave_aa, one.inputs
    if inputs is None:
        raise InputError("the spectra were not kept: predict with keep_inputs=True")
    used = inputs["mask"][0] > 0
    flux = np.where(used, inputs["flux"][0], np.nan)
    error = np.where(used, inputs["flux_error"][0], np.nan)
    if np.isfinite(error).any():
        axes.fill_between(wave_aa, flux - error, flux + error, color=SKY, alpha=0.5, lw=0, label="one sigma")
    axes.plot(wave_aa, flux, color=BLACK, lw=0.7, label="spectrum on the model's grid")
    if one.check is not None and one.check.model is not None:
        draw_model(axes, one)
    for k, (low, high) in enumerate(_masked_ranges(wave_aa, used)):
        axes.axvspan(low, high, color="0.85", lw=0, zorder=0, label="masked" if k == 0 else None)
    good = flux[used]
    ceiling = spectrum_ceiling(good)
    axes.set(
        xlim=(wave_aa[0], wave_aa[-1]),
        ylim=(min(0.0, 1.1 * float(np.percentile(good, 0.5))), ceiling),
        ylabel=r"$F_\lambda$ / mean",
        xlabel=_wave_label(one),
    )
    legend(axes, loc="lower right", ncols=3)


def _wave_label(one: Prediction) -> str:
    from sfhmodel.spectra.frame import TrainingFrame

    redshift = TrainingFrame.of(one.description).target_redshift(float(one.redshift[0]))
    return "rest wavelength, air [Å]" if redshift == 0.0 else f"wavelength at z = {redshift:g}, air [Å]"


def _masked_ranges(wave_aa: np.ndarray, used: np.ndarray) -> list[tuple[float, float]]:
    """Stretches without data, from pixel edge to pixel edge."""
    change = np.flatnonzero(np.diff(np.concatenate([[True], used, [True]]).astype(int)))
    half = 0.5 * np.median(np.diff(wave_aa))
    return [(wave_aa[a] - half, wave_aa[b - 1] + half) for a, b in change.reshape(-1, 2)]


def _bands(axes, x, quantiles: np.ndarray, one: Prediction, colour: str, step: bool) -> None:
    """90% and 68% bands and the median; ``quantiles`` (len(x), n_level)."""
    kind = {"step": "post"} if step else {}
    for levels, alpha, label in ((_WIDE, 0.2, "90%"), (_NARROW, 0.35, "68%")):
        low, high = (quantiles[:, one.level(level)] for level in levels)
        axes.fill_between(x, low, high, color=colour, alpha=alpha, lw=0, label=label, **kind)
    style = {"drawstyle": "steps-post"} if step else {}
    axes.plot(x, quantiles[:, one.level(0.5)], color=colour, lw=1.6, label="median", **style)


def _formed(axes, one: Prediction) -> None:
    """Fraction of the mass that was formed before each lookback time: 0 at the Big Bang, 1 today."""
    from sfhsim.plots.style import BLUE, legend, log_lookback

    edges = one.age_bin_edges_yr / 1e9
    since = np.concatenate([np.zeros((1, len(one.quantile_levels))), one.cumulative_quantiles[0]])
    # what formed before a time is 1 minus what formed since: the levels swap
    _bands(axes, np.maximum(edges, _YOUNGEST_GYR), 1.0 - since[:, ::-1], one, BLUE, step=False)
    log_lookback(axes, _YOUNGEST_GYR, edges[-1])
    axes.set(ylim=(0.0, 1.03), ylabel="fraction of the mass formed")
    legend(axes, loc="lower right")


def _metals(axes, one: Prediction) -> None:
    """Metallicity of the stars of each age bin."""
    from sfhsim.plots.style import GREEN, legend, log_lookback, log_metallicity

    edges = np.maximum(one.age_bin_edges_yr / 1e9, _YOUNGEST_GYR)
    quantiles = one.metallicity_quantiles[0]
    _bands(axes, edges, np.concatenate([quantiles, quantiles[-1:]]), one, GREEN, step=True)
    log_lookback(axes, _YOUNGEST_GYR, edges[-1])
    log_metallicity(axes, quantiles)
    legend(axes, loc="lower right")


def _title(axes, one: Prediction) -> None:
    """Name, redshift and the summaries, and a warning where the input is unlike the training data."""
    from sfhsim.plots.style import BLACK, LABEL_SIZE, NOTE_SIZE, RED

    words = [one.names[0]] if one.names[0] else []
    words.append(f"z = {one.redshift[0]:.4g}")
    words.append(f"{one.masked_fraction[0]:.0%} of the pixels masked")
    if n_bands := int(np.isfinite(one.magnitudes[0]).sum()):
        words.append(f"{n_bands} of {one.description.n_band} bands")
    elif one.description.n_band:
        words.append("no photometry")
    title, flagged = ",  ".join(words), bool(one.unlike_training[0])
    if flagged:
        title += f"\nUNLIKE THE TRAINING DATA (novelty {one.novelty[0]:.1f})"
    summaries = [
        ("mean log age (mass)", "mean_log10_age_yr_mass", ""),
        ("log Z (mass)", "log10_metallicity_mass", ""),
        ("$A_V$", "a_v_mag", " mag"),
        ("last 100 Myr", "mass_fraction_100myr", ""),
    ]
    line = [_with_error(one, *entry) for entry in summaries if entry[1] in one.summary_names]
    axes.text(0.01, 0.965, ",  ".join(line), transform=axes.transAxes, fontsize=NOTE_SIZE, va="top",
              bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.5})  # fmt: skip
    axes.set_title(title, color=RED if flagged else BLACK, wrap=True)
    axes.title.set_size(LABEL_SIZE + 1)


def _with_error(one: Prediction, label: str, name: str, unit: str) -> str:
    low, middle, high = (float(one.summary(name, level)[0]) for level in (0.16, 0.5, 0.84))
    digits = max(2, int(np.ceil(-np.log10(max(high - low, 1e-4)))) + 1)
    digits = min(digits, 4)
    return f"{label} = ${middle:.{digits}f}_{{-{middle - low:.{digits}f}}}^{{+{high - middle:.{digits}f}}}${unit}"
