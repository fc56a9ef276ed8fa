"""The pages of a file of maps: PNG files, and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path

from sfhmodel.errors import ConfigError, SfhmodelError
from sfhmodel.files import written_whole
from sfhmodel.mapping.flags import MEANINGS
from sfhmodel.mapping.pictures.bins_page import plot_bins_page
from sfhmodel.mapping.pictures.map_file import MapFile, read_maps
from sfhmodel.mapping.pictures.maps_page import plot_maps_page
from sfhmodel.mapping.pictures.profiles_page import plot_profiles_page
from sfhmodel.plots.style import as_png
from sfhsim.files import named_errors

PAGE = "maps.html"
_PICTURES = (
    (
        "maps",
        "Maps of the bins; grey spaxels are in no bin. Colours span the 2nd to the 98th percentile.",
        plot_maps_page,
    ),
    (
        "profiles",
        "Distances from the brightest part, on the sky. Bars are the median error that the model gives a bin.",
        plot_profiles_page,
    ),
    (
        "bins",
        "Spectra at rest (grey: one sigma; orange: no data), mass formed and Z over lookback time.",
        plot_bins_page,
    ),
)


def plot_maps(path: str | Path, folder: str | Path) -> list[Path]:
    """Draw ``maps.png``, ``profiles.png``, ``bins.png`` and ``maps.html`` of a file of maps.

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
    made = {name: as_png(draw(maps)) for name, _, draw in _PICTURES}
    written = []
    for name, png in made.items():
        with written_whole(folder / f"{name}.png") as partial:
            partial.write_bytes(png)
        written.append(folder / f"{name}.png")
    with written_whole(folder / PAGE) as partial:
        partial.write_text(_page(maps, made), encoding="utf-8")
    return [*written, folder / PAGE]


def _page(maps: MapFile, made: dict[str, bytes]) -> str:
    from jinja2 import Environment, StrictUndefined

    source = files("sfhmodel.mapping.pictures").joinpath("page.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    flag = maps.bins["FLAG"]
    return template.from_string(source).render(
        title=maps.cards.get("OBJECT") or maps.cards.get("CUBE", ""),
        cards=[(key, maps.cards[key]) for key in ("CUBE", "MODEL", "REDSHIFT", "BINS", "NBINS", "PIXSCALE", "CREATOR")],
        pictures=[(name, text, base64.b64encode(made[name]).decode()) for name, text, _ in _PICTURES],
        flags=[(bit, text, int(((flag & bit) != 0).sum())) for bit, text in MEANINGS.items()],
        notes=maps.provenance.get("notes", []),
    )
