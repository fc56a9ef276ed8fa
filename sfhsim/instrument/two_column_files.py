"""Two-column tables (wavelength, value) from ASCII, ECSV and SVO VOTable files, read and checked."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from sfhsim.errors import MissingDataError, RecipeError

SUFFIXES = {
    ".dat": "ascii",
    ".txt": "ascii",
    ".csv": "ascii",
    ".res": "ascii",
    ".par": "ascii",
    ".ecsv": "ecsv",
    ".xml": "votable",
    ".vot": "votable",
}


def read_two_columns(path: str | Path, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Wavelength in Angstrom and value from the first two columns of a file.

    Parameters
    ----------
    path : str or Path
        ``.dat``, ``.txt``, ``.csv`` (blank- or comma-separated, ``#`` comments), ``.ecsv`` or an SVO VOTable
        (``.xml``, ``.vot``). A wavelength unit declared in an ECSV file or VOTable is converted; without one
        Angstrom is assumed.
    what : str
        What the table is, for messages ("filter", "LSF").

    Returns
    -------
    wave_aa, value : (n,) float64

    Raises
    ------
    MissingDataError
        There is no such file.
    RecipeError
        Unknown suffix, unreadable, fewer than two rows or columns, not finite, or not increasing.
    """
    path = Path(path).expanduser()
    return check_table(*raw_columns(path, what), f"{what} file {path}")


def raw_columns(path: Path, what: str) -> tuple[np.ndarray, np.ndarray]:
    """The first two columns as `read_two_columns` finds them, in Angstrom where the file says a unit, unchecked.

    Raises
    ------
    MissingDataError
        There is no such file.
    RecipeError
        Unknown suffix, unreadable.
    """
    if not path.is_file():
        raise MissingDataError(f"{what} file not found: {path}")
    if path.suffix.lower() not in SUFFIXES:
        raise RecipeError(f"{what} file {path}: suffix {path.suffix!r} is not one of {', '.join(sorted(SUFFIXES))}")
    try:
        return _columns(path)
    except RecipeError:
        raise
    except Exception as error:  # astropy and numpy raise many kinds for a damaged file
        raise RecipeError(f"{what} file {path} cannot be read: {error}") from error


def check_table(wave_aa: np.ndarray, value: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """The two columns as float64, checked: same length >= 2, finite, wavelengths positive and increasing."""
    wave_aa, value = np.array(wave_aa, dtype=np.float64), np.array(value, dtype=np.float64)
    if wave_aa.ndim != 1 or wave_aa.shape != value.shape or wave_aa.size < 2:
        raise RecipeError(
            f"{where}: needs two columns of equal length with at least two rows, "
            f"got shapes {wave_aa.shape} and {value.shape}"
        )
    bad = np.flatnonzero(~(np.isfinite(wave_aa) & np.isfinite(value)))
    if bad.size:
        raise RecipeError(f"{where}: row {bad[0] + 1} is not finite")
    bad = np.flatnonzero(np.diff(wave_aa) <= 0.0)
    if bad.size or wave_aa[0] <= 0.0:
        row = bad[0] + 2 if bad.size else 1
        raise RecipeError(f"{where}: wavelengths must be positive and increase, row {row} does not")
    return wave_aa, value


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    kind = SUFFIXES[path.suffix.lower()]
    if kind == "ascii":
        return _ascii_columns(path)
    from astropy.table import Table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy warns of SVO's unit spelling and VOTable version
        table = Table.read(path, format="ascii.ecsv" if kind == "ecsv" else "votable")
    if len(table.colnames) < 2:
        raise RecipeError(f"{path}: needs two columns, has {len(table.colnames)}")
    wave = table[table.colnames[0]]
    scale = wave.unit.to("Angstrom") if wave.unit is not None else 1.0
    return np.asarray(wave, dtype=np.float64) * scale, np.asarray(table[table.colnames[1]], dtype=np.float64)


def _ascii_columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Numbers separated by blanks, commas or bars; lines that begin with # or with a letter are skipped."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        words = line.replace(",", " ").replace("|", " ").split("#")[0].split()
        if not words or words[0][0].isalpha():
            continue
        if len(words) < 2:
            raise RecipeError(f"{path}: line {number} holds one column, needs two")
        rows.append((float(words[0]), float(words[1])))
    if not rows:
        raise RecipeError(f"{path}: holds no numbers")
    columns = np.array(rows)
    return columns[:, 0], columns[:, 1]
