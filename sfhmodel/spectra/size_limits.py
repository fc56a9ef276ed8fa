"""How much a file may ask for, so that a small one cannot take all memory or hours: checked before anything is read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
from pathlib import Path

from sfhmodel.errors import InputError

HIGHEST_RATIO = 250  # of the unpacked size to the packed one, beyond which it is no measurement
FREE_BYTES = 32 << 20  # below this size nobody is harmed
LARGEST_UNPACKED = 8 << 30
LARGEST_TEXT = 64 << 20
LONGEST_LINE = 1 << 16
_PIECE = 1 << 20
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


def file_size(path: Path) -> int:
    """Bytes of a plain file.

    Raises
    ------
    InputError
        There is none, or it is a folder, pipe or device.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"cannot read {path}: it is no plain file")
    return found.st_size


def first_bytes(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file; InputError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def unpacked(path: Path) -> bytes | None:
    """The content of a file packed by gzip, bzip2 or xz; None of one that is not packed.

    Raises
    ------
    InputError
        Damaged, or growing to more than a measurement can.
    """
    head, size = first_bytes(path), file_size(path)
    opener = next((opener for magic, opener in _PACKED if head.startswith(magic)), None)
    if opener is None:
        return None
    content = bytearray()
    try:
        with opener(path, "rb") as file:
            while piece := file.read(_PIECE):
                content += piece
                check_growth(size, len(content), str(path))
    except (OSError, EOFError, lzma.LZMAError, ValueError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged and cannot be unpacked: {str(error) or type(error).__name__}") from error
    return bytes(content)


def check_growth(packed: int, grown: int, where: str) -> None:
    """That what is packed does not grow beyond reason; InputError otherwise."""
    if grown > LARGEST_UNPACKED or (grown > FREE_BYTES and grown > HIGHEST_RATIO * max(packed, 1)):
        raise InputError(
            f"{where}: {packed} bytes unpack to more than {grown >> 20} MB, which is no measurement; if it is one, "
            "unpack it first"
        )


def check_text(content: bytes, where: str) -> None:
    """That a text is no larger, and its lines no longer, than tables of spectra are; InputError otherwise."""
    if len(content) > LARGEST_TEXT:
        raise InputError(f"{where}: {len(content) >> 20} MB of text: make it a FITS, npz or HDF5 file")
    start = 0
    while start < len(content):
        end = content.find(b"\n", start, start + LONGEST_LINE + 1)
        if end < 0:
            if len(content) - start > LONGEST_LINE:
                if (end := content.find(b"\r", start, start + LONGEST_LINE + 1)) >= 0:
                    start = end + 1
                    continue
                line = content.count(b"\n", 0, start) + 1
                raise InputError(
                    f"{where}: line {line} has more than {LONGEST_LINE} characters: it is no table of spectra"
                )
            break
        start = end + 1
