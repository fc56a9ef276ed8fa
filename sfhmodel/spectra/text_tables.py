"""Tables of text: header, separator and metadata are found here, the numbers are read by astropy.

Comments (#, %, !, ;, //) are skipped, or hold the names; a second line may hold the units. Separators are blanks, tabs,
commas, semicolons (with decimal commas), bars. Fortran's exponents (1.5D+03), byte-order marks, ECSV, VOTable, IPAC and
CDS tables are read.
"""

from __future__ import annotations

import io
import re
import warnings

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import size_limits
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.units import parsed_unit, unit_in_name
from sfhmodel.spectra.vocabulary import role_of

_COMMENT = re.compile(r"\s*(#|%|!|;|//)+\s*")
_MISSING = ("", "nan", "--", "null", "none", "inf", "-inf", "+inf", "infinity", "n/a", "na", "...", "true", "false")
_FORTRAN = re.compile(r"(?<=\d|\.)[dDqQ](?=[-+]?\d)")
_PAIR = re.compile(r"^([A-Za-z][\w .-]{0,30}?)\s*[:=]\s*(\S.*)$")
_METADATA_LINES = 200


def table_of(source: SourceFile):
    """The astropy Table of a text file; its comments and ``key = value`` pairs are in the metadata.

    Raises
    ------
    InputError
        Empty, binary, too long, or no table of numbers.
    """
    text = _text(source)
    lines = text.splitlines()
    table = _declared_table(lines, text)
    if table is None:
        table = _plain_table(lines, source)
    source.meta = dict(table.meta)
    return table


def catalogue_of(source: SourceFile):
    """The astropy Table of a text file with a header, whose columns may be words; by astropy's own guesses.

    Raises
    ------
    InputError
        Empty, binary, too long.
    """
    from astropy.table import Table

    text = _text(source)
    lines = text.splitlines()
    table = _declared_table(lines, text)
    if table is None:
        name = "ascii.csv" if "," in lines[0] else "ascii"
        table = Table.read(lines, format=name)
    return table


def _text(source: SourceFile) -> str:
    with source.open() as file:
        content = file.read(size_limits.LARGEST_TEXT + 1)
    size_limits.check_text(content, str(source.path))
    text = _decoded(content)
    if not text.strip():
        raise InputError(f"{source.path} is empty")
    return text


