"""The page of maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.mapping import flags
from sfhmodel.mapping.pictures.map_file import MapFile
from sfhmodel.mapping.pictures.sky import around_median, draw_compass, limits_of, name_map, show_map, zoomed
from sfhmodel.plots.style import (
    BLUE,
    FLUX_UNIT,
    GREEN,
    GREY,
    NOTE_SIZE,
    ORANGE,
    PAGE_WIDTH_IN,
    PURPLE,
    RED,
    SKY,
    new_figure,
)
from sfhmodel.spectra.units import parsed_unit, says_nothing

_COLUMNS = 3


@dataclass(frozen=True)
class _Panel:
    """A map: its extension, how it is called, its colours; ``log`` for what spans decades."""

    name: str
    title: str
    unit: str
    colours: str = "viridis"
    log: bool = False
    least: float = 0.0


# viridis, cividis and magma grow evenly in lightness, and RdBu's ends differ for any colour vision
_PANELS = (
    _Panel("FLUX", "log flux", "", "magma", log=True),
    _Panel("V", "velocity", "km/s", "RdBu_r"),
    _Panel("SIGMA", "dispersion", "km/s", "cividis", least=20.0),
    _Panel("LOG_AGE_LW", "log age, by light", "yr", "viridis", least=0.2),
    _Panel("LOG_AGE_MW", "log age, by mass", "yr", "viridis", least=0.2),
    _Panel("METAL_LW", "[M/H], by light", "dex", "cividis", least=0.2),
    _Panel("A_V", r"$A_V$", "mag", "magma", least=0.2),
    _Panel("LOG_MASS_DENSITY", "log mass formed", r"M$_\odot$ pc$^{-2}$", "viridis", least=0.5),
    _Panel("SFR_DENSITY_100MYR", "log SFR, 100 Myr", r"M$_\odot$ yr$^{-1}$ kpc$^{-2}$", "magma", log=True, least=0.5),
    _Panel("FRAC_100MYR", "log mass fraction < 100 Myr", "", "magma", log=True, least=0.5),
    _Panel("LOG_AGE_LW_ERR", "error of log age, by light", "dex", "cividis", least=0.02),
)
# of the flags, the first that holds is shown
_SHOWN_FLAGS = (
    (flags.NO_RESULT, "no result", RED),
    (flags.MASKED, "masked", GREY),
    (flags.UNLIKE_TRAINING, "unlike training", ORANGE),
    (flags.NOT_REPRODUCED, "not reproduced", SKY),
    (flags.NO_KINEMATICS | flags.SIGMA_OUTSIDE, "kinematics", PURPLE),
    (flags.PARTIAL | flags.LOW_SNR | flags.NO_BANDS, "partial or faint", BLUE),
    (flags.AT_EDGE, "at edge", GREEN),
)
_FINE = "#CFE8DF"


def plot_maps_page(maps: MapFile):
    """The figure."""
    rows, columns = zoomed(maps)
    panels = [panel for panel in _PANELS if panel.name in maps.images]
    n_row = -(-(len(panels) + 1) // _COLUMNS)
    aspect = (rows.stop - rows.start) / (columns.stop - columns.start)
    height = PAGE_WIDTH_IN / _COLUMNS * float(np.clip(0.76 * aspect + 0.1, 0.4, 1.6)) * n_row
    figure = new_figure(PAGE_WIDTH_IN, height + 0.35)
    axes = figure.subplots(n_row, _COLUMNS, squeeze=False).ravel()
    for panel, one in zip(panels, axes, strict=False):
        _draw(one, panel, maps, rows, columns)
    draw_compass(axes[0], maps, (columns.start, rows.start))
    _draw_flags(axes[len(panels)], maps.images["FLAG"][rows, columns])
    for one in axes[len(panels) + 1 :]:
        one.set_axis_off()
    what = maps.cards.get("OBJECT") or maps.cards.get("CUBE", "")
    figure.suptitle(f"{what}   ({maps.cards.get('NBINS', 0)} bins, {maps.cards.get('MODEL', '')})", fontsize=9)
    return figure


def _draw(axes, panel: _Panel, maps: MapFile, rows: slice, columns: slice) -> None:
    image = maps.images[panel.name][rows, columns].astype(np.float64)
    image = np.where(maps.images["BIN_ID"][rows, columns] >= 0, image, np.nan)
    if panel.log:
        with np.errstate(divide="ignore", invalid="ignore"):
            image = np.log10(np.where(image > 0.0, image, np.nan))
    unit = _flux_unit(maps.units.get("FLUX", "")) if panel.name == "FLUX" else panel.unit
    limits = around_median(image) if panel.colours.startswith("RdBu") else limits_of(image, least=panel.least)
    show_map(axes, image, panel.title, unit, colours=panel.colours, limits=limits)


def _flux_unit(words: str) -> str:
    """A unit as papers write it; as it is where it is not a flux density in a power of ten."""
    from astropy import units

    parsed = None if says_nothing(words) else parsed_unit(words)
    density = units.erg / units.s / units.cm**2 / units.AA
    if parsed is None or not parsed.is_equivalent(density):
        return words
    power = float(np.log10(parsed.to(density)))
    if abs(power - round(power)) > 1e-6:
        return words
    return FLUX_UNIT if round(power) == 0 else f"10$^{{{round(power)}}}$ {FLUX_UNIT}"


def _draw_flags(axes, image: np.ndarray) -> None:
    """Which spaxels to take with care."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    classes = np.full(image.shape, np.nan)
    classes[image == 0] = 0.0
    seen = [("nothing to say", _FINE)] if (image == 0).any() else []
    left = (image != 0) & ((image & flags.NO_DATA) == 0)
    for number, (bits, label, colour) in enumerate(_SHOWN_FLAGS, start=1):
        here = left & ((image & bits) != 0)
        if here.any():
            classes[here] = number
            left &= ~here
            seen.append((label, colour))
    colours = ListedColormap([_FINE, *(colour for _, _, colour in _SHOWN_FLAGS)])
    axes.imshow(classes, origin="lower", cmap=colours, vmin=-0.5, vmax=len(_SHOWN_FLAGS) + 0.5, interpolation="nearest")
    name_map(axes, "flags")
    handles = [Patch(color=colour, label=label) for label, colour in seen]
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.01), "ncols": 2, "columnspacing": 1.0}
    small = {"fontsize": NOTE_SIZE - 0.5, "frameon": False, "handlelength": 1.0, "labelspacing": 0.3}
    axes.legend(handles=handles, **place | small)
