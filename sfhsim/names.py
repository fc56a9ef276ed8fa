"""Names that become names of files: of libraries, recipes, splits. One rule, so that none leads out of its folder."""

from __future__ import annotations

import re

LONGEST = 100  # characters: with endings and marks, a file name has at most 255 bytes
NAME_PATTERN = rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST - 1}}}$"
NAME_RULE = f"at most {LONGEST} letters, digits, '.', '-' and '_', beginning with a letter or digit (no '/', no spaces)"


def check_name(name: str, what: str, kind: type[Exception]) -> str:
    """The name; raises ``kind`` when it could not be the name of a file in its own folder."""
    if not (isinstance(name, str) and re.fullmatch(NAME_PATTERN[1:-1], name)):
        shown = name if isinstance(name, str) and len(name) <= LONGEST else f"{str(name)[:20]}..."
        raise kind(f"{what} {shown!r} cannot be used: give {NAME_RULE}")
    return name


def name_from(text: str, otherwise: str) -> str:
    """A name made of any text, e.g. a file's: other characters become dashes."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._")[:LONGEST]
    return name or otherwise
