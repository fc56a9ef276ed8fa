"""What a data set holds: spectra, labels, truths; and one record."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from sfhsim.plots.style import (
    BLACK,
    BLUE,
    FLUX_UNIT,
    GREEN,
    GREY,
    LABEL_SIZE,
    NOTE_SIZE,
    RED,
    SKY,
    TICK_SIZE,
    WAVE_LABEL,
    bin_steps,
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

_FORMED_LABEL = "fraction of the mass formed"
_WAVE_TICKS_AA = (1000, 2000, 3000, 5000, 10000, 20000, 50000, 100000, 200000)


def plot_dataset(folder: str | Path, out: str | Path | None = None, limit: int = 2000) -> list[Path]:
    """Pictures of a data set's spectra, histories and label distributions.

    Parameters
    ----------
    folder : of the data set.
    out : where the PNGs go; ``<folder>/plots`` by default.
    limit : records looked at.

    Returns
    -------
    The paths of the pictures.
    """
    from sfhsim.records import Dataset

    dataset = Dataset(folder)
    out = Path(out) if out is not None else Path(folder) / "plots"
    arrays = dataset.arrays(next(iter(dataset.manifest["splits"])), limit=limit)
    return [
        _spectra(dataset, arrays, out / "spectra.png"),
        _histories(dataset, arrays, out / "histories.png"),
        _labels(dataset, arrays, out / "labels.png"),
        _truths(dataset, arrays, out / "truths.png"),
    ]


def _spectra(dataset, arrays, path: Path, n: int = 6) -> Path:
    """A panel for each of the first galaxies, on one wavelength axis."""
    n = min(n, len(arrays["spectrum"]))
    figure = new_figure(9, 1.0 + 1.25 * n)
    panels = figure.subplots(n, 1, sharex=True, squeeze=False)[:, 0]
    for k, axes in enumerate(panels):
        flux = arrays["spectrum"][k] / np.median(arrays["spectrum"][k])
        axes.plot(dataset.wave_aa, flux, lw=0.6, color=BLUE)
        low = float(np.percentile(flux, 0.2))
        axes.set(xlim=dataset.wave_aa[[0, -1]], ylim=(min(0.9 * low, 0.7), min(spectrum_ceiling(flux), 2.4)))
        axes.text(0.995, 0.93, f"sample {arrays['sample_id'][k]}", transform=axes.transAxes, ha="right", va="top",
                  fontsize=NOTE_SIZE)  # fmt: skip
        plain_axes(axes)
    panels[0].set_title(f"{dataset.manifest['name']}: spectra with noise", fontsize=LABEL_SIZE + 1)
    panels[-1].set_xlabel(WAVE_LABEL, fontsize=LABEL_SIZE)
    figure.supylabel(r"$F_\lambda$ / median", fontsize=LABEL_SIZE)
    return save(figure, path)


def _age_edges_gyr(dataset) -> np.ndarray:
    """Edges of the label bins on a logarithmic axis, on which the first cannot begin at zero."""
    edges = dataset.age_bin_edges_yr / 1e9
    edges[0] = edges[1] / 3
    return edges


def _formed(mass_fraction: np.ndarray) -> np.ndarray:
    """Fraction of the mass formed before each bin edge (n_bin + 1,)."""
    return 1 - np.concatenate([[0], np.cumsum(mass_fraction)])


def _histories(dataset, arrays, path: Path, n: int = 12) -> Path:
    figure = new_figure(10, 3.8)
    edges = _age_edges_gyr(dataset)
    formed, metals = figure.subplots(1, 2)
    for k in range(min(n, len(arrays["spectrum"]))):
        formed.plot(edges, _formed(arrays["mass_fraction"][k]), color=BLUE, alpha=0.6, lw=1)
        metals.plot(*bin_steps(edges, arrays["metallicity"][k]), color=GREEN, alpha=0.6, lw=1)
    formed.set(ylabel=_FORMED_LABEL, ylim=(0, 1.03))
    log_metallicity(metals, arrays["metallicity"][:n])
    for axes in (formed, metals):
        log_lookback(axes, edges[0], edges[-1])
        plain_axes(axes)
    return save(figure, path)


def _labels(dataset, arrays, path: Path) -> Path:
    figure = new_figure(11, 4.2)
    edges_myr = dataset.age_bin_edges_yr / 1e6
    bins = np.arange(edges_myr.size)
    names = [f"{a:g}–{b:g}" for a, b in itertools.pairwise(edges_myr)]
    panels = zip(figure.subplots(1, 2), ("mass_fraction", "metallicity"), (BLUE, GREEN), strict=True)
    for axes, name, colour in panels:
        levels = np.percentile(arrays[name], [5, 25, 50, 75, 95], axis=0)
        low, q1, median, q3, high = (bin_steps(bins - 0.5, level)[1] for level in levels)
        x = bin_steps(bins - 0.5, levels[0])[0]
        axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0, label="5–95%")
        axes.fill_between(x, q1, q3, color=colour, alpha=0.4, lw=0, label="25–75%")
        axes.plot(x, median, color=colour, label="median")
        axes.set(xlabel="age bin [Myr]", ylabel=name.replace("_", " "), xlim=(-0.5, bins[-1] - 0.5), ylim=(0, None))
        plain_axes(axes)
        axes.set_xticks(bins[:-1], names, rotation=60, ha="right", rotation_mode="anchor", fontsize=TICK_SIZE - 1)
        legend(axes, loc="upper left" if name == "mass_fraction" else "upper right")
    return save(figure, path)


def _truths(dataset, arrays, path: Path) -> Path:
    """A histogram of every truth that varies; of those over decades, of the logarithm's bins."""
    values = {name: _finite(column) for name, column in zip(dataset.truth_names, arrays["truth"].T, strict=True)}
    varying = {name: column for name, column in values.items() if np.ptp(column) > 0}
    columns = 5
    rows = max(1, -(-len(varying) // columns))
    figure = new_figure(12, 1.75 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (name, column) in zip(grid.flat, varying.items(), strict=False):
        _histogram(axes, column)
        axes.set_title(name.replace("photometry_error_mag.", "error "), fontsize=NOTE_SIZE)
        axes.tick_params(labelsize=NOTE_SIZE - 1)
        axes.set_yticks([])
    for axes in grid.flat[len(varying) :]:
        axes.set_axis_off()
    return save(figure, path)


def _histogram(axes, column: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    distinct = np.unique(column)
    if distinct.size <= 6:
        counts = [(column == value).sum() for value in distinct]
        axes.bar(range(distinct.size), counts, width=0.6, color=BLUE)
        axes.set_xticks(range(distinct.size), [f"{value:.3g}" for value in distinct])
        return
    positive = column[column > 0]
    if column.min() >= 0 and np.percentile(column, 90) > 30 * max(np.percentile(column, 10), 1e-300):
        floor = max(positive.min(), positive.max() * 1e-6)
        edges = np.geomspace(floor, positive.max() * (1 + 1e-6), 31)
        axes.hist(np.maximum(column, floor), bins=edges, color=BLUE)
        axes.set_xscale("log")
        if edges[-1] / edges[0] < 2e3 and 1e-3 < edges[0] < 1e3:
            plain_numbers(axes.xaxis)
        return
    axes.hist(column, bins=30, color=BLUE)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _finite(values: np.ndarray) -> np.ndarray:
    values = values[np.isfinite(values)].astype(np.float64)
    return values if values.size else np.zeros(1)


def plot_record(dataset, record: dict, path: str | Path) -> Path:
    """One record: spectrum and photometry, cumulative history, metallicity history."""
    path = check_picture_path(path)
    figure = new_figure(10, 6.2)
    layout = figure.add_gridspec(2, 2, height_ratios=[1.3, 1])
    observed = figure.add_subplot(layout[0, :])
    _observed(observed, dataset, record)
    edges = _age_edges_gyr(dataset)
    formed, metals = (figure.add_subplot(layout[1, k]) for k in range(2))
    formed.plot(edges, _formed(record["mass_fraction"]), "o-", color=BLUE, ms=3)
    formed.set(ylabel=_FORMED_LABEL, ylim=(0, 1.03))
    metals.plot(*bin_steps(edges, record["metallicity"]), color=GREEN)
    log_metallicity(metals, record["metallicity"])
    for history in (formed, metals):
        log_lookback(history, edges[0], edges[-1])
        plain_axes(history)
    return save(figure, path)


def _observed(axes, dataset, record: dict) -> None:
    """Spectrum with its error, and the bands at their pivots."""
    wave_aa, flux, error = dataset.wave_aa, record["spectrum"].astype(float), record["spectrum_error"].astype(float)
    bands = dataset.manifest["dimensions"]["band"]
    pivots = np.array([band["pivot_wave_aa"] for band in bands])
    f_band = f_lambda_of_magnitude(record["photometry"], pivots)
    ceiling = 1.1 * max([spectrum_ceiling(flux), *np.nan_to_num(f_band)])
    power, written = power_of_ten(np.array([ceiling]))
    axes.fill_between(wave_aa, (flux - error) / power, (flux + error) / power, color=SKY, alpha=0.5, lw=0,
                      label="error")  # fmt: skip
    axes.plot(wave_aa, flux / power, color=BLACK, lw=0.6, label="spectrum")
    if pivots.size:
        f_error = f_band * record["photometry_error"] * np.log(10) / 2.5
        axes.errorbar(pivots, f_band / power, f_error / power, fmt="o", ms=6, color=RED, mec="white", mew=0.8,
                      zorder=5, label="photometry")  # fmt: skip
        name_bands(axes, [band["name"] for band in bands], pivots, f_band / power)
        axes.axhline(0, color=GREY, lw=0.5)
    low, high = min([wave_aa[0], *pivots]), max([wave_aa[-1], *pivots])
    if high > 4 * low:
        axes.set_xscale("log")
        axes.set_xticks([t for t in _WAVE_TICKS_AA if 0.8 * low < t < 1.2 * high])
        plain_numbers(axes.xaxis)
    axes.set(xlabel=WAVE_LABEL, ylabel=rf"$F_\lambda$ [{written}{FLUX_UNIT}]", ylim=(0, ceiling / power))
    axes.set_title(f"{dataset.manifest['name']}, sample {record['sample_id']}")
    plain_axes(axes)
    legend(axes, loc="upper right")