def _decoded(content: bytes) -> str:
    """Text in UTF-8 or UTF-16, with or without a byte-order mark, else Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _declared_table(lines: list[str], text: str):
    """Of formats that say what they are; None of others."""
    from astropy.table import Table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy's remarks on spellings of units
        if lines[0].startswith("# %ECSV"):
            return Table.read(lines, format="ascii.ecsv")
        if "<VOTABLE" in text[:2000]:
            return Table.read(io.BytesIO(text.encode()), format="votable")
        if lines[0].startswith("\\") or (lines[0].startswith("|") and lines[0].rstrip().endswith("|")):
            return Table.read(lines, format="ascii.ipac")
        if any(line.startswith("Byte-by-byte") for line in lines[:200]):
            return Table.read(lines, format="ascii.cds")
    return None


def _plain_table(lines: list[str], source: SourceFile):
    from astropy.io import ascii as astropy_ascii

    comments, above, rows, separator = _parts(lines, 2)
    if not rows:  # words before the numbers, e.g. a name in each row
        comments, above, rows, separator = _parts(lines, None)
    if not rows:
        raise InputError(f"{source.path} is no table of numbers that can be read as ECSV, CSV or ASCII")
    width = len(_words(rows[0], separator))
    if width < 2:
        raise InputError(f"{source.path} holds one column, and needs wavelengths and fluxes")
    rows = [_FORTRAN.sub("E", row) for row in rows]
    if separator == ";" and any("," in row for row in rows[:20]):
        rows = [row.replace(",", ".") for row in rows]
    rows = [row.rstrip().rstrip(separator or "") if row.rstrip().endswith(separator or "\0") else row for row in rows]
    try:
        table = astropy_ascii.read(
            [row.strip() if separator is None else row for row in rows],
            format="no_header",
            guess=False,
            delimiter=separator or r"\s",
            fill_values=[(word, "nan") for word in ("", "--", "null", "NULL", "N/A", "None", "...")],
        )
    except Exception as error:  # ragged rows and more, each with a class of its own
        raise InputError(f"{source.path} is no table of numbers: {str(error).splitlines()[0]}") from error
    names, units = _names(above, width, separator)
    if len(table.colnames) != width:
        raise InputError(
            f"{source.path} is no table of numbers: {len(table.colnames)} columns where its first row has {width}"
        )
    table.rename_columns(table.colnames, _unique(names))
    for name, unit in zip(table.colnames, units, strict=True):
        table[name] = _typed(table[name])
        if unit:
            table[name].unit = None
            table.meta.setdefault("units", {})[name] = unit
    table.meta["comments"] = comments
    table.meta |= _pairs(comments)
    return table


def _parts(lines: list[str], n_first: int | None) -> tuple[list[str], list[str], list[str], str | None]:
    """Comments, the lines above the first row (bare), the rows, and their separator (None: blanks).

    The first row is that whose ``n_first`` first words are numbers, or with two numbers anywhere where None.
    """
    comments: list[str] = []
    above: list[str] = []
    rows: list[str] = []
    separator: str | None = None
    for line in lines:
        if not line.strip():
            continue
        if mark := _COMMENT.match(line):
            if not rows:
                bare = line[mark.end() :].strip()
                comments.append(bare)
                above.append(bare)
            continue
        if not rows:
            found = _separator_of_numbers(line, n_first)
            if found is _NO_ROW:
                above.append(line.strip())
                continue
            separator = found
        rows.append(re.split(r"\s[#!]", line, maxsplit=1)[0] if " #" in line or " !" in line else line)
    return comments[:_METADATA_LINES], above[-20:], rows, separator


_NO_ROW = object()


def _separator_of_numbers(line: str, n_first: int | None):
    """The separator with which a line is a row of at least two words, the first of them numbers; else `_NO_ROW`."""
    for separator in ("\t", ";", ",", "|", None):
        if separator is not None and separator not in line:
            continue
        words = _words(line, separator)
        comma = separator == ";"
        n_number = sum(_is_number(word, comma) for word in words)
        first = all(_is_number(word, comma) or word.strip().lower() in _MISSING for word in words[: n_first or 0])
        if len(words) >= 2 and first and n_number >= (1 if n_first else 2):
            return separator
    return _NO_ROW if len(line.split()) != 1 or not _is_number(line) else None


def _words(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    words = [word.strip() for word in line.split(separator)]
    return words[:-1] if words and not words[-1] else words


def _is_number(word: str, decimal_comma: bool = True) -> bool:
    word = _FORTRAN.sub("E", word.strip().strip('"'))
    if decimal_comma and word.count(",") == 1:
        word = word.replace(",", ".")
    try:
        float(word)
    except ValueError:
        return False
    return True


def _names(above: list[str], width: int, separator: str | None) -> tuple[list[str], list[str]]:
    """Names and units of the columns, of the lines above the rows; col1 ... where there are none."""
    found = (_name_words(line, width, separator) for line in above)
    rows = [words for words in found if words is not None]
    scores = [sum(role_of(unit_in_name(word)[0]) is not None for word in words) for words in rows]
    if not rows or (max(scores) == 0 and len(rows) > 1):
        return [f"col{k + 1}" for k in range(width)], [""] * width
    chosen = max(range(len(rows)), key=lambda k: (scores[k], k))
    names, units = rows[chosen], [""] * width
    if chosen + 1 < len(rows):
        below = [word.strip("[]() ") for word in rows[chosen + 1]]
        if sum(parsed_unit(word) is not None for word in below if word) >= min(2, width):
            units = below
    return names, units


def _name_words(line: str, width: int, separator: str | None) -> list[str] | None:
    """The words of a line of names, as many as there are columns; units in brackets belong to their name."""
    candidates = [re.findall(r"[^\s(\[,;|]+(?:\s*[(\[][^)\]]*[)\]])?", line)]
    candidates += [_words(line, mark) for mark in (separator, ",", ";", "\t", "|", None)]
    for words in candidates:
        words = [word.strip().strip("\"'") for word in words]
        if len(words) == width and not any(_is_number(word) for word in words if word):
            return words
    return None


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for k, name in enumerate(names):
        name = name or f"col{k + 1}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _typed(column):
    """True and False as booleans, words for infinity and the like as numbers; other words stay."""
    if column.dtype.kind not in "US":
        return column
    words = [str(word).strip().lower() for word in np.ma.filled(column, "nan")]
    if set(words) <= {"true", "false", "t", "f"}:
        return type(column)([word in ("true", "t") for word in words])
    try:
        return type(column)([float(word) if word not in _MISSING[-2:] else float(word == "true") for word in words])
    except ValueError:
        return column


def _pairs(comments: list[str]) -> dict[str, str]:
    """``key = value`` and ``key: value`` of the comments."""
    found = (_PAIR.match(comment) for comment in comments)
    return {pair[1].strip().lower(): pair[2].strip() for pair in found if pair}
