"""Spectra as scaled half floats: what is promised of them holds for every value, bright, faint or well measured."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import halves_twin as twin
import numpy as np
import pytest

from sfhsim.errors import DatasetError
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.example import decode_example
from sfhsim.records.halves import from_halves, rooms, to_halves
from sfhsim.records.schema import stored_features
from sfhsim.records.tfrecord import read_records

N_PIXEL = 60
README = Path(__file__).resolve().parents[2] / "README.md"


def _cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Spectra (n, N_PIXEL) and their errors."""
    rng = np.random.default_rng(8)
    shape = 300, N_PIXEL
    flux = 1e-16 * rng.lognormal(size=shape)
    signs = rng.choice([-1.0, 1.0], shape)
    lines = np.where(rng.random(shape) < 0.05, 10.0 ** rng.uniform(0, 20, shape), 1.0)
    wild = signs * 10.0 ** rng.uniform(-44, 37, shape)
    return {
        "a galaxy": (flux, flux / 50),
        "noise alone": (1e-18 * rng.normal(size=shape), np.full(shape, 1e-18)),
        "no noise": (signs * flux, np.zeros(shape)),
        "no noise in some pixels": (flux, np.where(rng.random(shape) < 0.5, 0.0, flux / 1000)),
        "S/N of 1 to 10^9": (signs * flux, flux / 10.0 ** rng.uniform(0, 9, shape)),
        "S/N about 200": (flux, flux / rng.uniform(190, 220, shape)),
        "lines 10^20 times brighter": (flux * lines, flux / 100 * np.sqrt(lines)),
        "errors over 30 decades": (flux, 10.0 ** rng.uniform(-40, -10, shape)),
        "any float32": (wild, np.abs(wild[::-1])),
        "denormals": (signs * 10.0 ** rng.uniform(-46, -37, shape), np.zeros(shape)),
        "powers of two, and beside them": (np.nextafter(np.float32(2.0) ** rng.integers(-60, 60, shape), 9), flux),
        "nothing": (np.zeros(shape), np.zeros(shape)),
        "a single line": (np.where(np.arange(N_PIXEL) == 7, 1e-13, 0.0) + np.zeros(shape), np.full(shape, 1e-19)),
    }


CASES = {name: tuple(np.asarray(a, np.float32) for a in case) for name, case in _cases().items()}
every_case = pytest.mark.parametrize(("flux", "error"), CASES.values(), ids=CASES)


def _restored(flux, error) -> dict[str, np.ndarray]:
    return from_halves(to_halves(flux, error)[0])


@every_case
def test_rounding_is_within_its_bounds_for_every_value(flux, error):
    got = {name: values.astype(np.float64) for name, values in _restored(flux, error).items()}
    lost = np.abs(got["spectrum"] - flux.astype(np.float64))
    assert (lost <= 5e-4 * np.abs(flux.astype(np.float64))).all()
    for noise in (error.astype(np.float64), got["spectrum_error"]):  # the true noise, and the one a reader sees
        assert (lost <= 0.1 * noise)[noise > 0].all()
    assert (np.abs(got["spectrum_error"] - error) <= 5e-4 * error.astype(np.float64)).all()
    np.testing.assert_array_equal(got["spectrum_error"] == 0, error == 0)


@every_case
def test_the_compiled_rounding_equals_its_twin(flux, error):
    got, needed = to_halves(flux, error)
    for k in range(len(flux)):
        expected = twin.stored(flux[k], error[k])
        room = expected["spectrum_correction"].size
        assert rooms(needed[k], 2 * N_PIXEL) == room
        for name, values in expected.items():
            mine = got[name][k, :room] if "correction" in name else got[name][k]
            np.testing.assert_array_equal(mine, values, err_msg=name)
        assert not got["spectrum_correction"][k, room:].any()


def test_what_is_corrected_is_exact():
    flux, error = CASES["S/N of 1 to 10^9"]
    stored, needed = to_halves(flux, error)
    got = np.concatenate(list(from_halves(stored).values()), axis=1)
    index = [row[:n] for row, n in zip(stored["spectrum_correction_index"], needed, strict=True)]
    assert 30 < np.mean(needed) < N_PIXEL
    for k, corrected in enumerate(index):
        np.testing.assert_array_equal(got[k, corrected], np.concatenate([flux[k], error[k]])[corrected])


def test_an_ordinary_spectrum_needs_no_corrections():
    _, needed = to_halves(*CASES["a galaxy"])
    assert not needed.any()


def test_not_a_number_and_infinity_stay():
    flux = CASES["a galaxy"][0].copy()
    flux[:, 3], flux[:, 4], flux[:, 5] = np.nan, np.inf, -np.inf
    got = _restored(flux, np.zeros_like(flux))["spectrum"]
    np.testing.assert_array_equal(got[:, 3:6], flux[:, 3:6])
    np.testing.assert_allclose(got[:, 6:], flux[:, 6:], rtol=5e-4)


