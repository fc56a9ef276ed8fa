"""Records in any order, and many decoded at once: the same as one after another; damage is told of."""

import numpy as np
import pytest

from sfhsim.errors import DatasetError
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.example import decode_example
from sfhsim.records.random_access import RecordFile
from sfhsim.records.tfrecord import read_records

LENGTHS = {"spectrum": 7, "truth": 3, "photometry": 0, "zebra": 2}
IDS = np.array([5, 130, 7, 2**40, 0, 127, 128])  # of several sizes


@pytest.fixture
def encoder():
    return RecordEncoder(LENGTHS)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(2)
    return {name: rng.normal(size=(IDS.size, length)).astype(np.float32) for name, length in LENGTHS.items()}


@pytest.fixture
def path(encoder, arrays, tmp_path):
    path = tmp_path / "some.tfrecord"
    path.write_bytes(encoder.encode(IDS, arrays))
    return path


def test_every_record_in_any_order(path):
    expected = list(read_records(path))
    with RecordFile(path) as file:
        assert len(file) == IDS.size
        for number in (3, 0, 6, 3, 1):
            assert file.read(number) == expected[number]


def test_decoding_many_is_the_inverse_of_encoding(encoder, arrays, path):
    messages = list(read_records(path))
    for order in (range(IDS.size), [6, 2, 2, 3], []):
        decoded = encoder.decode([messages[k] for k in order])
        assert set(decoded) == set(LENGTHS)
        for name, values in decoded.items():
            assert values.dtype == np.float32
            np.testing.assert_array_equal(values, arrays[name][list(order)])
    for k, message in enumerate(messages):
        record = decode_example(message)
        for name in LENGTHS:
            np.testing.assert_array_equal(record[name], encoder.decode(messages)[name][k])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (LENGTHS | {"truth": 30}, "a record of .* bytes: not of this data set"),
        ({"spectrum": 3, "truth": 7, "photometry": 0, "zebra": 2}, "other features, or in another order"),
        ({"spectrum": 7, "truth": 3, "photometry": 0, "zebro": 2}, "other features, or in another order"),
    ],
)
def test_records_of_another_layout_are_refused(encoder, lengths, message):
    other = {name: np.zeros((1, length)) for name, length in lengths.items()}
    foreign = bytes(RecordEncoder(lengths).encode([3], other))[12:-4]
    with pytest.raises(DatasetError, match=message):
        encoder.decode([foreign])


def test_damage_is_told_of(path):
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:])
    with RecordFile(path) as file:
        file.read(0)
        with pytest.raises(DatasetError, match="some.tfrecord, record 6: its checksum is wrong"):
            file.read(6)
    for content, message in (
        (raw[:-1], "record 6: the file ends inside the record"),
        (raw + raw[:5], "record 7: the file ends inside a record header"),
        (bytes([raw[0] ^ 1]) + raw[1:], "record 0: the checksum of its length is wrong"),
    ):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=message):
            RecordFile(path)
    with pytest.raises(DatasetError, match="cannot read .*absent: No such file"):
        RecordFile(path.parent / "absent")
