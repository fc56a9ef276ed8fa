"""Shared look of sfhmodel's pictures: those of sfhsim at the size of a printed page. Nothing uses pyplot."""

from __future__ import annotations

import io

from sfhsim.plots.style import (
    AGE_LABEL,
    BLACK,
    BLUE,
    FLUX_UNIT,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    bin_steps,
    log_lookback,
    new_figure,
    plain_numbers,
)

__all__ = [
    "AGE_LABEL",
    "BLACK",
    "BLUE",
    "FLUX_UNIT",
    "GREEN",
    "GREY",
    "ORANGE",
    "PAGE_WIDTH_IN",
    "PURPLE",
    "RED",
    "SKY",
    "age_edges_gyr",
    "as_png",
    "bin_steps",
    "finish",
    "legend",
    "log_lookback",
    "new_figure",
    "note",
    "plain_numbers",
]

PAGE_WIDTH_IN = 7.1  # between the margins of A4 or letter, and of two journal columns
DPI = 200
TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 8.5, 8.5, 7.5, 7.0


def finish(axes, title: str | None = None, grid: bool = True) -> None:
    """Ticks inwards on all sides, letters of the sizes of the page, a faint grid."""
    axes.tick_params(which="both", direction="in", top=True, right=True, labelsize=TICK_SIZE, pad=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_size(LABEL_SIZE)
        axis.get_offset_text().set_size(TICK_SIZE)
    for spine in axes.spines.values():
        spine.set_linewidth(0.7)
    if title is not None:
        axes.set_title(title, fontsize=TITLE_SIZE, pad=4)
    if grid:
        axes.grid(alpha=0.18, linewidth=0.5)
    axes.set_axisbelow(True)


def legend(where, **options):
    """A small legend without a frame line."""
    options = {"fontsize": NOTE_SIZE, "framealpha": 0.85, "edgecolor": "none", "handlelength": 1.8} | options
    return where.legend(**{"borderaxespad": 0.3, "labelspacing": 0.35} | options)


def note(axes, text: str, x: float = 0.04, y: float = 0.95, **options) -> None:
    """Small text in a corner of a panel, on a pale ground."""
    ground = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
    placed = {"ha": "left" if x < 0.5 else "right", "va": "top" if y > 0.5 else "bottom"}
    axes.text(x, y, text, transform=axes.transAxes, fontsize=NOTE_SIZE, bbox=ground, zorder=8, **placed | options)


def age_edges_gyr(age_bin_edges_yr):
    """Edges of age bins on a logarithmic axis, on which the first cannot begin at zero: it begins at a third."""
    edges = age_bin_edges_yr / 1e9
    edges[0] = max(edges[0], edges[1] / 3)
    return edges


def as_png(figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()
