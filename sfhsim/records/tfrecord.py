"""TFRecord framing: length (uint64), masked CRC32C of it, the bytes, masked CRC32C of them; little-endian.

The checksum is Castagnoli's CRC32C rotated right by 15 bits plus 0xa282ead8, as tensorflow/core/lib/hash/crc32c.h
defines it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from sfhsim.errors import DatasetError

FRAME_BYTES = 16  # of framing around each record
_MAX_RECORD_BYTES = 1 << 31


def require_fast_crc() -> None:
    """Fail loudly when the checksum package runs on its slow pure-Python fallback."""
    if google_crc32c.implementation != "c":
        raise DatasetError(
            f"google-crc32c runs as {google_crc32c.implementation!r}, a hundred times too slow for records: "
            "reinstall it from a binary wheel (pip install --force-reinstall google-crc32c)"
        )


def masked_crc32c(data) -> int:
    """Masked CRC32C of bytes or a contiguous uint8 array."""
    crc = google_crc32c.value(bytes(data) if not isinstance(data, bytes) else data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def write_record(stream: BinaryIO, message) -> int:
    """Append one record; returns the bytes written."""
    message = bytes(message)
    length = struct.pack("<Q", len(message))
    stream.write(length + struct.pack("<I", masked_crc32c(length)))
    stream.write(message)
    stream.write(struct.pack("<I", masked_crc32c(message)))
    return len(message) + FRAME_BYTES


def read_records(path: str | Path) -> Iterator[bytes]:
    """The records of a file, every checksum verified.

    Raises
    ------
    DatasetError
        Naming the file, the record and what is wrong with it.
    """
    path = Path(path)
    with path.open("rb") as stream:
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
            if struct.unpack("<I", body[length:])[0] != masked_crc32c(body[:length]):
                raise DatasetError(f"{where}: its checksum is wrong: the data are damaged")
            yield body[:length]
            number += 1
