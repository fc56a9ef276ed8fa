"""A whole small run: what it leaves, what a second call does, and what stops it."""

import json
import shutil

import keras
import numpy as np
import pytest
from records_to_learn import change_manifest, records, replace_shard, sample_ids, write_dataset
from training_runs import small_config, small_dataset

from sfhmodel.errors import ConfigError, TrainingDataError, TrainingError
from sfhmodel.training import load_config, train
from sfhmodel.training.checkpoints import load_checkpoint
from sfhmodel.training.run_log import read_log


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return small_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    """Run directory of a finished run with a moving average, and its summary."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    return out, train(dataset, out, small_config(ema=0.5))


def _files(folder):
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in paths}


def test_what_it_leaves(finished):
    out, summary = finished
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert names == {
        *("config.yaml", "description.json", "model.keras", "checkpoints", "log.csv", "tensorboard"),
        *("curves.png", "summary.json"),
    }
    assert load_config(out / "config.yaml") == small_config(ema=0.5)
    assert json.loads((out / "summary.json").read_text()) == summary
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows = read_log(out / "log.csv")
    assert [row["step"] for row in rows] == [4, 8, 12]
    best = min(rows, key=lambda row: row["val_loss"])
    assert summary["best_epoch"] == best["epoch"]
    assert summary["best"]["val_loss"] == best["val_loss"]


def test_the_model_has_the_averaged_weights_of_the_best_epoch(finished, dataset):
    out, summary = finished
    model = keras.saving.load_model(out / "model.keras")
    best = load_checkpoint(out).best
    for variable, array in zip(model.variables, best, strict=True):
        if variable.trainable:
            np.testing.assert_array_equal(variable.numpy(), array)
    model.compile(jit_compile=False)
    from sfhmodel.data import TrainingData, batches

    found = model.evaluate(batches(TrainingData(dataset), "validation", 16, shuffle=False), verbose=0, return_dict=True)
    assert found["cumulative_error"] == pytest.approx(summary["best"]["val_cumulative_error"], rel=1e-5)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == summary["parameters"]


def test_tensorboard_has_every_epoch(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    out, _ = finished
    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    rows = read_log(out / "log.csv")
    for tag, column in {"training/loss": "loss", "validation/loss": "val_loss"}.items():
        found = {event.step: float(make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}
        assert found == pytest.approx({int(row["epoch"]): row[column] for row in rows})


def test_a_finished_run_is_left_alone(finished, dataset, capsys):
    out, summary = finished
    before = _files(out)
    assert train(dataset, out, small_config(ema=0.5), show_progress=True) == summary
    assert "has finished already: nothing to do" in capsys.readouterr().out
    assert _files(out) == before


def test_another_config_or_no_resuming_is_refused(finished, dataset):
    out, _ = finished
    before = _files(out)
    with pytest.raises(ConfigError, match=r"different: ema \(0.5 there, None wanted\), seed \(0 there, 1 wanted\)"):
        train(dataset, out, small_config(seed=1))
    with pytest.raises(ConfigError, match="holds a run already"):
        train(dataset, out, small_config(ema=0.5), resume=False)
    assert _files(out) == before


def _spoil(dataset, tmp_path, feature, value):
    """A copy of the data set in which row 5 of the first shard holds a value that is not finite."""
    from sfhsim.records.encoder import RecordEncoder

    folder = tmp_path / "spoilt"
    shutil.copytree(dataset, folder)
    content = records(np.arange(100, 190))
    content[feature][5, 1] = value
    encoder = RecordEncoder({name: values.shape[1] for name, values in content.items()})
    replace_shard(folder, 0, encoder.encode(sample_ids(folder, 0), content))
    return folder


@pytest.mark.parametrize(
    ("feature", "name", "value"),
    [("spectrum", "inputs/flux", np.inf), ("mass_fraction", "truths/mass_fraction", np.nan)],
)
def test_numbers_that_are_not_finite_stop_it(dataset, tmp_path, feature, name, value):
    out, spoilt = tmp_path / "run", _spoil(dataset, tmp_path, feature, value)
    # the sample for the normalisation must not see the record: it would be an error there
    config = small_config(steps_per_epoch=10, adapt_records=4)
    with pytest.raises(TrainingError, match=rf"training loss is not finite in epoch 1, step .*{name} in row") as caught:
        train(spoilt, out, config)
    assert "No epoch is kept" in str(caught.value)
    with np.load(out / "offending_batch.npz") as saved:
        assert not np.isfinite(saved[name]).all()
        assert 105 in saved["inputs/flux"][:, 0]
        assert saved["epoch"] == 1
        assert f"step {saved['step']}" in str(caught.value)
    assert not (out / "model.keras").exists()


@pytest.mark.parametrize("changes", [{}, {"epochs": None, "minutes": 1.0}])
def test_a_damaged_record_is_named(dataset, tmp_path, changes):
    spoilt = tmp_path / "spoilt"
    shutil.copytree(dataset, spoilt)
    shard = spoilt / "train-1.tfrecord"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2 + 150] ^= 1
    shard.write_bytes(content)
    # the sample for the normalisation meets it, or only the first steps do
    config = small_config(adapt_records=16 if changes else 160, **changes)
    with pytest.raises(TrainingDataError, match="shard train-1.tfrecord of .* is damaged: record 35: its checksum"):
        train(spoilt, tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_early_stopping(dataset, tmp_path):
    config = small_config(epochs=5, patience=1, learning_rate=1e-30, steps_per_epoch=1)
    summary = train(dataset, tmp_path / "run", config)
    assert summary["stopped_early"]
    assert (summary["best_epoch"], summary["epochs"]) == (1, 2)


def test_what_is_wrong_with_the_data_is_told_and_nothing_stays(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(TrainingDataError, match="neither the directory of a data set nor a recipe: .*phangs-muse-hst"):
        train(tmp_path / "missing", out, small_config())
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "plan.json").write_text("{}")
    with pytest.raises(TrainingDataError, match="has not finished"):
        train(tmp_path / "unfinished", out, small_config())
    few = write_dataset(tmp_path / "few", (("train", 90), ("validation", 99)))
    with pytest.raises(TrainingDataError, match="99 validation records are too few to calibrate"):
        train(few, out, small_config())
    with pytest.raises(TrainingDataError, match="has 90 records, less than one batch of 128"):
        train(few, out, small_config(batch_size=128))
    change_manifest(few, lambda manifest: manifest | {"schema_version": 9})
    with pytest.raises(TrainingDataError, match="schema version 9"):
        train(few, out, small_config())
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "transformer"}, "no architecture 'transformer': choose from attention, branched"),
        ({"architecture_options": {"depth": 3}}, "has no option depth"),
        ({"minutes": 1.0}, "minutes 1 and epochs 3: give one of them"),
        ({"monitor": "val_lass"}, "no metric 'val_lass' to monitor: choose from .*val_loss"),
    ],
)
def test_what_is_wrong_with_the_config_is_told_and_nothing_stays(dataset, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train(dataset, tmp_path / "run", small_config(**changes))
    assert not (tmp_path / "run").exists()
