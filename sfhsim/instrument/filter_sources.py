"""Where a filter curve comes from: the curves that sfhsim ships, a file, or a filter package the user has.

load_filter("HST/WFC3_UVIS.F275W")     shipped; or "WFC3_UVIS.F275W"; "F275W" where unambiguous
load_filter("curves/my_filter.dat")    ASCII, ECSV or SVO VOTable, by its suffix
load_filter("pyphot:JWST_NIRCAM_F444W"), load_filter("kcorrect:jwst_f444w")
"""

from __future__ import annotations

import functools
import re
import warnings
from difflib import get_close_matches
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sfhsim.errors import MissingDataError, RecipeError, SfhsimWarning
from sfhsim.instrument.filters import Filter
from sfhsim.instrument.two_column_files import SUFFIXES, check_table, raw_columns

ARCHIVE = "data/filters/filters.npz"
_SHORTEST_COMMON_AA = 2900.0  # shortward of it a curve without a unit may be an infrared one in nm
_TINY = 0.01  # of the peak; negative throughputs this small are noise of the measurement
_STEP = 1e-6  # relative width of a step between two rows of one wavelength


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
    path = path.expanduser()
    wave, throughput = raw_columns(path, "filter")
    words = _words_of_header(path)
    where = f"filter file {path}"
    wave_aa, throughput = check_table(*_mended(_in_angstrom(wave, words, path), throughput, where), where)
    is_votable = SUFFIXES[path.suffix.lower()] == "votable"
    if _counts_energy(path) if is_votable else words.get("detector", "").startswith("energy"):
        throughput = throughput / wave_aa
    name = path.name.removesuffix(path.suffix)
    return Filter(name, wave_aa, throughput, f"file {path.name}")


def _words_of_header(path: Path) -> dict[str, str]:
    """What the comments of a file of text say: 'detector' (energy or photon) and 'unit', as pyphot writes them."""
    lines = [line.strip().lower() for line in path.read_text(errors="replace").splitlines()[:200]]
    found: dict[str, str] = {}
    is_ascii = SUFFIXES[path.suffix.lower()] == "ascii"
    for line in lines:
        if line and (line[0] in "#%!" or line[0].isalpha()):
            if said := re.search(r"^[#%!\s\-{]*detector(?:[ _]?type)?[\s:=]+(\w+)", line):
                found["detector"] = {"0": "energy", "1": "photon"}.get(said[1], said[1])
            for pattern in _UNIT_PATTERNS if is_ascii else ():
                if said := re.search(pattern, line):
                    found.setdefault("unit", said[1])
    if not is_ascii and any(re.search(r"\bunit\s*[:=]", line) for line in lines):
        found["unit"] = "Angstrom"  # the unit of the column was seen to
    return found


_UNIT_PATTERNS = (
    r"(?:\bunits?[\s:=]+|[\[(]\s*)(angstroms?|aa|a|nm|nanometers?|um|microns?|mum)\b",
    r"(?:lambda|wave(?:length)?|wl)[_ ](aa|nm|um|micron)\b",
)
_IN_ANGSTROM = {"nm": 10.0, "nanometer": 10.0, "nanometers": 10.0, "um": 1e4, "micron": 1e4, "microns": 1e4, "mum": 1e4}
_ULTRAVIOLET = re.compile(r"fuv|nuv|(^|[^a-z])uv|galex|uvot|uvit|sbc|stis|fuse|iue|f1\d\d|f2\d\d", re.IGNORECASE)


def _in_angstrom(wave: np.ndarray, words: dict[str, str], path: Path) -> np.ndarray:
    """Wavelengths in Angstrom, by the unit that the file says; without one, by their range.

    Raises
    ------
    RecipeError
        No unit, and numbers that are an ultraviolet filter in Angstrom as well as an infrared one in nm.
    """
    unit = words.get("unit")
    if unit is not None:
        return wave * _IN_ANGSTROM.get(unit, 1.0)
    middle = float(np.median(wave)) if wave.size else 0.0
    if 912.0 <= middle < _SHORTEST_COMMON_AA and not _ULTRAVIOLET.search(path.name):
        raise RecipeError(
            f"filter file {path}: its wavelengths, about {middle:.0f}, are an ultraviolet filter in Angstrom or an "
            "infrared one in nm: say so in its first line, `# unit: Angstrom` or `# unit: nm`"
        )
    return wave


