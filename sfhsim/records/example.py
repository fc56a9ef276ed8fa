"""Reading tf.train.Example messages without TensorFlow; `sfhsim.records.layout` tells their wire format."""

from __future__ import annotations

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records.schema import CORRECTION, CORRECTION_INDEX, HALVES, SCALE, dtype_of


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


def decode_example(message: bytes | memoryview, precision: str = "float32") -> dict[str, np.ndarray | int]:
    """The features of an Example: bytes features as float32 arrays, the sample id as int.

    Parameters
    ----------
    message : the bytes of the Example.
    precision : of the data set's records.

    Raises
    ------
    DatasetError
        When the bytes are not an Example, or not of this precision.
    """
    try:
        record = dict(_features(memoryview(message), precision))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"not a tf.train.Example: {error}") from error
    return record if precision == "float32" else _restored(record)


def _restored(record: dict[str, np.ndarray | int]) -> dict[str, np.ndarray | int]:
    """A record whose spectra were stored as half floats, with the spectra themselves."""
    from sfhsim.records.halves import from_halves

    ours = (*HALVES, SCALE, CORRECTION_INDEX, CORRECTION)
    halves = from_halves({name: np.atleast_2d(record[name]) for name in ours if name in record})
    others = {name: values for name, values in record.items() if name not in ours}
    return others | {name: values[0] for name, values in halves.items()}


def _features(message: memoryview, precision: str):
    for _, features in _fields(message):
        for _, entry in _fields(features):
            parts = dict(_fields(entry))
            name = bytes(parts[1]).decode()
            for kind, values in _fields(parts[2]):
                content = next((payload for _, payload in _fields(values)), memoryview(b""))
                if kind == 1:
                    yield name, np.frombuffer(content, dtype=dtype_of(name, precision))
                else:
                    yield name, content if isinstance(content, int) else _read_varint(content, 0)[0]
