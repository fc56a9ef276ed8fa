"""Runs that start from a trained model: what they keep, how they go on without it, few labels, and what stops them."""

import json
import shutil

import keras
import numpy as np
import pytest
from records_to_learn import write_dataset
from training_runs import finish, small_config, small_dataset, start

from sfhmodel import load
from sfhmodel.errors import ConfigError, ModelFileError, SfhmodelWarning, TrainingDataError, TrainingError
from sfhmodel.files import file_sha256
from sfhmodel.training import TrainingConfig, config_from_dict, loop, recalibrate, train
from sfhmodel.training.config import differing_keys, load_config
from sfhmodel.training.run_log import read_log
from sfhmodel.training.transfer.network_graph import NetworkGraph

TUNING = {"epochs": 3, "steps_per_epoch": 2, "augmentation": False, "jit_compile": False}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Run directory of a small finished run."""
    folder = tmp_path_factory.mktemp("source")
    train(small_dataset(folder / "dataset"), folder / "run", small_config(epochs=1, augmentation=False))
    return folder / "run"


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A data set with a band more."""
    shards = (("train", 60), ("validation", 110))
    return write_dataset(tmp_path_factory.mktemp("other") / "dataset", shards, n_band=3)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A data set of too few galaxies to calibrate with."""
    return write_dataset(tmp_path_factory.mktemp("few") / "dataset", (("train", 40), ("validation", 20)))


def tuning(source, changes=None, **transfer) -> TrainingConfig:
    return config_from_dict(TUNING | {"transfer": {"source": str(source), **transfer}} | (changes or {}))


@pytest.fixture(scope="module")
def finished(source, other, tmp_path_factory):
    """Run directory of a finished run from the source, and its summary."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    return out, train(other, out, tuning(source, freeze=["spectrum", "decoder"], pull=0.1))


def test_what_it_keeps(finished, source):
    out, summary = finished
    said = json.loads((out / "transfer.json").read_text())
    assert said["sha256"] == file_sha256(source / "model.keras")
    assert said["start_sha256"] == file_sha256(out / "start.npz")
    assert summary["transfer"] == said
    assert said["source"] == str(source)
    assert {layer["name"]: layer["said"] for layer in said["layers"]}["photometry_dense_0"] == (
        "in part; starting at 0: band band2"
    )
    config = load_config(out / "config.yaml")
    assert (config.architecture, config.architecture_options["spectrum_units"]) == ("branched", 8)
    assert (config.batch_size, config.weight_decay) == (15, 0.0)  # at least four batches in a pass


def test_frozen_weights_are_the_source_s_and_others_moved(finished, source):
    model, origin = (NetworkGraph(keras.saving.load_model(run / "model.keras")) for run in (finished[0], source))
    frozen = finished[1]["transfer"]["frozen"]
    assert set(model.layers) > set(frozen) >= {"spectrum_conv_0", "history_decoder_0"}
    for name in set(model.layers) - {"photometry_dense_0"}:
        pairs = zip(model.layers[name].variables, origin.layers[name].variables, strict=True)
        same = [np.array_equal(mine.numpy(), theirs.numpy()) for mine, theirs in pairs]
        assert all(same) if name in frozen else not any(same), name
    assert all(variable.trainable for layer in model.layers.values() for variable in layer.variables)


def test_intervals_are_set_anew_and_the_description_says_on_what(finished):
    out, summary = finished
    described = json.loads((out / "description.json").read_text())["calibration"]
    assert described == load(out).description.calibration
    assert (described["promised"], described["n"], described["data"]) == (True, 110, "tiny")
    assert summary["calibration"]["said"] == described["said"]
    assert "set on 110 galaxies of tiny, over all noise together: 68% intervals" in described["said"]


def test_with_few_labels_no_coverage_is_promised(source, few, tmp_path, capsys):
    changes = {"batch_size": 512, "epochs": 1}
    summary = train(few, tmp_path / "run", tuning(source, changes, freeze=["spectrum"]), show_progress=True)
    shown = capsys.readouterr().out
    assert f"from {source} (sha256 {file_sha256(source / 'model.keras')[:12]}): " in shown
    assert "carried, frozen" in shown
    assert load_config(tmp_path / "run" / "config.yaml").batch_size == 10
    assert summary["calibration"]["promised"] is False
    described = json.loads((tmp_path / "run" / "description.json").read_text())["calibration"]
    assert described["said"] == (
        "20 validation galaxies of tiny are fewer than 100: intervals are corrected as the source's; no coverage is "
        "promised"
    )
    with pytest.warns(SfhmodelWarning, match="run: 20 validation galaxies of tiny are fewer than 100"):
        model = load(tmp_path / "run").model
    origin = load(source).model
    for name in ("cumulative", "metallicity", "summary"):
        correction = getattr(origin, name).correction.numpy()
        assert correction.any()
        np.testing.assert_array_equal(getattr(model, name).correction.numpy(), correction)


def interrupted_after(monkeypatch, epochs: int):
    """Have training end as by a signal, when so many epochs are in a checkpoint."""
    one_epoch = loop._one_epoch

    def killed(job, model, progress, feed):
        if progress.epoch >= epochs:
            raise KeyboardInterrupt
        return one_epoch(job, model, progress, feed)

    monkeypatch.setattr(loop, "_one_epoch", killed)


