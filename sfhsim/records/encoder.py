"""From the arrays of a batch to the bytes of its records: tf.train.Example messages in TFRecord frames.

Wire format (protobuf): Example{features(1): Features{feature(1): map<string(1), Feature(2)>}}, where a Feature is
bytes_list(1){value(1)} or int64_list(3){value(1), packed}. All records of a data set have features of the same
lengths, so a record is one template of bytes for each length of the id's varint, with holes that the arrays fill; the
holes are filled by compiled code (`_encoder.pyx`).

Specification: https://protobuf.dev/programming-guides/encoding and tensorflow/core/example/example.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records import _encoder
from sfhsim.records.schema import SAMPLE_ID
from sfhsim.records.tfrecord import FRAME_BYTES, masked_crc32c, require_fast_crc

_MAX_ID_BYTES = 10  # of the varint of a 64-bit integer
_HEADER_BYTES, _CHECKSUM_BYTES = 12, 4  # of the frame, before and after the message


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _map_entry(name: str, feature: bytes) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, feature))


class RecordEncoder:
    """Encodes batches as framed records, ready to be written to a file.

    Parameters
    ----------
    lengths
        Number of float32 values of each array feature, by name.

    Raises
    ------
    DatasetError
        When the checksum package has no hardware support here, or there are more features than it can take.
    """

    def __init__(self, lengths: Mapping[str, int]):
        require_fast_crc()
        self.lengths = dict(sorted(lengths.items()))
        self._names = sorted([*self.lengths, SAMPLE_ID])
        if len(self._names) > _encoder.max_holes:
            raise DatasetError(f"a record holds at most {_encoder.max_holes} features, not {len(self._names)}")
        framed = [self._template(width) for width in range(_MAX_ID_BYTES + 1)]
        self._templates = [template for template, _ in framed]
        self._hole_starts = np.array([starts for _, starts in framed], dtype=np.intp)
        self._hole_bytes = np.array([4 * self.lengths.get(name, 0) for name in self._names], dtype=np.intp)

        self._id_places = dict(self._id_place(width) for width in range(1, _MAX_ID_BYTES + 1))

    @property
    def record_bytes(self) -> int:
        """Size of the longest record, its frame included."""
        return len(self._templates[-1])

    def buffer(self, n: int) -> bytearray:
        """A buffer that `encode_into` can fill with ``n`` records."""
        return bytearray(n * self.record_bytes)

    def encode_into(self, buffer: bytearray, sample_id: np.ndarray, arrays: Mapping[str, np.ndarray]) -> memoryview:
        """Write the framed records of a batch to the buffer; returns the part of it that they fill.

        Parameters
        ----------
        buffer : from `buffer`, for as many records or more.
        sample_id : (n,) non-negative integers.
        arrays : each (n, length) float32-convertible, one for each feature.

        Raises
        ------
        DatasetError
            When an array is missing or has another shape, an id is negative, or the buffer is too small.
        """
        if np.size(sample_id) and np.min(sample_id) < 0:
            raise DatasetError(f"sample ids must not be negative, one is {np.min(sample_id)}")
        ids = np.ascontiguousarray(sample_id, dtype=np.uint64)
        if len(buffer) < ids.size * self.record_bytes:
            raise DatasetError(f"a buffer of {len(buffer)} bytes is too small for {ids.size} records")
        columns = [None if name == SAMPLE_ID else self._bytes_of(arrays, name, ids.size) for name in self._names]
        size = _encoder.fill_records(
            ids,
            self._templates,
            self._hole_starts,
            self._hole_bytes,
            self._names.index(SAMPLE_ID),
            columns,
            buffer,
        )
        return memoryview(buffer)[:size]

    def encode(self, sample_id: np.ndarray, arrays: Mapping[str, np.ndarray]) -> memoryview:
        """The framed records of a batch, in a buffer of their own; see `encode_into`."""
        return self.encode_into(self.buffer(len(sample_id)), sample_id, arrays)

    def sample_id(self, message: bytes) -> int:
        """The sample id of an unframed record of this encoder.

        Raises
        ------
        DatasetError
            When it is not one.
        """
        if len(message) not in self._id_places:
            raise DatasetError(f"a record of {len(message)} bytes: not of this data set")
        start, stop, width, ahead = self._id_places[len(message)]
        if message[start:stop] != ahead:
            raise DatasetError(f"a record without {SAMPLE_ID} in its place: not of this data set")
        return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(message[stop : stop + width]))

    def decode(self, messages: Sequence[bytes]) -> dict[str, np.ndarray]:
        """The features of many unframed records of this encoder: each (n, length) float32, without the id.

        Raises
        ------
        DatasetError
            When one of them is not one; `decode_example` reads any record, one at a time.
        """
        arrays = {name: np.empty((len(messages), length), "<f4") for name, length in self.lengths.items()}
        sizes = np.fromiter(map(len, messages), np.intp, len(messages))
        for size in np.unique(sizes):
            if size not in self._id_places:
                raise DatasetError(f"a record of {size} bytes: not of this data set")
            rows = np.flatnonzero(sizes == size)
            block = np.frombuffer(b"".join(messages[row] for row in rows), np.uint8).reshape(rows.size, size)
            self._fill_from(block, self._id_places[size][2], rows, arrays)
        return arrays

    def _fill_from(self, block: np.ndarray, id_bytes: int, rows: np.ndarray, arrays: dict[str, np.ndarray]) -> None:
        """Copy the holes of unframed records (n, size) uint8 of one size to these rows of the arrays."""
        template = np.frombuffer(self._templates[id_bytes], np.uint8)[_HEADER_BYTES:-_CHECKSUM_BYTES]
        fixed = np.ones(template.size, dtype=bool)
        for name, start, size in zip(self._names, self._hole_starts[id_bytes], self._hole_bytes, strict=True):
            hole = slice(start - _HEADER_BYTES, start - _HEADER_BYTES + (id_bytes if name == SAMPLE_ID else size))
            fixed[hole] = False
            if name != SAMPLE_ID:
                arrays[name][rows] = np.ascontiguousarray(block[:, hole]).view("<f4")
        if np.any(block[:, fixed] != template[fixed]):
            raise DatasetError("a record with other features, or in another order: not of this data set")

    def _bytes_of(self, arrays: Mapping[str, np.ndarray], name: str, n: int) -> np.ndarray:
        """(n, 4 length) uint8, the little-endian float32 values of a feature."""
        if name not in arrays or np.shape(arrays[name]) != (n, self.lengths[name]):
            there = f"has shape {np.shape(arrays[name])}" if name in arrays else "is missing"
            raise DatasetError(f"feature {name!r} {there}: the records need {(n, self.lengths[name])}")
        return np.ascontiguousarray(arrays[name], dtype="<f4").view(np.uint8)

    def _id_place(self, width: int) -> tuple[int, tuple]:
        """By the size of a message: where the fixed bytes before the id start and stop, its bytes, the fixed bytes."""
        template, k = self._templates[width], self._names.index(SAMPLE_ID)
        start = self._hole_starts[width, k - 1] + self._hole_bytes[k - 1] if k else _HEADER_BYTES
        stop = self._hole_starts[width, k]
        place = int(start) - _HEADER_BYTES, int(stop) - _HEADER_BYTES, width, template[start:stop]
        return len(template) - FRAME_BYTES, place

    def _template(self, id_bytes: int) -> tuple[bytes, list[int]]:
        """A framed record with empty holes, and where the holes start."""
        features, starts = b"", []
        for name in self._names:
            size = id_bytes if name == SAMPLE_ID else 4 * self.lengths[name]
            features += _map_entry(name, _field(3 if name == SAMPLE_ID else 1, _field(1, bytes(size))))
            starts.append(len(features) - size)
        message = _field(1, features)
        length = struct.pack("<Q", len(message))
        head = length + struct.pack("<I", masked_crc32c(length))
        shift = len(head) + len(message) - len(features)
        return head + message + bytes(4), [start + shift for start in starts]
