"""A shard against what the manifest says of it, without reading it through: its size, its first and its last record."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.example import decode_example
from sfhsim.records.schema import SAMPLE_ID
from sfhsim.records.tfrecord import FRAME_BYTES, masked_crc32c, read_records

_HEADER_BYTES = 12
OTHER_SAMPLES = "holds other samples than planned: it was cut, is another shard, or of another data set"


class ShardProblem(DatasetError):
    """What is wrong with a shard, as the end of a sentence that begins with its name."""


def problem_of(error: OSError, file: str) -> str:
    """The same of any error that reading a shard may raise."""
    if isinstance(error, ShardProblem):
        return str(error)
    if isinstance(error, DatasetError):
        return f"is damaged: {str(error).removeprefix(f'{file}, ')}"
    return "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"


def check_size(path: Path, entry: dict) -> None:
    """Check that a file has the size that an entry of the manifest says.

    Raises
    ------
    OSError
        `ShardProblem` when it has another; others when it cannot be read.
    """
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise ShardProblem(f"has {size} bytes instead of {entry['bytes']}: it was truncated or replaced")


def check_ends(path: Path, ids: np.ndarray, encoder: RecordEncoder) -> None:
    """Check that a shard begins and ends with samples of its own; `verify` reads it all.

    Parameters
    ----------
    path : of the file.
    ids : (n,) of the samples that it must hold.
    encoder : of the data set's records.

    Raises
    ------
    OSError
        `ShardProblem` when the samples are of another shard; DatasetError when these records are damaged; others when
        the file cannot be read.
    """
    if ids.size == 0:
        return
    first = decode_example(next(read_records(path)), encoder.precision).get(SAMPLE_ID)
    last = _last_id(path, encoder)
    if first != ids[0] or last not in (None, ids[-1]):
        raise ShardProblem(OTHER_SAMPLES)


def _last_id(path: Path, encoder: RecordEncoder) -> int | None:
    """The sample id of the last record; None when no record of the encoder's ends where the file does."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        for frame_bytes in encoder.frame_sizes:
            if frame_bytes > size:
                continue
            stream.seek(size - frame_bytes)
            header = stream.read(_HEADER_BYTES)
            length, checksum = struct.unpack("<QI", header)
            if length == frame_bytes - FRAME_BYTES and checksum == masked_crc32c(header[:8]):
                return encoder.sample_id(stream.read(length))
    return None
