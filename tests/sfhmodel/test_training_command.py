"""`sfhmodel train`: options become the config, errors and interruptions a message; how minutes become epochs."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sfhmodel.cli.recalibrate import register as register_recalibrate
from sfhmodel.cli.train import register
from sfhmodel.errors import ConfigError
from sfhmodel.training import TrainingConfig, recalibration, run
from sfhmodel.training.config import config_yaml
from sfhmodel.training.pace import _settled, fit_to_minutes

SUMMARY = {"architecture": "a", "parameters": 5, "epochs": 2, "best_epoch": 1, "best": {"val_loss": 0.5}}


@pytest.fixture
def command(monkeypatch):
    """Function that runs the command with `train` replaced by one that notes its arguments."""
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)
    called = {}

    def invoke(*arguments, raises=None):
        def noted(data, out, config, show_progress):
            if raises is not None:
                raise raises
            called.update(data=data, out=out, config=config)
            return SUMMARY

        monkeypatch.setattr(run, "train", noted)
        return CliRunner().invoke(app, [str(a) for a in arguments]), called

    return invoke


def test_options_beat_settings_and_settings_beat_the_file(command, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(config_yaml(TrainingConfig(epochs=5, batch_size=64, seed=3, ema=0.9)))
    options = f"--config {path} --set epochs=6 --set batch_size=128 --set losses.mass_fraction.smape=2 --epochs 7"
    result, called = command("data", "--out", tmp_path / "run", *options.split(), "--no-augmentation")
    assert result.exit_code == 0
    assert called["data"] == "data"
    assert called["out"] == tmp_path / "run"
    assert called["config"] == TrainingConfig(
        epochs=7, batch_size=128, seed=3, ema=0.9, losses={"mass_fraction": {"smape": 2}}, augmentation=False
    )
    assert "a, 5 parameters, 2 epochs; best epoch 1 with val_loss 0.5000" in result.output


def test_without_options_the_config_is_the_default(command, tmp_path):
    _, called = command("data", "--out", tmp_path)
    assert called["config"] == TrainingConfig()


def test_a_start_from_a_trained_model(command, tmp_path):
    options = "--from runs/a --freeze spectrum --freeze noise --pull 0.5 --set transfer.normalization=fitted"
    _, called = command("data", "--out", tmp_path, *options.split(), "--epochs", 3)
    wanted = {"source": "runs/a", "freeze": ["spectrum", "noise"], "pull": 0.5, "normalization": "fitted"}
    assert called["config"] == TrainingConfig(epochs=3, transfer=wanted)
    assert called["config"].architecture == "source"


def test_what_belongs_to_a_start_needs_one(command, tmp_path):
    result, _ = command("data", "--out", tmp_path, "--freeze", "spectrum")
    assert isinstance(result.exception, ConfigError)
    assert "transfer.source: Field required" in str(result.exception)


def test_recalibrate(monkeypatch, tmp_path):
    app, called = typer.Typer(pretty_exceptions_enable=False), {}
    register_recalibrate(app)

    def noted(*arguments, **options):
        called.update(options, arguments=arguments)
        return {"said": "set on 500 galaxies"}

    monkeypatch.setattr(recalibration, "recalibrate", noted)
    result = CliRunner().invoke(app, ["a.keras", "data", "--out", "b.keras", "--split", "test", "--limit", "500"])
    assert result.output == "b.keras: set on 500 galaxies\n"
    assert called["arguments"] == ("a.keras", "data", Path("b.keras"))
    assert (called["split"], called["limit"], called["overwrite"]) == ("test", 500, False)


def test_bad_values_are_config_errors(command, tmp_path):
    result, called = command("data", "--out", tmp_path, "--precision", "float8", "--set", "nonsense=1")
    assert isinstance(result.exception, ConfigError)
    assert "precision: " in str(result.exception)
    assert "unknown key 'nonsense'" in str(result.exception)
    assert not called


def test_an_interruption_says_how_to_go_on(command, tmp_path):
    result, _ = command("data", "--out", tmp_path, raises=KeyboardInterrupt("interrupted; the same command goes on"))
    assert result.exit_code == 130
    assert "interrupted; the same command goes on" in result.output


def test_minutes_become_whole_epochs():
    config = TrainingConfig(minutes=10.0, steps_per_epoch=100)
    settled = _settled(config, 500, left_s=500.0, step_s=0.4, validation_s=9.0)
    assert (settled.epochs, settled.steps_per_epoch, settled.minutes) == (10, 100, 10.0)


def test_short_times_get_short_epochs():
    settled = _settled(TrainingConfig(minutes=1.0), 500, left_s=40.0, step_s=0.4, validation_s=0.0)
    assert (settled.epochs, settled.steps_per_epoch) == (10, 10)


def test_too_few_minutes():
    with pytest.raises(
        ConfigError, match="1 minutes are too few: start, compilation and calibration leave 20 s to train"
    ):
        _settled(TrainingConfig(minutes=1.0, steps_per_epoch=100), 500, left_s=20.0, step_s=0.4, validation_s=0.0)


def test_minutes_are_needed():
    with pytest.raises(ConfigError, match="there are no minutes to fit the epochs into"):
        fit_to_minutes(TrainingConfig(), None, None, None, 0.0)
