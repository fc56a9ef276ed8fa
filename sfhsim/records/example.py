"""tf.train.Example messages as bytes, encoded and decoded without TensorFlow.

Wire format (protobuf): Example{features(1): Features{feature(1): map<string(1), Feature(2)>}}, where a Feature is
bytes_list(1){value(1)} or int64_list(3){value(1), packed}. All records of a data set have features of the same
lengths, so a batch is a fixed frame of bytes into which the arrays are copied column by column.

Specification: https://protobuf.dev/programming-guides/encoding and tensorflow/core/example/example.proto.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records.schema import SAMPLE_ID


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


class ExampleEncoder:
    """Encodes batches of arrays as Example messages.

    Parameters
    ----------
    lengths
        Number of float32 values of each array feature, by name.
    """

    def __init__(self, lengths: Mapping[str, int]):
        self.lengths = dict(sorted(lengths.items()))
        self._frames: dict[int, tuple[np.ndarray, dict[str, int]]] = {}

    def encode(self, sample_id: np.ndarray, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """One uint8 array per sample: the bytes of its Example.

        Parameters
        ----------
        sample_id : (n,) non-negative integers.
        arrays : each (n, length) float32-convertible, one for each feature.
        """
        sample_id = np.asarray(sample_id, dtype=np.int64)
        n_varint = np.maximum((np.vectorize(int.bit_length, otypes=[int])(sample_id) + 6) // 7, 1)
        messages: list = [None] * len(sample_id)
        for width in np.unique(n_varint):
            rows = np.flatnonzero(n_varint == width)
            frame, offsets = self._frame(int(width))
            block = np.broadcast_to(frame, (rows.size, frame.size)).copy()
            for name, length in self.lengths.items():
                values = np.ascontiguousarray(np.asarray(arrays[name])[rows], dtype="<f4")
                start = offsets[name]
                block[:, start : start + 4 * length] = values.view(np.uint8)
            for k in range(width):
                more = 0x80 if k < width - 1 else 0
                block[:, offsets[SAMPLE_ID] + k] = (sample_id[rows] >> (7 * k)) & 0x7F | more
            for row, message in zip(rows, block, strict=True):
                messages[row] = message
        return messages

    def _frame(self, id_width: int) -> tuple[np.ndarray, dict[str, int]]:
        if id_width not in self._frames:
            features, offsets = b"", {}
            for name in sorted([*self.lengths, SAMPLE_ID]):
                size = id_width if name == SAMPLE_ID else 4 * self.lengths[name]
                payload = bytes(size)
                number = 3 if name == SAMPLE_ID else 1
                features += _map_entry(name, _field(number, _field(1, payload)))
                offsets[name] = len(features) - size
            message = _field(1, features)
            shift = len(message) - len(features)
            frame = np.frombuffer(message, dtype=np.uint8)
            self._frames[id_width] = frame, {name: start + shift for name, start in offsets.items()}
        return self._frames[id_width]


def _read_varint(data, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7


def _fields(data):
    """(number, payload) of each field of a message; payload is a memoryview or, for varints, an int."""
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        if tag & 7 == 0:
            value, position = _read_varint(data, position)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, position = _read_varint(data, position)
            if position + length > len(data):
                raise IndexError(f"field of {length} bytes reaches beyond the message")
            yield tag >> 3, data[position : position + length]
            position += length
        else:
            raise ValueError(f"wire type {tag & 7} does not occur in an Example")


def decode_example(message: bytes | memoryview) -> dict[str, np.ndarray | int]:
    """The features of an Example: bytes features as float32 arrays, the sample id as int.

    Raises
    ------
    DatasetError
        When the bytes are not an Example.
    """
    try:
        return dict(_features(memoryview(message)))
    except (IndexError, ValueError, UnicodeDecodeError) as error:
        raise DatasetError(f"not a tf.train.Example: {error}") from error


def _features(message: memoryview):
    for _, features in _fields(message):
        for _, entry in _fields(features):
            parts = dict(_fields(entry))
            name = bytes(parts[1]).decode()
            for kind, values in _fields(parts[2]):
                content = next((payload for _, payload in _fields(values)), memoryview(b""))
                if kind == 1:
                    yield name, np.frombuffer(content, dtype="<f4")
                else:
                    yield name, content if isinstance(content, int) else _read_varint(content, 0)[0]
