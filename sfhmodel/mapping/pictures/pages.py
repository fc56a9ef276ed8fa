"""The pages of a file of maps: PNG files, a PDF of all of them, and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import io
from importlib.resources import files
from pathlib import Path

from sfhmodel.errors import ConfigError, SfhmodelError
from sfhmodel.files import written_whole
from sfhmodel.mapping.flags import MEANINGS
from sfhmodel.mapping.pictures.bins_page import plot_bins_page
from sfhmodel.mapping.pictures.check_page import plot_check_page
from sfhmodel.mapping.pictures.map_file import MapFile, read_maps
from sfhmodel.mapping.pictures.maps_page import plot_maps_page
from sfhmodel.mapping.pictures.profiles_page import plot_profiles_page
from sfhmodel.plots.style import as_png
from sfhsim.files import named_errors

PAGE, PAPER = "maps.html", "maps.pdf"
_PICTURES = (
    (
        "maps",
        "Maps of the bins; grey spaxels are in no bin. Colours span the 2nd to the 98th percentile.",
        plot_maps_page,
    ),
    (
        "profiles",
        "Distances from the brightest part, on the sky or in the disc; bars: the model's median error of a bin.",
        plot_profiles_page,
    ),
    (
        "bins",
        "Spectra at rest (grey: one sigma; orange: no data), mass formed and Z over lookback time.",
        plot_bins_page,
    ),
)
_CHECK = (
    "check",
    "How well the predicted histories make the spectra again; of some bins, spectra (red: made again) and residuals.",
    plot_check_page,
)


def plot_maps(path: str | Path, folder: str | Path) -> list[Path]:
    """Draw ``maps.png``, ``profiles.png``, ``bins.png``, ``maps.pdf`` and ``maps.html`` of a file of maps.

    And ``check.png`` where the maps were checked. The PDF holds all pages, lines and letters as such.

    Parameters
    ----------
    path : FITS, of `map_cube`.
    folder : made where needed; files of these names are replaced.

    Returns
    -------
    Paths written.

    Raises
    ------
    InputError
        It is no file of maps.
    ConfigError
        The folder cannot be written.
    """
    maps, folder = read_maps(Path(path)), Path(folder)
    with named_errors(folder, ConfigError, SfhmodelError):
        folder.mkdir(parents=True, exist_ok=True)
    pictures = _PICTURES if maps.checked is None else (*_PICTURES, _CHECK)
    figures = {name: draw(maps) for name, _, draw in pictures}
    made = {name: as_png(figure) for name, figure in figures.items()}
    captions = {name: text for name, text, _ in pictures}
    files_of = {f"{name}.png": png for name, png in made.items()}
    files_of[PAPER] = _as_pdf(list(figures.values()))
    files_of[PAGE] = _page(maps, made, captions).encode()
    for name, content in files_of.items():
        with written_whole(folder / name) as partial:
            partial.write_bytes(content)
    return [folder / name for name in files_of]


def _as_pdf(figures: list) -> bytes:
    """A page a figure; the same bytes at any time of the day."""
    from matplotlib.backends.backend_pdf import PdfPages

    content = io.BytesIO()
    with PdfPages(content, metadata={"CreationDate": None}) as pages:
        for figure in figures:
            pages.savefig(figure)
    return content.getvalue()


def _page(maps: MapFile, made: dict[str, bytes], captions: dict[str, str]) -> str:
    from jinja2 import Environment, StrictUndefined

    source = files("sfhmodel.mapping.pictures").joinpath("page.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    flag = maps.bins["FLAG"]
    return template.from_string(source).render(
        title=maps.cards.get("OBJECT") or maps.cards.get("CUBE", ""),
        cards=[(key, maps.cards[key]) for key in ("CUBE", "MODEL", "REDSHIFT", "BINS", "NBINS", "PIXSCALE", "CREATOR")],
        pictures=[(name, captions[name], base64.b64encode(png).decode()) for name, png in made.items()],
        flags=[(bit, text, int(((flag & bit) != 0).sum())) for bit, text in MEANINGS.items()],
        notes=maps.provenance.get("notes", []),
    )
