"""Small adaptations: what they leave, how they go on, what stops them; and that they bring two worlds together."""

import json

import keras
import numpy as np
import pytest
import yaml
from small_model import N_PIXEL, description, inputs_and_truths, small_model
from training_runs import small_config, small_dataset
from typer.testing import CliRunner

import sfhsim
from sfhmodel.adaptation import adapt, adaptation_config
from sfhmodel.adaptation.model import OBSERVED, AdaptingModel
from sfhmodel.adaptation.observed import Observed
from sfhmodel.adaptation.run import batches_of
from sfhmodel.calibration import calibrate
from sfhmodel.cli.main import app
from sfhmodel.errors import ConfigError, InputError, TrainingDataError
from sfhmodel.inference import load
from sfhmodel.training.config import config_yaml
from sfhmodel.training.finish import new_model
from sfhmodel.training.run_log import NOT_METRICS, RunLog, read_log
from sfhmodel.training.sources import open_source

SMALL = {
    "batch_size": 32,
    "epochs": 3,
    "steps_per_epoch": 2,
    "validation_records": 64,
    "tolerance": 5.0,
    "jit_compile": False,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return small_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    """A few steps are done before a compiler has begun."""
    compile_ = AdaptingModel.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            AdaptingModel,
            "compile",
            lambda self, *args, **kwargs: compile_(self, *args, **{"run_eagerly": True, **kwargs}),
        )
        yield


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    """Directory of a run, of a network that has its constants and its calibration but learnt nothing."""
    out, config = tmp_path_factory.mktemp("runs") / "source", small_config()
    source = open_source(dataset)
    model = new_model(config, source)
    model.fit_normalization(source.sample(config))
    calibrate(model, source.validation(64, None))
    out.mkdir()
    model.save(out / "model.keras")
    (out / "config.yaml").write_text(config_yaml(config))
    (out / "summary.json").write_text(json.dumps({"data": str(dataset)}))
    return out


@pytest.fixture(scope="module")
def target(run, dataset, tmp_path_factory):
    """File of the same galaxies as they are seen by an instrument that is wrong towards the red."""
    wave_aa = load(run, backend="keras").description.wave_aa
    arrays = sfhsim.Dataset(dataset).arrays("train")
    tilt = np.linspace(0.7, 1.3, wave_aa.size)
    path = tmp_path_factory.mktemp("observed") / "redder.npz"
    spectra = {"flux": arrays["spectrum"] * tilt, "flux_error": arrays["spectrum_error"] * tilt}
    np.savez(path, wavelength=wave_aa, **spectra)
    return path


@pytest.fixture(scope="module")
def finished(run, target, tmp_path_factory):
    """Directory and summary of an adaptation to them."""
    out = tmp_path_factory.mktemp("runs") / "adapted"
    return out, adapt(run, [target], out, adaptation_config(SMALL))


def test_what_it_leaves(finished, run):
    out, summary = finished
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert names == {
        *("config.yaml", "description.json", "model.keras", "checkpoints", "log.csv", "tensorboard"),
        *("curves.png", "summary.json"),
    }
    assert json.loads((out / "summary.json").read_text()) == summary
    rows = read_log(out / "log.csv")
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert {"supervised", "mmd", "consistency", "val_selection", "val_cumulative_error"} <= set(rows[0])
    values = [summary["before"]["val_selection"], *(row["val_selection"] for row in rows)]
    assert summary["best_epoch"] == int(np.argmin(values))
    assert summary["adaptation"]["targets"] == [["redder.npz", 160]]
    assert 0.0 < summary["effective_share"] <= 1.0
    stored = yaml.safe_load((out / "config.yaml").read_text())
    assert stored["of"]["observed"] == 160
    assert stored["label_weights"] is True


