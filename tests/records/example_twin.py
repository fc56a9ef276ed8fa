"""The record encoder in plain NumPy and Python: the readable twin of the compiled one, independent of it."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

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


def masked_crc32c(data: bytes) -> int:
    """CRC-32C bit by bit (polynomial 0x1EDC6F41, reflected), masked."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(message: bytes) -> bytes:
    """A message in its TFRecord frame."""
    length = struct.pack("<Q", len(message))
    return b"".join(
        [length, struct.pack("<I", masked_crc32c(length)), message, struct.pack("<I", masked_crc32c(message))]
    )
