"""Killed at any instant, the same command goes on, and the losses are those of a run that nobody killed."""

import random
import signal
import time

import numpy as np
import pytest
from training_runs import finish, small_dataset, start

from sfhmodel.training.run_log import NOT_METRICS, read_log

PATIENCE_S = 300.0
CHANGES = {"epochs": 4, "steps_per_epoch": 7, "ema": 0.8, "patience": 3}  # 7 steps: epochs begin within passes of 10


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return small_dataset(tmp_path_factory.mktemp("data") / "dataset")


def _kill_after(process, path, seconds):
    """Kill a process some time after a file or folder has appeared; whether it was still running."""
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists() and process.poll() is None:
        assert time.monotonic() < deadline, f"waited in vain for {path}"
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def test_the_losses_are_those_of_an_uninterrupted_run(dataset, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    moments = random.Random(20)
    uninterrupted = start(dataset, (whole, CHANGES))
    checkpoint = killed / "checkpoints" / "epoch-00001"
    assert _kill_after(start(dataset, (killed, CHANGES)), checkpoint, moments.uniform(0.0, 0.3))
    assert not (killed / "summary.json").exists()
    assert len(read_log(killed / "log.csv")) < CHANGES["epochs"] if (killed / "log.csv").exists() else True
    summary, expected_summary = finish(start(dataset, (killed, CHANGES)), uninterrupted)
    found, expected = read_log(killed / "log.csv"), read_log(whole / "log.csv")
    assert [row["epoch"] for row in found] == [1, 2, 3, 4]
    metrics = [name for name in expected[0] if name not in NOT_METRICS or name == "learning_rate"]
    assert {"loss", "val_loss", "val_cumulative_error", "learning_rate"} <= set(metrics)
    for name in metrics:
        np.testing.assert_allclose([r[name] for r in found], [r[name] for r in expected], rtol=1e-5, err_msg=name)
    assert len({row["loss"] for row in expected}) == len(expected)
    assert summary["best_epoch"] == expected_summary["best_epoch"]
    np.testing.assert_allclose(
        list(summary["calibration"].values()), list(expected_summary["calibration"].values()), rtol=1e-4
    )
