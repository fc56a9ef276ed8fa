"""Input pipelines: every record once, in an order that follows from seed and epoch, from any batch on; what is wrong
with a data set is said."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from records_to_learn import (
    N_AGE_BIN,
    N_PIXEL,
    TRUTHS,
    change_manifest,
    ids_of,
    records,
    replace_shard,
    sample_ids,
    write_dataset,
)

from sfhmodel.data import TrainingData, batches
from sfhmodel.data.diagnosis import explained_errors
from sfhmodel.errors import ConfigError, TrainingDataError
from sfhsim import Dataset
from sfhsim.records.encoder import RecordEncoder
from sfhsim.sealed import read_json, write_json

TRAIN_IDS = list(range(100, 223))  # of the two shards that `write_dataset` makes

both = pytest.mark.parametrize("backend", ["tensorflow", "numpy"])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return TrainingData(write_dataset(tmp_path_factory.mktemp("data") / "tiny"))


def _ids(data, split="train", batch_size=16, **options):
    return [ids_of(batch) for batch in batches(data, split, batch_size, **options)]


def _joined(lists):
    return [item for items in lists for item in items]


@both
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_what_comes_is_what_the_records_hold(tmp_path, precision, backend):
    data = TrainingData(write_dataset(tmp_path / "d", precision=precision))
    assert data.precision == precision
    expected = Dataset(data.folder).arrays("train")
    got = list(batches(data, "train", 50, shuffle=False, backend=backend))
    assert [len(inputs["flux"]) for inputs, _ in got] == [50, 50, 23]
    names = {"flux": "spectrum", "flux_error": "spectrum_error", "magnitudes": "photometry"}
    for name, feature in (names | {"magnitude_errors": "photometry_error"}).items():
        values = np.concatenate([inputs[name] for inputs, _ in got])
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, expected[feature])
    for name in ("mass_fraction", "metallicity", "truth"):
        np.testing.assert_array_equal(np.concatenate([truths[name] for _, truths in got]), expected[name])
    assert set(got[0][0]) == {"flux", "flux_error", "mask", "magnitudes", "magnitude_errors"}
    assert all((np.asarray(inputs["mask"]) == 1).all() for inputs, _ in got)
    assert got[0][1]["truth"].shape == (50, len(TRUTHS))


@both
def test_each_record_once_in_an_order_of_seed_and_epoch(data, backend):
    first = _ids(data, seed=3, epoch=1, backend=backend)
    flat = _joined(first)
    assert sorted(flat) == TRAIN_IDS
    assert flat != TRAIN_IDS
    assert max(flat[:16]) >= 170 > min(flat[:16])  # of both shards
    assert _ids(data, seed=3, epoch=1, backend=backend) == first
    for other in ({"seed": 3, "epoch": 2}, {"seed": 4, "epoch": 1}, {"seed": 1, "epoch": 3}):
        assert _ids(data, **other, backend=backend) != first


@both
def test_the_order_ignores_the_state_of_the_world(data, backend):
    import keras

    passes = batches(data, "train", 16, seed=3, backend=backend)
    first = [ids_of(batch) for batch in passes]
    keras.utils.set_random_seed(99)
    assert [ids_of(batch) for batch in passes] == first
    assert _ids(data, seed=3, backend=backend) == first


@both
def test_a_pass_can_be_entered_anywhere_and_goes_on_without_end(data, backend):
    whole = [_ids(data, seed=3, epoch=epoch, backend=backend) for epoch in (4, 5, 6)]
    assert _ids(data, seed=3, epoch=4, skip=5, backend=backend) == whole[0][5:]
    stream = iter(batches(data, "train", 16, seed=3, epoch=4, skip=5, endless=True, backend=backend))
    expected = whole[0][5:] + whole[1] + whole[2]
    assert [ids_of(next(stream)) for _ in expected] == expected


@both
def test_incomplete_batches_and_limits(data, backend):
    complete = _ids(data, drop_remainder=True, backend=backend)
    assert [len(batch) for batch in complete] == [16] * 7
    assert len(batches(data, "train", 16, drop_remainder=True, backend=backend)) == 7
    for limit in (1, 70, 75):
        for epoch in (0, 1):
            ids = _joined(_ids(data, limit=limit, epoch=epoch, backend=backend))
            assert sorted(ids) == TRAIN_IDS[:limit]
    assert len(_joined(_ids(data, limit=10_000, backend=backend))) == 123


def test_large_splits_are_shuffled_in_windows(tmp_path, monkeypatch):
    from sfhmodel.data import numpy_pipeline, tensorflow_pipeline

    for module in (numpy_pipeline, tensorflow_pipeline):
        monkeypatch.setattr(module, "SHUFFLE_WINDOW", 20)
    data = TrainingData(write_dataset(tmp_path / "d", [("train", 90)] * 3))
    for backend in ("numpy", "tensorflow"):
        ids = _joined(_ids(data, batch_size=7, backend=backend))
        assert sorted(ids) == list(range(100, 370))
        shards = [{(number - 100) // 90 for number in ids[start : start + 40]} for start in range(0, 240, 40)]
        assert sum(len(several) > 1 for several in shards) >= 4
        assert max(np.diff(ids)) > 60  # not in order, not even inside a shard
        assert _joined(_ids(data, batch_size=7, backend=backend, epoch=1)) != ids


@both
def test_without_bands(tmp_path, backend):
    data = TrainingData(write_dataset(tmp_path / "d", n_band=0))
    assert data.description.n_band == 0
    for inputs, _ in batches(data, "train", 50, backend=backend):
        assert inputs["magnitudes"].shape == (len(inputs["flux"]), 0)


def test_tf_data_knows_its_shapes_and_length(data):
    import tensorflow as tf

    passes = batches(data, "train", 16, drop_remainder=True, backend="tensorflow")
    assert passes.element_spec[0]["flux"] == tf.TensorSpec((16, N_PIXEL), tf.float32)
    assert passes.element_spec[1]["metallicity"] == tf.TensorSpec((16, N_AGE_BIN), tf.float32)
    assert int(passes.cardinality()) == 7
    endless = batches(data, "train", 16, endless=True, backend="tensorflow")
    assert int(endless.cardinality()) == tf.data.INFINITE_CARDINALITY


def test_numpy_batches_come_in_any_order(data):
    passes = batches(data, "train", 16, backend="numpy")
    expected = [ids_of(batch) for batch in passes]
    assert [ids_of(passes[k]) for k in (5, 0, 7, 3)] == [expected[k] for k in (5, 0, 7, 3)]
    for k in (-1, 8):
        with pytest.raises(IndexError, match=f"no batch {k}"):
            passes[k]
    with pytest.raises(TypeError, match="endless"):
        len(batches(data, "train", 16, endless=True, backend="numpy"))


def _model():
    import keras

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(N_AGE_BIN, activation="softmax")

        def call(self, inputs, training=False):
            return self.dense(inputs["flux"] * 1e-3)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean((y["mass_fraction"] - y_pred) ** 2)

    model = Model()
    model.compile("adam")
    return model


@both
def test_a_model_fits_on_them(data, backend):
    passes = batches(data, "train", 16, backend=backend)
    history = _model().fit(passes, validation_data=passes, epochs=2, verbose=0, shuffle=False).history
    assert len(history["val_loss"]) == 2


_WITHOUT_TENSORFLOW = """
import sys
from sfhmodel.data import TrainingData, batches
passes = batches(TrainingData({folder!r}), "train", 16)
assert sum(len(inputs["flux"]) for inputs, _ in passes) == 123
assert "tensorflow" not in sys.modules
import keras
class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3, activation="softmax")
    def call(self, inputs, training=False):
        return self.dense(inputs["flux"] * 1e-3)
    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        return keras.ops.mean((y["mass_fraction"] - y_pred) ** 2)
