"""Where a filter curve comes from: the curves that sfhsim ships, a file, or a filter package the user has.

load_filter("HST/WFC3_UVIS.F275W")     shipped; or "WFC3_UVIS.F275W"; "F275W" where unambiguous
load_filter("curves/my_filter.dat")    ASCII, ECSV or SVO VOTable, by its suffix
load_filter("pyphot:JWST_NIRCAM_F444W"), load_filter("kcorrect:jwst_f444w")
"""

from __future__ import annotations

import functools
import warnings
from difflib import get_close_matches
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sfhsim.errors import MissingDataError, RecipeError
from sfhsim.instrument.filters import Filter
from sfhsim.instrument.tables import SUFFIXES, read_two_columns

ARCHIVE = "data/filters/filters.npz"


def load_filter(name: str | Path | Filter) -> Filter:
    """A filter by name or from a file; a Filter is returned as it is. Names ignore case.

    Raises
    ------
    RecipeError
        Unknown or ambiguous name (near matches are listed), or a damaged curve.
    MissingDataError
        No such file, or a filter package that is not installed.
    """
    if isinstance(name, Filter):
        return name
    text = str(name)
    package, _, key = text.partition(":")
    if key and package in ("kcorrect", "pyphot"):
        return _from_kcorrect(key) if package == "kcorrect" else _from_pyphot(key)
    if isinstance(name, Path) or Path(text).suffix.lower() in SUFFIXES:
        return _from_file(Path(text))
    matches = _aliases().get(text.lower(), ())
    if len(matches) == 1:
        return _shipped(matches[0])
    if matches:
        raise RecipeError(f"filter {text!r} is ambiguous: {', '.join(matches)}. Use one of these names")
    near = get_close_matches(text.lower(), _aliases(), n=6, cutoff=0.5)
    found = sorted({match for alias in near for match in _aliases()[alias]})
    hint = f"near matches: {', '.join(found)}" if found else f"known: {', '.join(filter_names())}"
    raise RecipeError(f"unknown filter {text!r}; {hint}. A curve of your own: give the path of its file")


def filter_names() -> tuple[str, ...]:
    """The canonical names of the filters that sfhsim ships."""
    return tuple(_archive()[0])


@functools.cache
def _archive() -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], str]:
    """Wavelengths and throughputs by name, and their source."""
    with (
        resources.files("sfhsim").joinpath(ARCHIVE).open("rb") as stream,
        np.load(stream, allow_pickle=False) as data,
    ):
        offset, wave_aa, throughput = data["offset"], data["wave_aa"], data["throughput"]
        names, source = data["name"].tolist(), str(data["source"])
    places = zip(names, offset[:-1], offset[1:], strict=True)
    return {name: (wave_aa[low:high], throughput[low:high]) for name, low, high in places}, source


@functools.cache
def _shipped(name: str) -> Filter:
    curves, source = _archive()
    return Filter(name, *curves[name], source)


@functools.cache
def _aliases() -> dict[str, tuple[str, ...]]:
    """Lower-case alias -> canonical names: the whole name, without the observatory, and the band alone."""
    aliases: dict[str, tuple[str, ...]] = {}
    for name in filter_names():
        for alias in (name, name.split("/")[1], name.split(".")[-1]):
            aliases[alias.lower()] = (*aliases.get(alias.lower(), ()), name)
    return aliases


def _from_file(path: Path) -> Filter:
    wave_aa, throughput = read_two_columns(path, "filter")
    if SUFFIXES[path.suffix.lower()] == "votable" and _counts_energy(path):
        throughput = throughput / wave_aa
    name = path.name.removesuffix(path.suffix)
    return Filter(name, wave_aa, throughput, f"file {path.name}")


def _counts_energy(path: Path) -> bool:
    """SVO's DetectorType parameter: 0 is an energy counter, 1 (the default) a photon counter."""
    from astropy.io.votable import parse_single_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SVO's unit spelling and VOTable version
        params = parse_single_table(path).params
    types = [param.value for param in params if param.name == "DetectorType"]
    return bool(types) and int(types[0]) == 0


def _from_kcorrect(key: str) -> Filter:
    from sfhsim.instrument.build_filters import parse_kcorrect

    spec = find_spec("kcorrect")  # finds the folder; nothing of the package is imported
    if spec is None:
        raise _not_installed("kcorrect")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "responses"
    if not (folder / f"{key}.dat").is_file():
        raise _unknown_in("kcorrect", key, [path.stem for path in folder.glob("*.dat")])
    wave_aa, throughput = parse_kcorrect((folder / f"{key}.dat").read_text())
    return Filter(f"kcorrect:{key}", wave_aa, np.maximum(throughput, 0.0), "kcorrect, installed")


def _from_pyphot(key: str) -> Filter:
    try:
        library = import_module("pyphot").get_library()
    except ImportError as error:
        raise _not_installed("pyphot") from error
    known = list(library.get_library_content())
    if key not in known:
        raise _unknown_in("pyphot", key, known)
    curve = library[key]
    wave = curve.wavelength
    wave_aa = np.asarray(wave.to("Angstrom").value if hasattr(wave, "to") else wave, dtype=np.float64)
    throughput = np.maximum(np.asarray(curve.transmit, dtype=np.float64), 0.0)
    if str(curve.dtype) == "energy":
        throughput = throughput / wave_aa
    return Filter(f"pyphot:{key}", wave_aa, throughput, "pyphot, installed")


def _not_installed(package: str) -> MissingDataError:
    return MissingDataError(f'{package} is not installed here: pip install "sfhsim[filters]" or {package} itself')


def _unknown_in(package: str, key: str, known: list[str]) -> RecipeError:
    near = get_close_matches(key, known, n=5, cutoff=0.4)
    return RecipeError(f"{package} has no filter {key!r}; near matches: {', '.join(near) or 'none'}")
