"""Shared look of the pictures; figures are made without pyplot, so nothing global changes and no display is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.errors import SfhsimError
from sfhsim.files import named_errors, whole_file

# Okabe & Ito (2008): distinguishable with any colour vision
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = (
    "#222222",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY = "#8C8C8C"
ENDINGS = (".png", ".pdf", ".svg")
DPI = 150
LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 10, 9, 8

WAVE_LABEL = "observed wavelength [Å]"
FLUX_UNIT = r"erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$"
AGE_LABEL = "lookback time [Gyr]"


def check_picture_path(path: str | Path) -> Path:
    """The path of a picture; raises SfhsimError for an ending that is not .png, .pdf or .svg."""
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise SfhsimError(f"{path}: pictures are written as {', '.join(ENDINGS)}; choose one of these endings")
    return path


def new_figure(width_in: float, height_in: float):
    """A matplotlib figure of this size with the Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure, path: str | Path) -> Path:
    """Write the figure, whole or not at all, making its folder; returns the path.

    Raises
    ------
    SfhsimError
        As `check_picture_path`, and when it cannot be written.
    """
    path = check_picture_path(path)
    with named_errors(path, SfhsimError), whole_file(path) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return path


def plain_axes(axes) -> None:
    """Ticks inwards on all sides, a faint grid, labels of one size."""
    axes.tick_params(which="both", direction="in", top=True, right=True, labelsize=TICK_SIZE)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_size(LABEL_SIZE)
        axis.get_offset_text().set_size(TICK_SIZE)
    axes.title.set_size(LABEL_SIZE + 1)
    axes.grid(alpha=0.15, linewidth=0.6)
    axes.set_axisbelow(True)


def legend(axes, **options) -> None:
    """A small legend on a pale ground, so that lines behind it do not disturb."""
    shown = axes.legend(fontsize=NOTE_SIZE, frameon=True, framealpha=0.85, edgecolor="none", **options)
    for line in shown.get_lines():
        line.set_linewidth(max(line.get_linewidth(), 1.3))


def plain_numbers(axis) -> None:
    """Numbers like 0.1, 1, 10 on a logarithmic axis instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def log_lookback(axes, youngest_gyr: float, oldest_gyr: float = 13.8) -> None:
    """Logarithmic lookback time with the Big Bang on the left and today on the right."""
    axes.set_xscale("log")
    axes.set_xlim(oldest_gyr, youngest_gyr)
    axes.set_xlabel(AGE_LABEL)
    plain_numbers(axes.xaxis)


def log_metallicity(axes, values: np.ndarray) -> None:
    """Metallicities on a logarithmic axis of at least a decade and a half, so that it has numbers."""
    from matplotlib.ticker import LogLocator

    positive = np.asarray(values)[np.asarray(values) > 0]
    axes.set(ylabel="metallicity Z", yscale="log")
    if positive.size:
        high = 1.4 * float(positive.max())
        axes.set_ylim(min(float(positive.min()) / 1.4, high / 30), high)
    few_decades = axes.get_ylim()[1] < 200 * axes.get_ylim()[0]
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few_decades else (1.0,)))
    plain_numbers(axes.yaxis)


def name_bands(axes, names: list[str], x: np.ndarray, y: np.ndarray) -> None:
    """The names of bands below their points."""
    for name, where, value in zip(names, x, y, strict=True):
        if np.isfinite(value):
            ground = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75}
            axes.annotate(
                name.split(".")[-1],
                (where, value),
                xytext=(0, -17),
                textcoords="offset points",
                ha="center",
                fontsize=NOTE_SIZE,
                color=RED,
                bbox=ground,
                zorder=6,
            )


def power_of_ten(values: np.ndarray) -> tuple[float, str]:
    """A power of ten to divide by, and how to write it in a label: (1e-13, '10^{-13} ')."""
    largest = np.nanmax(np.abs(values)) if np.size(values) else 0.0
    if not largest > 0:
        return 1.0, ""
    exponent = int(np.floor(np.log10(largest)))
    return 10.0**exponent, f"$10^{{{exponent}}}$ "


def spectrum_ceiling(flux: np.ndarray) -> float:
    """Upper limit of an axis on which the continuum can be read and most of the lines seen."""
    continuum = float(np.median(flux))
    return max(1.8 * continuum, min(1.12 * float(np.max(flux)), 4.0 * continuum))


def f_lambda_of_magnitude(mag: np.ndarray, pivot_wave_aa: np.ndarray) -> np.ndarray:
    """Flux density in erg/s/cm2/Angstrom of AB magnitudes at pivot wavelengths: f_nu c / lambda^2."""
    from sfhsim.constants import AB_ZERO_POINT, C_AA_S

    return 10 ** (-0.4 * (np.asarray(mag, dtype=np.float64) - AB_ZERO_POINT)) * C_AA_S / np.square(pivot_wave_aa)


def bin_steps(edges: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a histogram-like outline."""
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)