def _mended(wave_aa: np.ndarray, throughput: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Increasing wavelengths and no slightly negative throughput; what was done is said.

    A wavelength that occurs twice is a step, or one row too many; what is out of order otherwise is for `check_table`.
    """
    wave_aa, throughput = np.array(wave_aa, dtype=np.float64), np.array(throughput, dtype=np.float64)
    if wave_aa.ndim != 1 or wave_aa.shape != throughput.shape or wave_aa.size < 2:
        return wave_aa, throughput
    if (np.diff(wave_aa) <= 0.0).all():
        wave_aa, throughput = wave_aa[::-1], throughput[::-1]
    same = np.append(np.diff(wave_aa) == 0.0, False)
    if same.any() and (np.diff(wave_aa) >= 0.0).all():
        needless = same & np.append(np.diff(throughput) == 0.0, False)
        fewer_aa, fewer = wave_aa[~needless], throughput[~needless]
        step = np.flatnonzero(np.diff(fewer_aa) == 0.0)
        if not (np.diff(step) == 1).any():
            fewer_aa[step + 1] *= 1.0 + _STEP
            wave_aa, throughput = fewer_aa, fewer
            what = f"{int(same.sum())} wavelengths that occur twice: steps, or left out where both rows are the same"
            warnings.warn(f"{where}: {what}", SfhsimWarning, stacklevel=4)
    peak = float(np.nanmax(throughput, initial=0.0))
    negative = throughput < 0.0
    if negative.any() and peak > 0.0 and float(-throughput[negative].min()) <= _TINY * peak:
        what = f"{int(negative.sum())} throughputs slightly below 0 (down to {throughput.min():.2g}) set to 0"
        warnings.warn(f"{where}: {what}", SfhsimWarning, stacklevel=4)
        throughput = np.maximum(throughput, 0.0)
    return wave_aa, throughput


def _counts_energy(path: Path) -> bool:
    """SVO's DetectorType parameter: 0 is an energy counter, 1 (the default) a photon counter."""
    from astropy.io.votable import parse_single_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SVO's unit spelling and VOTable version
        params = parse_single_table(path).params
    types = [param.value for param in params if param.name == "DetectorType"]
    return bool(types) and int(types[0]) == 0


def _from_kcorrect(key: str) -> Filter:
    spec = find_spec("kcorrect")  # finds the folder; nothing of the package is imported
    if spec is None or not spec.submodule_search_locations:
        raise _not_installed("kcorrect")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "responses"
    if not (folder / f"{key}.dat").is_file():
        raise _unknown_in("kcorrect", key, [path.stem for path in folder.glob("*.dat")])
    wave_aa, throughput = parse_kcorrect((folder / f"{key}.dat").read_text())
    return Filter(f"kcorrect:{key}", wave_aa, np.maximum(throughput, 0.0), "kcorrect, installed")


def parse_kcorrect(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Wavelength (A) and response of a kcorrect ``.dat`` file: rows ``| lambda | pass | ...``."""
    rows = [line.strip().strip("|").split("|")[:2] for line in text.splitlines() if line.startswith("|")]
    columns = np.array([[float(word) for word in row] for row in rows if not row[0].strip()[0].isalpha()])
    columns = columns[np.argsort(columns[:, 0], kind="stable")]
    columns = columns[np.append(True, np.diff(columns[:, 0]) > 0.0)]
    return columns[:, 0], columns[:, 1]


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
    return MissingDataError(f"{package} is not installed here: pip install {package}")


def _unknown_in(package: str, key: str, known: list[str]) -> RecipeError:
    near = get_close_matches(key, known, n=5, cutoff=0.4)
    return RecipeError(f"{package} has no filter {key!r}; near matches: {', '.join(near) or 'none'}")
