"""Reading tf.train.Example messages without TensorFlow; `sfhsim.records.encoder` tells their wire format."""

from __future__ import annotations

import numpy as np

from sfhsim.errors import DatasetError


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
