"""A map as a picture on the sky: pixels as they are, where north and east are, how long an arc is."""

from __future__ import annotations

import numpy as np

from sfhmodel.mapping.pictures.map_file import MapFile
from sfhmodel.plots.style import BLACK, NOTE_SIZE, TICK_SIZE

_NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_GROUND = "#EDEDED"  # of spaxels without an answer


def show_map(axes, image: np.ndarray, title: str, unit: str, *, colours: str, limits: tuple[float, float], label=None):
    """An image with its colour bar; returns what was drawn."""
    axes.set_facecolor(_GROUND)
    drawn = axes.imshow(image, origin="lower", cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    beyond = np.nanmin(image, initial=np.inf) < limits[0], np.nanmax(image, initial=-np.inf) > limits[1]
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)), extend=extend, extendfrac=0.03)
    bar.ax.tick_params(labelsize=TICK_SIZE - 1, direction="in", length=2, pad=2)
    bar.outline.set_linewidth(0.5)
    bar.ax.yaxis.get_offset_text().set_size(TICK_SIZE - 1)
    name_map(axes, f"{title} [{unit}]" if unit else title)
    return drawn


def name_map(axes, title: str) -> None:
    """A title, and no numbers of pixels."""
    axes.set_title(title, fontsize=TICK_SIZE, pad=3)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


def zoomed(maps: MapFile) -> tuple[slice, slice]:
    """Rows and columns of the spaxels in bins, and a little around them."""
    inside = maps.images["BIN_ID"] >= 0
    out = []
    for axis in (1, 0):
        places = np.flatnonzero(inside.any(axis=axis))
        margin = max(1, int(0.03 * (places[-1] - places[0] + 1)))
        out.append(slice(max(places[0] - margin, 0), places[-1] + 1 + margin))
    return out[0], out[1]


def limits_of(image: np.ndarray, low: float = 2.0, high: float = 98.0, least: float = 0.0) -> tuple[float, float]:
    """Percentiles of what is finite, at least ``least`` apart."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 1.0
    bottom, top = (float(x) for x in np.percentile(finite, [low, high]))
    missing = max(least - (top - bottom), 1e-6 * max(abs(top), 1e-30))
    return bottom - 0.5 * missing, top + 0.5 * missing


def around_median(image: np.ndarray) -> tuple[float, float]:
    """Limits as far to either side of the median, so that the middle of a diverging scale means something."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return -1.0, 1.0
    middle = float(np.median(finite))
    reach = max(float(np.percentile(np.abs(finite - middle), 98.0)), 1.0)
    return middle - reach, middle + reach


def draw_compass(axes, maps: MapFile, offset: tuple[int, int]) -> None:
    """Arrows to the north and the east, and a bar of a round number of arcsec.

    ``offset`` is the place of the picture's first pixel, (x, y).
    """
    from matplotlib.patheffects import withStroke

    outlined = [withStroke(linewidth=1.8, foreground="white")]
    low_x, high_x = axes.get_xlim()
    low_y, high_y = axes.get_ylim()
    size = min(high_x - low_x, high_y - low_y)
    if maps.wcs is not None:
        x, y = low_x + 0.83 * (high_x - low_x), low_y + 0.74 * (high_y - low_y)
        for letter, (dx, dy) in zip("NE", _directions(maps, x + offset[0], y + offset[1]), strict=True):
            tip = x + 0.14 * size * dx, y + 0.14 * size * dy
            arrow = {"arrowstyle": "-|>", "lw": 0.8, "color": BLACK, "path_effects": outlined}
            axes.annotate("", tip, (x, y), arrowprops=arrow)
            where = x + 0.21 * size * dx, y + 0.21 * size * dy
            axes.text(*where, letter, fontsize=NOTE_SIZE, ha="center", va="center", path_effects=outlined)
    if maps.pixel_arcsec is not None:
        wanted = 0.25 * (high_x - low_x) * maps.pixel_arcsec
        length = min(_NICE, key=lambda nice: abs(np.log(nice / wanted)))
        x, y = low_x + 0.06 * (high_x - low_x), low_y + 0.06 * (high_y - low_y)
        axes.plot([x, x + length / maps.pixel_arcsec], [y, y], color=BLACK, lw=1.2, path_effects=outlined)
        label = f"{length:g}″"
        axes.text(x, y + 0.03 * (high_y - low_y), label, fontsize=NOTE_SIZE, va="bottom", path_effects=outlined)


def _directions(maps: MapFile, x: float, y: float) -> list[tuple[float, float]]:
    """Unit vectors, in pixels, to the north and the east."""
    ra, dec = maps.wcs.wcs_pix2world(x, y, 0)
    step = (maps.pixel_arcsec or 1.0) / 3600.0
    out = []
    for there in ((ra, dec + step), (ra + step / np.cos(np.radians(dec)), dec)):
        px, py = maps.wcs.wcs_world2pix(*there, 0)
        length = float(np.hypot(px - x, py - y))
        out.append((float(px - x) / length, float(py - y) / length))
    return out


def distances(maps: MapFile) -> tuple[np.ndarray, str]:
    """(n_bin,) of bins from the centre, in arcsec where their size is known, else in spaxels; and what they are.

    On the sky, or in the plane of a thin disc whose inclination and position angle the maps were made with:

        r^2 = a^2 + (b / cos i)^2,   a, b = along the major and the minor axis
    """
    x, y = maps.centre
    dx, dy = maps.bins["X"] - x, maps.bins["Y"] - y
    scale, options = maps.pixel_arcsec or 1.0, maps.provenance.get("options", {})
    if maps.wcs is None or options.get("inclination_deg") is None:
        return scale * np.hypot(dx, dy), "distance"
    inclination, angle = (np.radians(options[name]) for name in ("inclination_deg", "position_angle_deg"))
    north, east = (dx * ux + dy * uy for ux, uy in _directions(maps, x, y))
    major, minor = north * np.cos(angle) + east * np.sin(angle), east * np.cos(angle) - north * np.sin(angle)
    return scale * np.hypot(major, minor / np.cos(inclination)), "distance in the disc"