def test_the_model_predicts_and_says_what_it_is(finished):
    out, summary = finished
    predictor = load(out, backend="keras")
    wave_aa = predictor.description.wave_aa
    found = predictor.predict(wave_aa, 1.0 + 0.0 * wave_aa, 0.1 + 0.0 * wave_aa)
    assert np.isfinite(found.mass_fraction).all()
    assert summary["best_epoch"]
    assert "no coverage of the intervals is promised" in predictor.description.adaptation["intervals"]
    assert any("adapted to 160 spectra without labels" in note for note in found.notes)


def test_it_is_left_alone_once_it_has_finished_and_others_are_refused(finished, run, dataset, target, capsys):
    out, summary = finished
    before = (out / "model.keras").stat().st_mtime_ns
    assert adapt(run, [target], out, adaptation_config(SMALL), show_progress=True) == summary
    assert "has finished already" in capsys.readouterr().out
    assert (out / "model.keras").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="another adaptation; different: seed, observed_sha256|different: seed"):
        adapt(run, [dataset], out, adaptation_config(SMALL | {"seed": 1}))
    with pytest.raises(ConfigError, match="holds no adaptation"):
        adapt(run, [dataset], run, adaptation_config(SMALL))


def test_the_command_does_what_the_function_does(finished, run, target, tmp_path):
    """With how files are to be read, and changes of the config."""
    observed = np.load(target)
    renamed = {"wave": observed["wavelength"], "a": observed["flux"], "b": observed["flux_error"]}
    np.savez(tmp_path / "renamed.npz", **renamed)
    command = ["adapt", str(run), str(tmp_path / "renamed.npz"), "--out", str(tmp_path / "run")]
    command += ["--flux-column", "a", "--error-column", "b", "--epochs", "1", "--batch-size", "32"]
    for name in ("steps_per_epoch", "validation_records", "tolerance", "jit_compile"):
        command += ["--set", f"{name}={str(SMALL[name]).lower()}"]
    command += ["--same-prior", "--loss", "coral=0", "--redshift", "0"]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    assert "160 spectra" in found.output.replace("\n", " ") or "is kept" in found.output
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["adaptation"]["targets"] == [["renamed.npz", 160]]
    assert set(summary["losses"]) == {"supervised", "mmd", "consistency"}
    assert summary["effective_share"] == 1.0


def test_interrupted_it_goes_on_as_if_it_had_not_been(finished, run, target, tmp_path, monkeypatch):
    out = tmp_path / "again"
    add = RunLog.add

    def interrupted(log, rows):
        add(log, rows)
        if len(rows) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunLog, "add", interrupted)
        with pytest.raises(KeyboardInterrupt, match="goes on from the last checkpoint"):
            adapt(run, [target], out, adaptation_config(SMALL))
    assert len(read_log(out / "log.csv")) == 1
    assert not (out / "model.keras").exists()
    summary = adapt(run, [target], out, adaptation_config(SMALL))
    expected, found = read_log(finished[0] / "log.csv"), read_log(out / "log.csv")
    for name in expected[0]:
        if name not in NOT_METRICS or name == "learning_rate":
            np.testing.assert_allclose([r[name] for r in found], [r[name] for r in expected], rtol=1e-4, err_msg=name)
    assert summary["best_epoch"] == finished[1]["best_epoch"]


def test_the_network_as_it_was_is_kept_where_nothing_is_better(run, dataset, tmp_path):
    config = adaptation_config(SMALL | {"epochs": 1, "steps_per_epoch": 1, "learning_rate": 1.0, "tolerance": 0.0})
    summary = adapt(run, [dataset], tmp_path / "out", config)
    assert summary["best_epoch"] == 0
    before, after = (load(folder, backend="keras") for folder in (run, tmp_path / "out"))
    assert after.description.adaptation == {}
    for ours, theirs in zip(after.model.variables, before.model.variables, strict=True):
        if ours.trainable:
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def _spectra(path, n):
    wave = np.linspace(4990.0, 5120.0, 40)
    columns = [wave, *(1.0 + 0.1 * np.sin(wave / (5.0 + k)) for k in range(n))]
    np.savetxt(path, np.array(columns).T)
    return path


