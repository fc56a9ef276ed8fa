"""What a data set holds: spectra, labels, truths; and one record."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from sfhsim.plots.style import BLUE, GREEN, ORANGE, RED, bin_steps, new_figure, plain_axes, save


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


def _spectra(dataset, arrays, path: Path) -> Path:
    figure = new_figure(9, 7)
    n = min(8, len(arrays["spectrum"]))
    axes = figure.add_subplot()
    for k in range(n):
        flux = arrays["spectrum"][k]
        axes.plot(dataset.wave_aa, flux / np.median(flux) + 1.2 * k, lw=0.6, color=(BLUE, RED)[k % 2])
    axes.set(
        xlabel="observed wavelength [$\\AA$]",
        ylabel="flux / median + offset",
        title=f"{dataset.manifest['name']}: {n} of its spectra, with noise",
    )
    top = np.percentile(arrays["spectrum"][n - 1] / np.median(arrays["spectrum"][n - 1]), 99.5)
    axes.set_ylim(0, 1.2 * (n - 1) + max(2.0, min(top, 5.0)))
    plain_axes(axes)
    return save(figure, path)


def _age_edges_gyr(dataset) -> np.ndarray:
    edges = dataset.age_bin_edges_yr / 1e9
    edges[0] = edges[1] / 3  # log axis: the first bin starts at zero
    return edges


def _histories(dataset, arrays, path: Path) -> Path:
    figure = new_figure(11, 4)
    edges = _age_edges_gyr(dataset)
    formed, metals = figure.subplots(1, 2)
    for k in range(min(12, len(arrays["spectrum"]))):
        older = 1 - np.concatenate([[0], np.cumsum(arrays["mass_fraction"][k])])
        formed.plot(edges, older, color=BLUE, alpha=0.5, lw=1)
        metals.plot(*bin_steps(edges, arrays["metallicity"][k]), color=GREEN, alpha=0.5, lw=1)
    formed.set(xlabel="lookback time [Gyr]", ylabel="fraction of the mass formed before", xscale="log")
    metals.set(xlabel="lookback time [Gyr]", ylabel="metallicity Z", xscale="log", yscale="log")
    for axes in (formed, metals):
        axes.invert_xaxis()
        plain_axes(axes)
    return save(figure, path)


def _labels(dataset, arrays, path: Path) -> Path:
    figure = new_figure(11, 4)
    for axes, name, colour in zip(figure.subplots(1, 2), ("mass_fraction", "metallicity"), (BLUE, GREEN), strict=True):
        low, q1, median, q3, high = np.percentile(arrays[name], [5, 25, 50, 75, 95], axis=0)
        x = np.arange(median.size)
        axes.fill_between(x, low, high, color=colour, alpha=0.2, step="mid", label="5-95%")
        axes.fill_between(x, q1, q3, color=colour, alpha=0.4, step="mid", label="25-75%")
        axes.step(x, median, where="mid", color=colour, label="median")
        edges_myr = dataset.age_bin_edges_yr / 1e6
        axes.set_xticks(x, [f"{a:g}-{b:g}" for a, b in itertools.pairwise(edges_myr)])
        axes.tick_params(axis="x", rotation=60, labelsize=7)
        axes.set(xlabel="age bin [Myr]", ylabel=name.replace("_", " "))
        axes.legend(frameon=False, fontsize=8)
        plain_axes(axes)
    return save(figure, path)


def _truths(dataset, arrays, path: Path) -> Path:
    names = dataset.truth_names
    varying = [k for k in range(len(names)) if np.ptp(_finite(arrays["truth"][:, k])) > 0]
    columns = 5
    rows = -(-len(varying) // columns)
    figure = new_figure(13, 1.9 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, k in zip(grid.flat, varying, strict=False):
        axes.hist(_finite(arrays["truth"][:, k]), bins=30, color=ORANGE)
        axes.set_title(names[k], fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
        plain_axes(axes)
    for axes in grid.flat[len(varying) :]:
        axes.set_axis_off()
    return save(figure, path)


def _finite(values: np.ndarray) -> np.ndarray:
    values = values[np.isfinite(values)]
    return values if values.size else np.zeros(1)


def plot_record(dataset, record: dict, path: str | Path) -> Path:
    """One record: spectrum and photometry, cumulative history, metallicity history."""
    figure = new_figure(12, 6)
    layout = figure.add_gridspec(2, 2)
    axes = figure.add_subplot(layout[0, :])
    flux, error = record["spectrum"], record["spectrum_error"]
    axes.fill_between(dataset.wave_aa, flux - error, flux + error, color=BLUE, alpha=0.25, lw=0)
    axes.plot(dataset.wave_aa, flux, color=BLUE, lw=0.7)
    bands = dataset.manifest["dimensions"]["band"]
    pivots = np.array([band["pivot_wave_aa"] for band in bands])
    if pivots.size:
        # f_lambda of an AB magnitude: f_nu c / lambda^2
        f_lambda = 10 ** (-0.4 * (record["photometry"] + 48.6)) * 2.99792458e18 / pivots**2
        axes.plot(pivots, f_lambda, "o", color=RED, ms=6, label="photometry")
        axes.legend(frameon=False)
    axes.set(
        xlabel="observed wavelength [$\\AA$]",
        ylabel="$F_\\lambda$ [erg s$^{-1}$ cm$^{-2}$ $\\AA^{-1}$]",
        title=f"{dataset.manifest['name']}, sample {record['sample_id']}",
    )
    axes.set_ylim(0, None)
    edges = _age_edges_gyr(dataset)
    formed = figure.add_subplot(layout[1, 0])
    formed.plot(edges, 1 - np.concatenate([[0], np.cumsum(record["mass_fraction"])]), "o-", color=BLUE, ms=3)
    formed.set(xlabel="lookback time [Gyr]", ylabel="fraction of the mass formed before", xscale="log")
    metals = figure.add_subplot(layout[1, 1])
    metals.plot(*bin_steps(edges, record["metallicity"]), color=GREEN)
    metals.set(xlabel="lookback time [Gyr]", ylabel="metallicity Z", xscale="log")
    for history in (formed, metals):
        history.invert_xaxis()
    for each in (axes, formed, metals):
        plain_axes(each)
    return save(figure, path)
