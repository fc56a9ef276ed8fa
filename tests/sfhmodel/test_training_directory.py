"""Whose directory it is: taken, recognised, or refused with the reason."""

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest

from sfhmodel.description import ModelDescription
from sfhmodel.errors import ConfigError, TrainingError
from sfhmodel.training import TrainingConfig
from sfhmodel.training.directory import read_description, read_summary, run_directory, store_config, stored_config


@pytest.fixture
def description() -> ModelDescription:
    return ModelDescription(
        wave_aa=np.linspace(5000.0, 5100.0, 4),
        age_bin_edges_yr=np.array([0.0, 1e9, 1.38e10]),
        bands=({"name": "u"},),
        truth_names=("a_v_mag",),
        dataset_name="one",
        dataset_sha256="ab" * 32,
    )


CONFIG = TrainingConfig(epochs=3, steps_per_epoch=10)


def test_the_run_is_recognised(tmp_path, description):
    with run_directory(tmp_path / "run"):
        assert stored_config(tmp_path / "run", TrainingConfig(), description) is None
        store_config(tmp_path / "run", CONFIG, description)
    assert stored_config(tmp_path / "run", TrainingConfig(), description) == CONFIG
    assert read_description(tmp_path / "run").to_dict() == description.to_dict()
    assert read_summary(tmp_path / "run") is None


def test_another_config_names_the_keys(tmp_path, description):
    store_config(tmp_path, CONFIG, description)
    wanted = TrainingConfig(epochs=4, seed=5)
    with pytest.raises(ConfigError, match=r"different: epochs \(3 there, 4 wanted\), seed \(0 there, 5 wanted\)\. To"):
        stored_config(tmp_path, wanted, description)


@pytest.mark.parametrize("change", [{"dataset_sha256": "cd" * 32}, {"recipe": {"name": "x"}}])
def test_other_data_are_refused(tmp_path, description, change):
    store_config(tmp_path, CONFIG, description)
    with pytest.raises(ConfigError, match="holds a run on other data: 'one' with manifest abababababab"):
        stored_config(tmp_path, CONFIG, replace(description, **change))


def test_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match=r"holds something else \(thesis.tex\)"), run_directory(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_is_no_directory(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file, or in one"), run_directory(tmp_path / name):
        pass


def test_nothing_stays_of_a_run_that_never_began(tmp_path):
    with run_directory(tmp_path / "run"):
        assert (tmp_path / "run").is_dir()
    assert not (tmp_path / "run").exists()
    with run_directory(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def _hold(folder, held, release):
    with run_directory(folder):
        held.set()
        release.wait()


def test_two_processes_do_not_train_in_one_directory(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, release))
    other.start()
    try:
        assert held.wait(60.0)
        with pytest.raises(ConfigError, match=rf"another process \(process {other.pid} on"), run_directory(tmp_path):
            pass
    finally:
        release.set()
        other.join()
    with run_directory(tmp_path):
        pass


def test_the_lock_goes_when_it_is_released_unless_it_is_another_process_s(tmp_path):
    with run_directory(tmp_path):
        assert (tmp_path / ".lock").is_file()
        (tmp_path / "config.yaml").write_text("a run")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints", "config.yaml"]
    with run_directory(tmp_path):
        (tmp_path / ".lock").unlink()
        (tmp_path / ".lock").write_text("another process that came when the file was gone")
    assert (tmp_path / ".lock").is_file()


def test_a_run_killed_while_it_started_is_no_obstacle(tmp_path, description):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "description.json").write_text("{}")
    (tmp_path / ".lock").write_text("process 1 on somewhere")
    with run_directory(tmp_path):
        assert stored_config(tmp_path, CONFIG, description) is None
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_are_named(tmp_path):
    for name in ("description.json", "summary.json"):
        (tmp_path / name).write_text("{")
    with pytest.raises(ConfigError, match="description.json is missing or damaged"):
        read_description(tmp_path)
    with pytest.raises(TrainingError, match="summary.json is damaged"):
        read_summary(tmp_path)
