"""From the arrays of a batch to the bytes of its records, and back: tf.train.Example messages in TFRecord frames.

All records of a data set have the same features. Their values are of the same sizes but for the id, a varint, and the
corrections of float16 spectra; so a record is one of a few templates of bytes (`sfhsim.records.layout`) with holes that
the arrays fill. The holes are filled by compiled code (`_encoder.pyx`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records import _encoder
from sfhsim.records.layout import Template
from sfhsim.records.schema import HALVES, SAMPLE_ID, stored_features
from sfhsim.records.tfrecord import require_fast_crc

_ID_WIDTHS = range(11)  # bytes of the varint of a 64-bit integer are 1 to 10; `_encoder.pyx` counts from 0


class RecordEncoder:
    """Encodes batches as framed records, ready to be written to a file, and decodes records.

    Parameters
    ----------
    lengths
        Number of values of each array feature, by name.
    precision : 'float32', or 'float16' for `sfhsim.records.halves` of the spectrum and its error.

    Raises
    ------
    DatasetError
        When the checksum package has no hardware support here, there are more features than it can take, or there is
        no such precision.
    """

    def __init__(self, lengths: Mapping[str, int], precision: str = "float32"):
        require_fast_crc()
        self.lengths, self.precision = dict(sorted(lengths.items())), precision
        self._stored = stored_features(lengths, precision)
        self._names = sorted([*self._stored, SAMPLE_ID])
        if len(self._names) > _encoder.max_holes:
            raise DatasetError(f"a record holds at most {_encoder.max_holes} features, not {len(self._names)}")
        self._rooms = np.zeros(1, dtype=np.intp)  # for corrections, of each kind of record
        if precision == "float16":
            from sfhsim.records.halves import rooms

            most = 2 * lengths[HALVES[0]]
            self._rooms = np.unique(rooms(np.arange(most + 1), most)).astype(np.intp)
        self._templates = [
            Template.of({**self._sizes(room), SAMPLE_ID: width}, kind)
            for kind, room in enumerate(self._rooms.tolist())
            for width in _ID_WIDTHS
        ]
        self._by_size: dict[int, list[Template]] = {}
        for template in self._templates:
            self._by_size.setdefault(template.message_bytes, []).append(template)
        self._frames = self._compiled()

    @property
    def record_bytes(self) -> int:
        """Size of a record with the longest id and no corrections, its frame included."""
        return len(self._templates[_ID_WIDTHS[-1]].frame)

    @property
    def _most_bytes(self) -> int:
        """Size of a record with the longest id and all corrections, its frame included."""
        return len(self._templates[-1].frame)

    @property
    def frame_sizes(self) -> list[int]:
        """Sizes that a framed record can have, most likely ones first."""
        return list(dict.fromkeys(len(template.frame) for template in self._templates))

    def buffer(self, n: int) -> bytearray:
        """A buffer that `encode_into` can fill with ``n`` records."""
        return bytearray(n * self._most_bytes)

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
        if len(buffer) < ids.size * self._most_bytes:
            raise DatasetError(f"a buffer of {len(buffer)} bytes is too small for {ids.size} records")
        stored, kinds = self._stored_arrays(arrays, ids.size)
        columns = [None if name == SAMPLE_ID else stored[name].view(np.uint8) for name in self._names]
        size = _encoder.fill_records(ids, kinds, *self._frames, self._names.index(SAMPLE_ID), columns, buffer)
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
        for template in self._templates_of(len(message)):
            found = template.sample_id(message)
            if found is not None:
                return found
        raise DatasetError(f"a record without {SAMPLE_ID} in its place: not of this data set")

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
            rows = np.flatnonzero(sizes == size)
            block = np.frombuffer(b"".join(messages[row] for row in rows.tolist()), np.uint8).reshape(rows.size, size)
            for template in self._templates_of(int(size)):
                ours = template.matches(block)
                if not ours.any():
                    continue
                whole = ours.all()
                for name, values in self._decoded(block if whole else block[ours], template).items():
                    arrays[name][rows[ours]] = values
                rows, block = rows[~ours], block[:0] if whole else block[~ours]
            if rows.size:
                raise DatasetError("a record with other features, or in another order: not of this data set")
        return arrays

    def _decoded(self, block: np.ndarray, template: Template) -> dict[str, np.ndarray]:
        """The features of the messages (n, bytes) uint8 of one template."""
        stored = {
            name: np.ascontiguousarray(block[:, template.in_message(name)]).view(of.dtype)
            for name, of in self._stored.items()
        }
        if self.precision == "float16":
            from sfhsim.records.halves import from_halves

            stored |= from_halves(stored)
        return {name: stored[name] for name in self.lengths}

    def _templates_of(self, message_bytes: int) -> list[Template]:
        if message_bytes not in self._by_size:
            raise DatasetError(f"a record of {message_bytes} bytes: not of this data set")
        return self._by_size[message_bytes]

    def _stored_arrays(self, arrays: Mapping[str, np.ndarray], n: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """What records hold of these arrays, by name; and of which kind each record is (n,)."""
        for name, length in self.lengths.items():
            if name not in arrays or np.shape(arrays[name]) != (n, length):
                there = f"has shape {np.shape(arrays[name])}" if name in arrays else "is missing"
                raise DatasetError(f"feature {name!r} {there}: the records need {(n, length)}")
        kinds = np.zeros(n, dtype=np.intp)
        if self.precision == "float32":
            return {name: np.ascontiguousarray(arrays[name], dtype="<f4") for name in self.lengths}, kinds
        from sfhsim.records.halves import to_halves

        halves, needed = to_halves(*(arrays[name] for name in HALVES))
        others = [name for name in self.lengths if name not in HALVES]
        stored = {name: np.ascontiguousarray(arrays[name], dtype="<f4") for name in others}
        return stored | halves, np.searchsorted(self._rooms, needed)

    def _sizes(self, room: int) -> dict[str, int]:
        """Bytes of the values of each feature of a record with room for this many corrections."""
        return {
            name: np.dtype(of.dtype).itemsize * (room if of.length is None else of.length)
            for name, of in self._stored.items()
        }

    def _compiled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The templates as `_encoder.fill_records` takes them."""
        frames = np.frombuffer(b"".join(template.frame for template in self._templates), np.uint8)
        starts = np.cumsum([0, *(len(template.frame) for template in self._templates)], dtype=np.intp)
        holes = [[template.holes[name].start for name in self._names] for template in self._templates]
        sizes = [self._sizes(room) for room in self._rooms.tolist()]
        hole_bytes = [[of_kind.get(name, 0) for name in self._names] for of_kind in sizes]
        return frames, starts, np.array(holes, dtype=np.intp), np.array(hole_bytes, dtype=np.intp)