def test_it_goes_on_without_the_source(finished, source, other, tmp_path, monkeypatch):
    """Ended before its first checkpoint and after it, its log is that of the run that nobody ended."""
    gone = tmp_path / "source"
    shutil.copytree(source, gone)
    config, out = tuning(gone, freeze=["spectrum", "decoder"], pull=0.1), tmp_path / "run"
    for epochs in (0, 1):
        with monkeypatch.context() as patch:
            interrupted_after(patch, epochs)
            with pytest.raises(KeyboardInterrupt):
                train(other, out, config)
        if gone.exists():
            shutil.rmtree(gone)
    train(other, out, config)
    found, expected = read_log(out / "log.csv"), read_log(finished[0] / "log.csv")
    for name in ("loss", "val_loss", "val_cumulative_error"):
        np.testing.assert_allclose([r[name] for r in found], [r[name] for r in expected], rtol=1e-5, err_msg=name)


def test_a_start_that_is_damaged_or_another_source_stops_it(source, few, tmp_path, monkeypatch):
    copied, out = tmp_path / "source", tmp_path / "run"
    shutil.copytree(source, copied)
    with monkeypatch.context() as patch:
        interrupted_after(patch, 0)
        with pytest.raises(KeyboardInterrupt):
            train(few, out, tuning(copied))
    recalibrate(source, source.parent / "dataset", copied / "model.keras", limit=120, overwrite=True)
    with pytest.raises(ConfigError, match="holds a run that started from .* when its sha256 was"):
        train(few, out, tuning(copied))
    (out / "start.npz").write_bytes((out / "start.npz").read_bytes()[:-1])
    with pytest.raises(TrainingError, match=r"transfer.json or start.npz beside it is missing or damaged .*sha256"):
        train(few, out, tuning(copied))


@pytest.mark.parametrize(
    ("changes", "transfer", "error", "message"),
    [
        ({"architecture": "attention"}, {}, ConfigError, "whose architecture is branched, and the config asks for att"),
        ({}, {"freeze": ["colours"]}, ConfigError, "no layer or branch 'colours' to freeze: the branches are spectrum"),
        ({}, {"source": "nowhere.keras"}, ModelFileError, "there is no model file nowhere.keras"),
        ({"monitor": "val_lass"}, {}, ConfigError, "no metric 'val_lass' to monitor"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_stays(source, few, tmp_path, changes, transfer, error, message):
    with pytest.raises(error, match=message):
        train(few, tmp_path / "run", tuning(**{"source": source, "changes": changes} | transfer))
    assert not (tmp_path / "run").exists()


def test_keys_of_a_transfer():
    config = config_from_dict({"transfer": {"source": "a"}, "learning_rate": 0.1})
    assert (config.architecture, config.learning_rate, config.weight_decay) == ("source", 0.1, 0.0)
    assert TrainingConfig().learning_rate != config_from_dict({"transfer": {"source": "a"}}).learning_rate
    with pytest.raises(ConfigError, match="unknown key 'transfer.frieze': the keys are source, freeze, pull"):
        config_from_dict({"transfer": {"source": "a", "frieze": []}})
    with pytest.raises(ConfigError, match=r"transfer.pull: .*\(got -1"):
        config_from_dict({"transfer": {"source": "a", "pull": -1}})


def test_what_the_source_decides_does_not_differ():
    wanted = config_from_dict({"transfer": {"source": "a"}})
    there = wanted.replaced(architecture="branched", architecture_options={"filters": [2]}, epochs=7)
    assert differing_keys(there, wanted) == []
    assert differing_keys(there, wanted.replaced(transfer={"source": "b"})) == ["transfer"]
    assert differing_keys(there, wanted.replaced(architecture_options={"filters": [4]})) == ["architecture_options"]


@pytest.mark.slow
def test_on_jax(source, other, finished, tmp_path):
    pytest.importorskip("jax")
    changes = {"transfer": {"source": str(source), "freeze": ["spectrum", "decoder"], "pull": 0.1}}
    config = TUNING | {"epochs": 1, "steps_per_epoch": 1, "learning_rate": 5e-4, "batch_size": 15} | changes
    named = {"architecture": "branched", "architecture_options": {}, "warmup_steps": 0}
    quick = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    (summary,) = finish(start(other, (tmp_path / "run", config | named), **quick))
    assert summary["versions"]["backend"] == "jax"
    for key in ("layers", "frozen", "constants", "sha256"):
        assert summary["transfer"][key] == finished[1]["transfer"][key]
    model, origin = (NetworkGraph(keras.saving.load_model(run / "model.keras")) for run in (tmp_path / "run", source))
    for name in summary["transfer"]["frozen"]:
        for mine, theirs in zip(model.layers[name].variables, origin.layers[name].variables, strict=True):
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


# --- recalibration ----------------------------------------------------------------------------------------------


def test_recalibrated_weights_stay_and_intervals_change(source, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", (("train", 10), ("validation", 150)))
    found = recalibrate(source, dataset, tmp_path / "new.keras")
    model, origin = load(tmp_path / "new.keras").model, load(source).model
    assert found["n"] == 150
    assert model.description.calibration["said"] == found["said"]
    assert "150 galaxies of tiny (validation)" in found["said"]
    for mine, theirs in zip(model.network.variables, origin.network.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    assert np.abs(model.metallicity.correction.numpy() - origin.metallicity.correction.numpy()).max() > 1e-3


def test_what_cannot_be_recalibrated(source, few, other, tmp_path):
    out = tmp_path / "new.keras"
    with pytest.raises(TrainingDataError, match="20 validation samples are too few to calibrate"):
        recalibrate(source, few, out)
    with pytest.raises(TrainingDataError, match="has bands band0, band1, band2, the model has band0, band1"):
        recalibrate(source, other, out)
    with pytest.raises(ConfigError, match="new.h5: the name of a model file ends in .keras"):
        recalibrate(source, few, tmp_path / "new.h5")
    assert not any(tmp_path.iterdir())
    out.write_text("mine")
    with pytest.raises(ConfigError, match="new.keras exists"):
        recalibrate(source, few, out)
    assert out.read_text() == "mine"
