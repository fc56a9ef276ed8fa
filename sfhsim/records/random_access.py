"""The records of a file in any order.

A frame doesn't tell where the ones after the next are, so the lengths are read once, on opening; then every record can
be read where it is, from any thread.
"""

from __future__ import annotations

import os
import struct
import weakref
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.records.tfrecord import masked_crc32c

_HEADER_BYTES, _CHECKSUM_BYTES = 12, 4


class RecordFile:
    """A shard whose records can be read in any order; a context manager.

    Parameters
    ----------
    path : of the file.

    Raises
    ------
    DatasetError
        When it cannot be read, is truncated, or the length of a record is damaged.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self._file = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise DatasetError(f"cannot read {self.path}: {error.strerror or error}") from error
        self._closing = weakref.finalize(self, os.close, self._file)
        try:
            self._places = self._index()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def read(self, number: int) -> bytes:
        """The record with this number, from 0; DatasetError when its checksum is wrong."""
        start, length = self._places[number]
        body = self._bytes(start, length + _CHECKSUM_BYTES)
        message = body[:length]
        if len(body) < length + _CHECKSUM_BYTES or struct.unpack("<I", body[length:])[0] != masked_crc32c(message):
            raise DatasetError(f"{self.path.name}, record {number}: its checksum is wrong: the data are damaged")
        return message

    def close(self) -> None:
        """Close the file."""
        self._closing()

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _index(self) -> list[tuple[int, int]]:
        """Where each record starts, and of how many bytes it is."""
        size = os.fstat(self._file).st_size
        places: list[tuple[int, int]] = []
        position = 0
        while position < size:
            where = f"{self.path.name}, record {len(places)}"
            header = self._bytes(position, _HEADER_BYTES)
            if len(header) < _HEADER_BYTES:
                raise DatasetError(f"{where}: the file ends inside a record header: it is truncated")
            length, checksum = struct.unpack("<QI", header)
            if checksum != masked_crc32c(header[:8]):
                raise DatasetError(f"{where}: the checksum of its length is wrong: the file is damaged")
            position += _HEADER_BYTES
            if position + length + _CHECKSUM_BYTES > size:
                raise DatasetError(f"{where}: the file ends inside the record: it is truncated")
            places.append((position, length))
            position += length + _CHECKSUM_BYTES
        return places

    def _bytes(self, start: int, size: int) -> bytes:
        try:
            return os.pread(self._file, size, start)
        except OSError as error:
            raise DatasetError(f"cannot read {self.path}: {error.strerror or error}") from error