def test_what_cannot_be_is_refused():
    flux, error = CASES["a galaxy"]
    with pytest.raises(DatasetError, match="beyond 1.7e38 cannot be written"):
        to_halves(np.where(flux == flux.max(), 3e38, flux), error)
    stored, _ = to_halves(*CASES["S/N about 200"])
    for number in (-1, 2 * N_PIXEL):
        index = np.full_like(stored["spectrum_correction_index"], number)
        with pytest.raises(DatasetError, match="index reaches beyond the spectrum"):
            from_halves(
                stored | {"spectrum_correction_index": np.full_like(stored["spectrum_correction_index"], index)}
            )
    with pytest.raises(DatasetError, match="not a record of precision float16: 'spectrum_scale'"):
        from_halves({name: values for name, values in stored.items() if name != "spectrum_scale"})
    for lengths in ({"spectrum": 3}, {"spectrum": 3, "spectrum_error": 4}, {"spectrum": 0, "spectrum_error": 0}):
        with pytest.raises(DatasetError, match="need spectrum and spectrum_error, of one length"):
            stored_features(lengths, "float16")
    with pytest.raises(DatasetError, match="no precision 'float8': there are float32, float16"):
        RecordEncoder({"spectrum": 3, "spectrum_error": 3}, "float8")


def test_inputs_are_not_modified():
    flux, error = CASES["any float32"]
    before = flux.copy(), error.copy()
    to_halves(flux, error)
    np.testing.assert_array_equal((flux, error), before)


# -- in records ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """A record of each case in turn: some with no corrections, some with many."""
    rng = np.random.default_rng(9)
    flux, error = (np.concatenate([case[part][:4] for case in CASES.values()]) for part in (0, 1))
    truth = rng.normal(size=(len(flux), 5)).astype(np.float32)
    return {"spectrum": flux, "spectrum_error": error, "truth": truth, "age": truth[:, :0]}


@pytest.fixture(scope="module")
def encoder(arrays) -> RecordEncoder:
    return RecordEncoder({name: values.shape[1] for name, values in arrays.items()}, "float16")


@pytest.fixture(scope="module")
def ids(arrays) -> np.ndarray:
    """Of all lengths, so that some records differ in both and yet have the same size."""
    return 2 ** np.arange(len(arrays["truth"]), dtype=np.uint64)


@pytest.fixture(scope="module")
def shard(arrays, encoder, ids, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("halves") / "a.tfrecord"
    path.write_bytes(encoder.encode(ids, arrays))
    return path


def test_records_come_back(shard, encoder, arrays, ids):
    messages = list(read_records(shard))
    assert [encoder.sample_id(message) for message in messages] == ids.tolist()
    expected = arrays | _restored(arrays["spectrum"], arrays["spectrum_error"])
    one_by_one = [decode_example(message, "float16") for message in messages]
    assert set(one_by_one[0]) == {*arrays, "sample_id"}
    assert [record["sample_id"] for record in one_by_one] == ids.tolist()
    for order in (range(len(messages)), [6, 2, 2, 30], []):
        decoded = encoder.decode([messages[k] for k in order])
        for name, values in decoded.items():
            assert values.dtype == np.float32
            np.testing.assert_array_equal(values, expected[name][list(order)])
    for name in arrays:
        np.testing.assert_array_equal([record[name] for record in one_by_one], expected[name])


def test_a_record_does_not_depend_on_its_batch(encoder, arrays, ids):
    whole = bytes(encoder.encode(ids, arrays))
    one_by_one = [encoder.encode(ids[k : k + 1], {n: a[k : k + 1] for n, a in arrays.items()}) for k in range(ids.size)]
    assert b"".join(map(bytes, one_by_one)) == whole


def test_records_are_half_the_size():
    lengths = {"spectrum": 1761, "spectrum_error": 1761, "truth": 30}
    assert RecordEncoder(lengths, "float16").record_bytes < 0.53 * RecordEncoder(lengths).record_bytes


def test_records_of_the_other_precision_are_refused(encoder, arrays, ids, shard):
    message = next(read_records(shard))
    with pytest.raises(DatasetError, match="not of this data set"):
        RecordEncoder(encoder.lengths).decode([message])
    other = bytes(RecordEncoder(encoder.lengths).encode(ids[:1], {name: a[:1] for name, a in arrays.items()}))[12:-4]
    with pytest.raises(DatasetError, match="not a record of precision float16"):
        decode_example(other, "float16")


def test_the_readme_reads_them_with_tensorflow(shard, arrays, tmp_path):
    pytest.importorskip("tensorflow")
    (lines,) = re.findall(r"precision `float16`.*?```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(ast.parse(lines).body) == 3
    program = (
        "import sys, numpy as np, tensorflow as tf\n"
        "n_pixel, decode_raw = int(sys.argv[2]), tf.io.decode_raw\n"
        "names = ['spectrum', 'spectrum_error', 'spectrum_scale', 'spectrum_correction_index', 'spectrum_correction']\n"
        "schema = {name: tf.io.FixedLenFeature([], tf.string) for name in names}\n"
        "rows = []\n"
        "for message in tf.data.TFRecordDataset(sys.argv[1]):\n"
        "    example = tf.io.parse_single_example(message, schema)\n"
        + "".join(f"    {line}\n" for line in lines.splitlines())
        + "    rows.append(both.numpy())\n"
        "np.save(sys.argv[3], rows)\n"
    )
    arguments = [str(shard), str(N_PIXEL), str(tmp_path / "rows.npy")]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = _restored(arrays["spectrum"], arrays["spectrum_error"])
    both = np.concatenate([expected["spectrum"], expected["spectrum_error"]], axis=1)
    both[np.abs(both) < np.finfo(np.float32).tiny] = 0  # TensorFlow computes without denormal numbers
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), both)
