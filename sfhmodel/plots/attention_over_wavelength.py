"""Where in the spectrum the network looks: mean attention weights over wavelength, with the prominent lines."""

from __future__ import annotations

import numpy as np

from sfhmodel.evaluation.attention_weights import Attention
from sfhmodel.plots.style import BLACK, BLUE, GREY, NOTE_SIZE, ORANGE, PAGE_WIDTH_IN, RED, finish, legend, new_figure

# air wavelengths [A] of NIST (Kramida et al., Atomic Spectra Database); of blends the mean
LINES = (
    ("[O II]", 3727.4),
    ("Ca K", 3933.7),
    ("Ca H", 3968.5),
    ("Hδ", 4101.7),
    ("Hγ", 4340.5),
    ("Hβ", 4861.3),
    ("[O III]", 4958.9),
    ("[O III]", 5006.8),
    ("Mg b", 5175.4),
    ("Fe", 5270.4),
    ("Fe", 5335.1),
    ("He I", 5875.6),
    ("Na D", 5892.9),
    ("[O I]", 6300.3),
    ("[N II]", 6548.1),
    ("Hα", 6562.8),
    ("[N II]", 6583.5),
    ("[S II]", 6723.6),
    ("[S III]", 9068.6),
    ("Ca II", 8498.0),
    ("Ca II", 8542.1),
    ("Ca II", 8662.1),
    ("[S III]", 9530.6),
)


def plot_attention(attention: Attention, wave_aa: np.ndarray, redshift: float = 0.0):
    """Figure of the mean spectrum, and of the weights of all galaxies and of those of like age.

    Parameters
    ----------
    attention : see `sfhmodel.evaluation.picture_inputs.PictureInputs.attention`.
    wave_aa : (n_pixel,) of the spectra.
    redshift : of the spectra, where the lines are drawn.
    """
    figure = new_figure(PAGE_WIDTH_IN, 3.5)
    spectrum, weights = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.5))
    spectrum.plot(wave_aa, attention.spectrum, color=BLACK, lw=0.6)
    top = min(1.05 * float(np.nanmax(attention.spectrum)), 2.2)
    spectrum.set(ylabel=r"mean $F_\lambda$ / median", ylim=(min(0.7, 0.95 * float(np.nanmin(attention.spectrum))), top))
    relative = attention.relative
    edges = _edges(attention.token_wave_aa)
    weights.stairs(relative.mean(axis=0), edges, baseline=None, color=BLACK, lw=1.3, label="all galaxies", zorder=4)
    highest = _by_age(weights, attention, relative, edges)
    weights.axhline(1, color=GREY, lw=0.7, ls=(0, (4, 2)))
    highest = max(highest, float(relative.mean(axis=0).max()))
    weights.set(ylabel="weight / uniform weight", ylim=(0, 1.3 * highest), xlabel="wavelength [Å]")
    weights.set_xlim(wave_aa[0], wave_aa[-1])
    _mark_lines(figure, spectrum, weights, wave_aa, redshift)
    for axes in (spectrum, weights):
        finish(axes, grid=False)
    legend(weights, loc="upper right", ncols=3)
    return figure


def _by_age(axes, attention: Attention, relative: np.ndarray, edges: np.ndarray) -> float:
    """A line for the youngest and the oldest of the groups; returns the highest value."""
    groups = attention.by_age
    if len(groups) < 2:
        return 0.0
    highest = 0.0
    for group, colour, word in ((groups[0], BLUE, "youngest"), (groups[-1], RED, "oldest")):
        mean = relative[group.rows].mean(axis=0)
        axes.stairs(mean, edges, baseline=None, color=colour, lw=1.0, label=f"{word} third by light", zorder=3)
        highest = max(highest, float(mean.max()))
    return highest


def _edges(centres: np.ndarray) -> np.ndarray:
    """Half way between centres, and as far beyond the outermost."""
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _mark_lines(figure, top_axes, axes, wave_aa: np.ndarray, redshift: float) -> None:
    """A faint line through both panels for each, and the names above, moved aside where they would touch."""
    observed = [(name, place * (1 + redshift)) for name, place in LINES]
    visible = sorted((place, name) for name, place in observed if wave_aa[0] < place < wave_aa[-1])
    for place, _ in visible:
        for panel in (top_axes, axes):
            panel.axvline(place, color=ORANGE, lw=0.6, alpha=0.8, zorder=0)
    points_per_aa = 0.9 * 72 * figure.get_figwidth() / (wave_aa[-1] - wave_aa[0])
    shifts = spread([place * points_per_aa for place, _ in visible], NOTE_SIZE + 1.5)
    for (place, name), where in zip(visible, shifts, strict=True):
        top_axes.annotate(
            name,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(where - place * points_per_aa, 9),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=NOTE_SIZE,
            arrowprops={"arrowstyle": "-", "color": ORANGE, "lw": 0.6, "shrinkA": 0, "shrinkB": 0},
        )


def spread(places: list[float], apart: float) -> list[float]:
    """Increasing places moved to be ``apart`` from each other: those too close are spread about their mean."""
    clusters: list[list[float]] = []
    for place in places:
        clusters.append([place])
        while len(clusters) > 1 and _start(clusters[-1], apart) < _end(clusters[-2], apart):
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    return [_start(cluster, apart) + i * apart for cluster in clusters for i in range(len(cluster))]


def _end(cluster: list[float], apart: float) -> float:
    return _start(cluster, apart) + len(cluster) * apart


def _start(cluster: list[float], apart: float) -> float:
    return float(np.mean(cluster)) - 0.5 * apart * (len(cluster) - 1)
