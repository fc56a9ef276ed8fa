"""TFRecord framing: length (uint64), masked CRC32C of it, the bytes, masked CRC32C of them; little-endian.

The checksum is Castagnoli's CRC32C rotated right by 15 bits plus 0xa282ead8, as tensorflow/core/lib/hash/crc32c.h
defines it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import crc32c

from sfhsim.errors import DatasetError

FRAME_BYTES = 16  # of framing around each record
_MAX_RECORD_BYTES = 1 << 31


def require_fast_crc() -> None:
    """Fail loudly when the checksum package computes without the processor's CRC32C instruction."""
    if not crc32c.hardware_based:
        raise DatasetError(
            "the crc32c package found no hardware support, which would make records many times slower: reinstall it "
            "from a binary wheel (pip install --force-reinstall crc32c) and unset CRC32C_SW_MODE"
        )


def masked_crc32c(data) -> int:
    """Masked CRC32C of bytes or any contiguous buffer."""
    crc = crc32c.crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: str | Path) -> Iterator[bytes]:
    """The records of a file, every checksum verified.

    Raises
    ------
    DatasetError
        Naming the file, the record and what is wrong with it.
    """
    for number, (message, sound) in enumerate(scan_records(path)):
        if not sound:
            raise DatasetError(f"{Path(path).name}, record {number}: its checksum is wrong: the data are damaged")
        yield message


def scan_records(path: str | Path, see: Callable[[bytes], object] | None = None) -> Iterator[tuple[bytes, bool]]:
    """The records of a file, each with whether its checksum is right; goes on after one that is not.

    Parameters
    ----------
    path : of the file.
    see : called with all the bytes of the file, piece by piece, e.g. to hash them.

    Raises
    ------
    DatasetError
        Where it cannot go on: the file ends too early, or the length of a record is damaged.
    """
    path = Path(path)
    with path.open("rb", buffering=1 << 20) as stream:
        number = 0
        while header := stream.read(12):
            where = f"{path.name}, record {number}"
            if len(header) < 12:
                raise DatasetError(f"{where}: the file ends inside a record header: it is truncated")
            (length,) = struct.unpack("<Q", header[:8])
            if struct.unpack("<I", header[8:])[0] != masked_crc32c(header[:8]) or length > _MAX_RECORD_BYTES:
                raise DatasetError(f"{where}: the checksum of its length is wrong: the file is damaged")
            body = stream.read(length + 4)
            if len(body) < length + 4:
                raise DatasetError(f"{where}: the file ends inside the record: it is truncated")
            if see is not None:
                see(header)
                see(body)
            message = body[:length]
            yield message, struct.unpack("<I", body[length:])[0] == masked_crc32c(message)
            number += 1
