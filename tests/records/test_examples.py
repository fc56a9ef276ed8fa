"""Records: the wire format against an independent reader, checksums, damage."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from example_twin import ExampleEncoder, framed

from sfhsim.errors import DatasetError
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.example import decode_example
from sfhsim.records.tfrecord import masked_crc32c, read_records, require_fast_crc, scan_records

IDS = np.array([0, 1, 127, 128, 300, 2**33, 16383, 16384, 2**62])


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    return {
        "spectrum": rng.normal(size=(IDS.size, 400)),
        "b": rng.normal(size=(IDS.size, 3)),
        "empty": np.zeros((IDS.size, 0)),
    }


@pytest.fixture
def encoder(arrays):
    return RecordEncoder({name: a.shape[1] for name, a in arrays.items()})


@pytest.fixture
def shard(tmp_path, encoder, arrays):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(encoder.encode(IDS, arrays))
    return path


def test_round_trip(shard, arrays):
    decoded = [decode_example(message) for message in read_records(shard)]
    assert [record["sample_id"] for record in decoded] == IDS.tolist()
    for name, a in arrays.items():
        np.testing.assert_array_equal([record[name] for record in decoded], a.astype(np.float32))


def test_the_compiled_encoder_equals_its_twin(encoder, arrays):
    twin = ExampleEncoder(encoder.lengths).encode(IDS, arrays)
    assert bytes(encoder.encode(IDS, arrays)) == b"".join(framed(bytes(message)) for message in twin)


@pytest.mark.parametrize("names", [("a",), ("z",), ("a", "z")])
@pytest.mark.parametrize("length", [1, 31, 32, 4095, 4096])
def test_the_twin_agrees_where_lengths_grow_by_a_byte(names, length):
    arrays = {name: np.full((2, length), 0.5, np.float32) for name in names}
    encoder, ids = RecordEncoder(dict.fromkeys(names, length)), np.array([5, 500])
    twin = ExampleEncoder(encoder.lengths).encode(ids, arrays)
    assert bytes(encoder.encode(ids, arrays)) == b"".join(framed(bytes(message)) for message in twin)


def test_inputs_are_not_modified_and_a_record_does_not_depend_on_its_batch(encoder, arrays):
    before = {name: a.copy() for name, a in arrays.items()}
    whole = bytes(encoder.encode(IDS, arrays))
    one_by_one = [encoder.encode(IDS[k : k + 1], {n: a[k : k + 1] for n, a in arrays.items()}) for k in range(IDS.size)]
    assert b"".join(map(bytes, one_by_one)) == whole
    for name, a in arrays.items():
        np.testing.assert_array_equal(a, before[name])


def test_any_memory_layout_and_a_used_buffer_give_the_same_bytes(encoder, arrays):
    expected = bytes(encoder.encode(IDS, arrays))
    buffer = encoder.buffer(IDS.size)
    buffer[:] = b"\xff" * len(buffer)
    fortran = {name: np.asfortranarray(a.astype(np.float32)) for name, a in arrays.items()}
    assert bytes(encoder.encode_into(buffer, IDS.astype(np.uint64), fortran)) == expected


def test_no_records(encoder, arrays):
    assert bytes(encoder.encode(IDS[:0], {name: a[:0] for name, a in arrays.items()})) == b""


@pytest.mark.parametrize(
    ("ids", "changes", "message"),
    [
        (IDS, {"b": np.zeros((IDS.size, 4))}, r"feature 'b' has shape \(9, 4\): the records need \(9, 3\)"),
        (IDS, {"b": None}, "feature 'b' is missing"),
        (-IDS, {}, "must not be negative"),
    ],
)
def test_what_does_not_fit_is_refused(encoder, arrays, ids, changes, message):
    arrays = {name: a for name, a in (arrays | changes).items() if a is not None}
    with pytest.raises(DatasetError, match=message):
        encoder.encode(ids, arrays)


def test_a_small_buffer_and_too_many_features_are_refused(encoder, arrays):
    with pytest.raises(DatasetError, match="too small for 9 records"):
        encoder.encode_into(encoder.buffer(8), IDS, arrays)
    with pytest.raises(DatasetError, match="at most 64 features"):
        RecordEncoder({f"f{k}": 1 for k in range(64)})


def test_ids_are_found_without_decoding(shard, encoder):
    messages = list(read_records(shard))
    assert [encoder.sample_id(message) for message in messages] == IDS.tolist()
    with pytest.raises(DatasetError, match="not of this data set"):
        encoder.sample_id(messages[0][:-1] * 2)
    with pytest.raises(DatasetError, match="not of this data set"):
        encoder.sample_id(bytes(len(messages[0])))


def _in_a_process_of_its_own(program, path):
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


# looked for without importing it: it and TensorFlow cannot be imported in one process
@pytest.mark.skipif(importlib.util.find_spec("tfrecord") is None, reason="tfrecord is not installed")
def test_the_tfrecord_package_reads_it(shard, arrays):
    rows = _in_a_process_of_its_own(
        "import json, sys, numpy as np\n"
        "from tfrecord.reader import tfrecord_loader\n"
        "rows = tfrecord_loader(sys.argv[1], None, {'sample_id': 'int', 'spectrum': 'byte', 'b': 'byte'})\n"
        "rows = [[int(np.ravel(r['sample_id'])[0]), np.frombuffer(r['spectrum'], '<f4').tolist()] for r in rows]\n"
        "print(json.dumps(rows))\n",
        shard,
    )
    assert [row[0] for row in rows] == IDS.tolist()
    np.testing.assert_array_equal([row[1] for row in rows], arrays["spectrum"].astype(np.float32))


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_tensorflow_reads_it(shard, arrays):
    rows = _in_a_process_of_its_own(
        "import json, sys, tensorflow as tf\n"
        "features = {'sample_id': tf.io.FixedLenFeature([], tf.int64)}\n"
        "features['spectrum'] = tf.io.FixedLenFeature([], tf.string)\n"
        "rows = []\n"
        "for message in tf.data.TFRecordDataset(sys.argv[1]):\n"
        "    r = tf.io.parse_single_example(message, features)\n"
        "    rows.append([int(r['sample_id']), tf.io.decode_raw(r['spectrum'], tf.float32).numpy().tolist()])\n"
        "print(json.dumps(rows))\n",
        shard,
    )
    assert [row[0] for row in rows] == IDS.tolist()
    np.testing.assert_array_equal([row[1] for row in rows], arrays["spectrum"].astype(np.float32))


def test_masked_crc_of_the_standard_check_string():
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720, appendix B.4 and the catalogue of CRCs)
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], "record 0: its checksum is wrong"),
        (lambda b: bytes([b[0] ^ 1]) + b[1:], "record 0: the checksum of its length is wrong"),
        (lambda b: b[:-1], "ends inside the record: it is truncated"),
        (lambda b: b[: len(b) // 8 + 5], "truncated"),
    ],
)
def test_damage_is_named(shard, damage, message):
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(DatasetError, match=message):
        list(read_records(shard))


def test_a_scan_goes_on_after_a_damaged_record_and_sees_every_byte(shard, encoder):
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)
    seen = bytearray()
    assert [sound for _, sound in scan_records(shard, seen.extend)] == [False] + [True] * (IDS.size - 1)
    assert seen == content


# the last two: an entry without a name, and a number where features should be
@pytest.mark.parametrize(
    "junk", [b"\x0a\xff", b"\x09\x01", b"\x0a\x03\x0a\x01\xff", b"\x0a\x04\x0a\x02\x12\x00", b"\x08\x01"]
)
def test_junk_is_not_an_example(junk):
    with pytest.raises(DatasetError, match="not a tf.train.Example"):
        decode_example(junk)


def test_checksums_without_hardware_fail_loudly(monkeypatch):
    import crc32c

    require_fast_crc()
    monkeypatch.setattr(crc32c, "hardware_based", False)
    with pytest.raises(DatasetError, match="many times slower: reinstall it"):
        RecordEncoder({"a": 1})
