"""The code blocks of the documents: Python with the number of its first line, and the lines of shell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """One block of a document."""

    section: str
    line: int
    code: str


def blocks(document: str, language: str) -> list[Block]:
    """The blocks of a document in this language, with the heading that they stand under."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        if match[1] == language:
            headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text[: match.start()]), re.M)
            found.append(Block(headings[-1], text.count("\n", 0, match.start(2)), match[2]))
    return found


def compiled(document: str, block: Block):
    """Code that a traceback shows with the document's own lines."""
    return compile("\n" * block.line + block.code, str(REPOSITORY / document), "exec")
