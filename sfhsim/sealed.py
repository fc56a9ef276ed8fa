"""JSON files that know their checksum: plans, receipts and manifests of data sets."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.files import write_whole

RESUME = "what was complete before is kept, run the same command again once there is room and permission"


def write_json(path: Path, content: dict) -> None:
    """Write JSON, whole or not at all, keys in the order given; DatasetError when the disk refuses."""
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    write_whole(path, text.encode(), DatasetError, RESUME)


def read_json(path: Path) -> dict:
    """Read JSON written by `write_json`; DatasetError when it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no JSON, no text, a number too long, too deeply nested
        raise DatasetError(f"{path} is damaged: {error}") from error
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing") from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} is damaged: it holds no JSON object")
    return content


def content_sha256(content: dict, seal: str) -> str:
    """sha256 of everything in ``content`` but the key ``seal``: of its JSON, keys sorted, without spaces."""
    rest = {key: value for key, value in content.items() if key != seal}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_sealed(path: Path, content: dict, seal: str) -> None:
    """Write JSON with a last key ``seal`` that holds the `content_sha256` of the rest."""
    write_json(path, {**content, seal: content_sha256(content, seal)})


def read_sealed(path: Path, seal: str, *, keep: bool = False) -> dict:
    """Read JSON written by `write_sealed`, without its seal unless that is to be kept.

    Raises
    ------
    DatasetError
        When the file is missing or damaged, or was changed after it was written.
    """
    content = read_json(path)
    try:
        sound = content.get(seal) == content_sha256(content, seal)
    except RecursionError:
        sound = False
    if not sound:
        raise DatasetError(f"{path} was changed after it was written: its {seal} does not fit its content")
    if not keep:
        del content[seal]
    return content