model = Model()
model.compile("adam")
history = model.fit(passes, validation_data=passes, epochs=2, verbose=0, shuffle=False).history
assert len(history["val_loss"]) == 2
assert keras.backend.backend() == "jax"
"""


def test_without_tensorflow(data):
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}
    program = _WITHOUT_TENSORFLOW.format(folder=str(data.folder))
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def _run_through(data, backend):
    with explained_errors(data, "train"):
        for _ in batches(data, "train", 16, backend=backend):
            pass


def _shard(change, n=30):
    """A shard whose records were changed by ``change(content)`` before they were written."""
    content = change(records(np.arange(170, 170 + n)))
    with tempfile.TemporaryDirectory() as folder:
        ids = sample_ids(write_dataset(Path(folder)), 1)[:n]
    return bytes(RecordEncoder({name: values.shape[1] for name, values in content.items()}).encode(ids, content))


def _damaged(raw):
    raw = bytearray(raw)
    raw[-100] ^= 1
    return bytes(raw)


@both
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_damaged(_shard(dict, 53)), "train-1.tfrecord of .* is damaged: record 52: its checksum is wrong"),
        (_shard(dict)[:-9], "train-1.tfrecord of .* is damaged: record 29: the file ends inside the record"),
        (_shard(dict, 8), "train-1.tfrecord of .* holds other samples than planned: it was cut"),
        (
            _shard(lambda c: {name: values for name, values in c.items() if name != "photometry"}, 53),
            "train-1.tfrecord of .*, record [0-9]+: no 'photometry'",
        ),
        (
            _shard(lambda c: c | {"spectrum": c["spectrum"][:, :5]}, 53),
            "train-1.tfrecord of .*, record [0-9]+: feature 'spectrum' has 5 values, the manifest says 12",
        ),
    ],
)
def test_unusable_records_are_named(tmp_path, backend, content, message):
    folder = write_dataset(tmp_path / "d")
    replace_shard(folder, 1, content)
    with pytest.raises(TrainingDataError, match=message):
        _run_through(TrainingData(folder), backend)


@both
def test_other_features_beside_them_do_no_harm(tmp_path, backend):
    folder = write_dataset(tmp_path / "d")
    replace_shard(folder, 1, _shard(lambda c: c | {"extra": c["truth"]}, 53))
    assert len(_joined(_ids(TrainingData(folder), backend=backend))) == 123


def test_other_errors_pass_unchanged(data):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError), explained_errors(data):
        tf.linalg.matmul(tf.ones((2, 3)), tf.ones((2, 3)))
    for error in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(error), explained_errors(data):
            raise error
    with pytest.raises(tf.errors.DataLossError), explained_errors(data):  # of other records than these
        raise tf.errors.DataLossError(None, None, "elsewhere")


@both
def test_shards_that_are_missing_or_of_another_size(tmp_path, backend):
    data = TrainingData(write_dataset(tmp_path / "d"))
    shard = data.parts("train")[0].path
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(
        TrainingDataError, match=r"shard train-0.tfrecord of .* bytes instead of \d+: .*; `sfhsim verify"
    ):
        batches(data, "train", 16, backend=backend)
    shard.unlink()
    with pytest.raises(TrainingDataError, match="shard train-0.tfrecord of .* is missing; `sfhsim verify"):
        batches(data, "train", 16, backend=backend)
    assert len(_ids(data, "validation", backend=backend)) == 2


@both
def test_shards_of_others_are_noticed(tmp_path, backend):
    folder = write_dataset(tmp_path / "d", [("train", 40), ("train", 40), ("validation", 40)])
    first, second, third = (folder / shard["file"] for shard in TrainingData(folder).manifest["shards"])
    replace_shard(folder, 1, first.read_bytes())
    with pytest.raises(TrainingDataError, match="shard train-1.tfrecord of .* holds other samples than planned"):
        batches(TrainingData(folder), "train", 16, backend=backend)
    assert len(_ids(TrainingData(folder), "validation", backend=backend)) == 3
    third.write_bytes(second.read_bytes())
    with pytest.raises(TrainingDataError, match="shard validation-2.tfrecord of .* `sfhsim verify .* --repair`"):
        batches(TrainingData(folder), "validation", 16, backend=backend)


@both
def test_shards_that_lose_records_after_they_were_opened(tmp_path, backend):
    data = TrainingData(write_dataset(tmp_path / "d"))
    shard = data.parts("train")[1].path
    passes, whole = batches(data, "train", 16, backend=backend), shard.read_bytes()
    lost = RecordEncoder({name: values.shape[1] for name, values in records([222]).items()}).encode(
        [222], records([222])
    )
    for content in (whole[: -len(lost)], b""):
        shard.write_bytes(content)
        with pytest.raises(TrainingDataError, match="train-1.tfrecord of .* instead of"), explained_errors(data):
            for _ in passes:
                pass


@both
@pytest.mark.parametrize("order", [[0, *range(2, 53), 52], [0, *range(2, 52), 1, 52], [0, 0, *range(2, 53)]])
def test_records_that_changed_places_are_noticed(tmp_path, order, backend):
    folder = write_dataset(tmp_path / "d")
    numbers, ids = np.array(order), sample_ids(folder, 1)
    content = {name: values[numbers] for name, values in records(np.arange(170, 223)).items()}
    lengths = {name: values.shape[1] for name, values in content.items()}
    replace_shard(folder, 1, bytes(RecordEncoder(lengths).encode(ids[numbers], content)))
    with pytest.raises(TrainingDataError, match=r"train-1.tfrecord of .* holds other samples .*\(record [0-9]+\)"):
        _run_through(TrainingData(folder), backend)


def test_random_access_counts_every_record(tmp_path):
    data = TrainingData(write_dataset(tmp_path / "d"))
    shard = data.parts("train")[1].path
    passes = batches(data, "train", 16, limit=75, backend="numpy")
    shard.write_bytes(shard.read_bytes() * 2)
    with pytest.raises(TrainingDataError, match="train-1.tfrecord of .* has 106 records instead of 53"):
        list(passes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"split": "dev"}, TrainingDataError, "no split 'dev' in .*: it has train, validation"),
        ({"batch_size": 0}, ConfigError, "batch_size must be an integer from 1"),
        ({"batch_size": 2.5}, ConfigError, "batch_size must be an integer"),
        ({"seed": -1}, ConfigError, "seed must be an integer from 0"),
        ({"epoch": -1}, ConfigError, "epoch must be an integer from 0"),
        ({"skip": 8}, ConfigError, "skip must be less than the 8 batches"),
        ({"limit": 0}, TrainingDataError, "limit must be at least 1"),
        ({"backend": "torch"}, ConfigError, "no data backend 'torch': there are auto, tensorflow, numpy"),
        ({"batch_size": 200, "drop_remainder": True}, TrainingDataError, "123 records, less than one batch of 200"),
    ],
)
def test_impossible_requests(data, options, error, message):
    options = {"split": "train", "batch_size": 16, "backend": "numpy"} | options
    with pytest.raises(error, match=message):
        batches(data, options.pop("split"), options.pop("batch_size"), **options)


def test_what_a_data_set_says_of_itself(data):
    assert data.splits == ("train", "validation")
    assert (data.n("train"), data.n("validation")) == (123, 20)
    assert data.description.n_pixel == N_PIXEL
    assert data.description.truth_names == TRUTHS
    data.check_same(data.description)


def test_data_sets_that_cannot_be_used(tmp_path, data):
    with pytest.raises(TrainingDataError, match="there is no data set .*nowhere: make one with `sfhsim generate`"):
        TrainingData(tmp_path / "nowhere")
    with pytest.raises(TrainingDataError, match="holds no manifest"):
        TrainingData(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(TrainingDataError, match="has not finished: run the same `sfhsim generate` again"):
        TrainingData(tmp_path)
    empty = TrainingData(write_dataset(tmp_path / "empty", [("train", 5), ("validation", 0)]))
    with pytest.raises(TrainingDataError, match="split 'validation' of .* is empty"):
        empty.n("validation")
    other = TrainingData(write_dataset(tmp_path / "other", n_band=1))
    with pytest.raises(TrainingDataError, match="has bands band0, the model has band0, band1"):
        other.check_same(data.description)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"schema_version": 99}, "schema version 99"),
        (
            lambda m: {name: value for name, value in m.items() if name != "shards"},
            "is damaged: shards: Field required",
        ),
        (lambda m: m | {"dimensions": 3}, "manifest.json is damaged: dimensions: .*sfhsim verify"),
        (lambda m: m | {"record": {"features": m["record"]["features"][:-1]}}, "have no feature 'truth'"),
        (
            lambda m: m | {"dimensions": m["dimensions"] | {"band": []}},
            "contradicts itself: feature 'photometry.*' has shape .2., its dimension says .0.",
        ),
    ],
)
def test_manifests_that_cannot_be_used(tmp_path, change, message):
    folder = write_dataset(tmp_path / "d")
    change_manifest(folder, change)
    with pytest.raises(TrainingDataError, match=message):
        TrainingData(folder)


def test_an_edited_manifest_is_refused(tmp_path):
    folder = write_dataset(tmp_path / "d")
    manifest = read_json(folder / "manifest.json")
    manifest["dimensions"]["pixel"]["wave_aa"] = (np.linspace(5000.0, 5110.0, N_PIXEL) * 1.05).tolist()
    write_json(folder / "manifest.json", manifest)
    with pytest.raises(TrainingDataError, match="was changed after it was written: .* `sfhsim verify .* --repair"):
        TrainingData(folder)
