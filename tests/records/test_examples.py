"""Records: the wire format against an independent reader, checksums, damage."""

import json
import subprocess
import sys

import numpy as np
import pytest

from sfhsim.errors import DatasetError
from sfhsim.records.example import ExampleEncoder, decode_example
from sfhsim.records.tfrecord import masked_crc32c, read_records, require_fast_crc, write_record

IDS = np.array([0, 1, 127, 128, 300, 2**33, 16383, 16384])


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    return {
        "spectrum": rng.normal(size=(IDS.size, 400)),
        "b": rng.normal(size=(IDS.size, 3)),
        "empty": np.zeros((IDS.size, 0)),
    }


@pytest.fixture
def messages(arrays):
    return ExampleEncoder({name: a.shape[1] for name, a in arrays.items()}).encode(IDS, arrays)


def test_round_trip(arrays, messages):
    for k, message in enumerate(messages):
        decoded = decode_example(message)
        assert decoded["sample_id"] == IDS[k]
        for name, a in arrays.items():
            np.testing.assert_array_equal(decoded[name], a[k].astype(np.float32))


def test_inputs_are_not_modified_and_order_is_kept(arrays, messages):
    before = {name: a.copy() for name, a in arrays.items()}
    encoder = ExampleEncoder({name: a.shape[1] for name, a in arrays.items()})
    alone = encoder.encode(IDS[3:4], {name: a[3:4] for name, a in arrays.items()})
    assert bytes(alone[0]) == bytes(messages[3])
    for name, a in arrays.items():
        np.testing.assert_array_equal(a, before[name])


def _write(path, messages):
    with path.open("wb") as stream:
        for message in messages:
            write_record(stream, message)
    return path


def test_the_tfrecord_package_reads_it(tmp_path, arrays, messages):
    pytest.importorskip("tfrecord")
    path = _write(tmp_path / "a.tfrecord", messages)
    program = (
        "import json, sys, numpy as np\n"
        "from tfrecord.reader import tfrecord_loader\n"
        "rows = tfrecord_loader(sys.argv[1], None, {'sample_id': 'int', 'spectrum': 'byte', 'b': 'byte'})\n"
        "rows = [[int(np.ravel(r['sample_id'])[0]), np.frombuffer(r['spectrum'], '<f4').tolist()] for r in rows]\n"
        "print(json.dumps(rows))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    assert [row[0] for row in rows] == IDS.tolist()
    np.testing.assert_array_equal([row[1] for row in rows], arrays["spectrum"].astype(np.float32))


def test_masked_crc_of_the_standard_check_string():
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720, appendix B.4 and the catalogue of CRCs)
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_reading_back(tmp_path, messages):
    path = _write(tmp_path / "a.tfrecord", messages)
    assert list(read_records(path)) == [bytes(m) for m in messages]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], "record 0: its checksum is wrong"),
        (lambda b: bytes([b[0] ^ 1]) + b[1:], "record 0: the checksum of its length is wrong"),
        (lambda b: b[:-1], "ends inside the record: it is truncated"),
        (lambda b: b[: len(b) // 8 + 5], "truncated"),
    ],
)
def test_damage_is_named(tmp_path, messages, damage, message):
    path = _write(tmp_path / "a.tfrecord", messages)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match=message):
        list(read_records(path))


@pytest.mark.parametrize("junk", [b"\x0a\xff", b"\x09\x01", b"\x0a\x03\x0a\x01\xff"])
def test_junk_is_not_an_example(junk):
    with pytest.raises(DatasetError, match="not a tf.train.Example"):
        decode_example(junk)


def test_slow_checksums_fail_loudly(monkeypatch):
    import google_crc32c

    require_fast_crc()
    monkeypatch.setattr(google_crc32c, "implementation", "python")
    with pytest.raises(DatasetError, match="a hundred times too slow"):
        require_fast_crc()
