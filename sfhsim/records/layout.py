"""The bytes of a record but for its values: tf.train.Example in its TFRecord frame, with holes.

Wire format (protobuf): Example{features(1): Features{feature(1): map<string(1), Feature(2)>}}, where a Feature is
bytes_list(1){value(1)} or int64_list(3){value(1), packed}. A record's bytes between the values follow from their
sizes, and so do those of all records of a data set with an id of as many bytes.

Specification: https://protobuf.dev/programming-guides/encoding and tensorflow/core/example/example.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sfhsim.records.schema import SAMPLE_ID
from sfhsim.records.tfrecord import masked_crc32c

HEADER_BYTES, CHECKSUM_BYTES = 12, 4  # of the frame, before and after the message


def varint(value: int) -> bytes:
    """A number in groups of seven bits, the least significant first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def _map_entry(name: str, feature: bytes) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, feature))


@dataclass(frozen=True)
class Template:
    """A framed record with empty holes.

    Attributes
    ----------
    frame : its bytes.
    holes : where the values of each feature start and stop in it, by name, in order.
    kind : of the record; see `RecordEncoder`.
    """

    frame: bytes
    holes: dict[str, slice]
    kind: int

    @classmethod
    def of(cls, sizes: Mapping[str, int], kind: int = 0) -> Template:
        """For features with values of these bytes; the entry of the id is that of its varint."""
        features, starts = b"", {}
        for name, size in sorted(sizes.items()):
            features += _map_entry(name, _field(3 if name == SAMPLE_ID else 1, _field(1, bytes(size))))
            starts[name] = len(features) - size
        message = _field(1, features)
        length = struct.pack("<Q", len(message))
        head = length + struct.pack("<I", masked_crc32c(length))
        shift = len(head) + len(message) - len(features)
        holes = {name: slice(start + shift, start + shift + sizes[name]) for name, start in starts.items()}
        return cls(head + message + bytes(CHECKSUM_BYTES), holes, kind)

    @property
    def message_bytes(self) -> int:
        """Size of the message, without its frame."""
        return len(self.frame) - HEADER_BYTES - CHECKSUM_BYTES

    def in_message(self, name: str) -> slice:
        """Where the values of a feature are in the message."""
        hole = self.holes[name]
        return slice(hole.start - HEADER_BYTES, hole.stop - HEADER_BYTES)

    def sample_id(self, message: bytes) -> int | None:
        """The id in a message of this size, or None when there is none in its place."""
        ahead, hole, expected = self._id_place
        if message[ahead] != expected:
            return None
        value = 0
        for byte in reversed(message[hole]):
            value = value << 7 | byte & 0x7F
        return value

    def matches(self, messages: np.ndarray) -> np.ndarray:
        """(n,) bool, which messages (n, message_bytes) uint8 are this template's, whatever is in the holes."""
        places, values = self._fixed
        return (messages[:, places] == values).all(axis=1)

    @cached_property
    def _id_place(self) -> tuple[slice, slice, bytes]:
        """Where the fixed bytes before the id are in a message, where the id is, and the fixed bytes."""
        hole, names = self.in_message(SAMPLE_ID), list(self.holes)
        k = names.index(SAMPLE_ID)
        ahead = slice(self.in_message(names[k - 1]).stop if k else 0, hole.start)
        return ahead, hole, self.frame[HEADER_BYTES:][ahead]

    @cached_property
    def _fixed(self) -> tuple[np.ndarray, np.ndarray]:
        """The places in a message that are in no hole, and the bytes there."""
        template = np.frombuffer(self.frame, np.uint8)[HEADER_BYTES:-CHECKSUM_BYTES]
        fixed = np.ones(template.size, dtype=bool)
        for name in self.holes:
            fixed[self.in_message(name)] = False
        return np.flatnonzero(fixed), template[fixed]