def test_what_is_wrong_with_targets_and_data_is_told_and_nothing_stays(run, dataset, tmp_path):
    out = tmp_path / "out"
    table = _spectra(tmp_path / "few.txt", 1)
    with pytest.raises(InputError, match="1 observed spectra can be used, an adaptation needs at least 100"):
        adapt(run, [table], out)
    with pytest.raises(InputError, match="0 observed spectra .*no-such"):
        adapt(run, [tmp_path / "no-such.txt"], out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingDataError, match="empty"):
        adapt(run, [tmp_path / "empty"], out)
    with pytest.raises(ConfigError, match="does not say what it was trained on: .*--dataset"):
        adapt(run / "model.keras", [dataset], out)
    with pytest.raises(TrainingDataError, match="neither the directory of a data set nor a recipe"):
        adapt(run, [dataset], out, dataset=tmp_path / "gone")
    assert not out.exists()


def test_observed_spectra_are_parted_once_and_for_all():
    inputs, _ = inputs_and_truths(50)
    observed = Observed(inputs, (("made up", 50),))
    kept, held = observed.parted(0.2, seed=3)
    assert (len(kept["flux"]), len(held["flux"])) == (40, 10)
    both = np.concatenate([kept["flux"], held["flux"]])
    assert np.array_equal(np.sort(both[:, 0]), np.sort(inputs["flux"][:, 0]))
    assert np.array_equal(observed.parted(0.2, seed=3)[1]["flux"], held["flux"])


def _worlds(n, seed):
    """A batch of one world with truths, and of another: redder, with weaker lines."""
    (inputs, truths), (other, _) = (inputs_and_truths(n, seed=seed + k) for k in range(2))
    tilt = (1.0 + 0.3 * np.linspace(-1.0, 1.0, N_PIXEL)).astype("float32")
    other["flux"] = other["flux"] * tilt
    return inputs | {OBSERVED + name: values for name, values in other.items()}, truths


def test_worlds_come_together_under_every_term_and_labels_are_kept():
    core = small_model("branched")
    everything = {"consistency": 0.1, "reconstruction": 0.1, "adversarial": 0.01}
    config = adaptation_config({"losses": everything, "epochs": 1, "steps_per_epoch": 60, "ramp": 0.2})
    model = AdaptingModel(core, config)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), jit_compile=False, run_eagerly=False)
    batches = [_worlds(64, seed) for seed in range(0, 40, 2)]
    inputs, _ = _worlds(256, 90)
    model.refer_to(
        {name: v for name, v in inputs.items() if not name.startswith(OBSERVED)},
        {name.removeprefix(OBSERVED): v for name, v in inputs.items() if name.startswith(OBSERVED)},
    )
    before = model.evaluate(batches_of(batches[:2]), steps=2, verbose=0)
    model.fit(batches_of(3 * batches), steps_per_epoch=60, shuffle=False, verbose=0)
    after = model.evaluate(batches_of(batches[:2]), steps=2, verbose=0)
    assert after["mmd"] < 0.5 * before["mmd"]
    assert after["coral"] < before["coral"]
    assert after["supervised"] < 1.1 * before["supervised"]
    assert after["reconstruction"] < before["reconstruction"]
    assert model.core.description.dataset_name == description().dataset_name
    assert float(model.taken) == 60.0


def test_an_epoch_that_forgets_the_labels_comes_last():
    model = AdaptingModel(small_model("branched"), adaptation_config({"losses": {"transport": 0.0, "coral": 0.0}}))
    model.compile(jit_compile=False)
    batch = _worlds(32, 0)
    found = model.evaluate(batches_of([batch]), steps=1, verbose=0)
    assert found["selection"] == pytest.approx(found["discrepancy"])
    model.start.assign([0.5 * found["supervised"], found["selection"]])
    assert model.evaluate(batches_of([batch]), steps=1, verbose=0)["selection"] > 1000.0
