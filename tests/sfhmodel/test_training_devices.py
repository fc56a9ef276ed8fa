"""The same losses on two devices, or in two processes, as on one; and what TF_CONFIG must look like."""

import json
import socket

import keras
import numpy as np
import pytest
from training_runs import finish, small_dataset, start

from sfhmodel.errors import ConfigError
from sfhmodel.training.distribution import devices, is_first_worker
from sfhmodel.training.run_log import read_log

CHANGES = {"epochs": 2, "augmentation": False}  # random effects differ from device to device


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return small_dataset(tmp_path_factory.mktemp("data") / "dataset")


def _losses(run):
    return [[row[name] for row in read_log(run / "log.csv")] for name in ("loss", "val_loss", "val_cumulative_error")]


@pytest.mark.parametrize(
    ("backend", "environment"),
    [
        ("tensorflow", {"LOGICAL_DEVICES": "2"}),
        pytest.param("jax", {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}, marks=pytest.mark.slow),
    ],
)
def test_two_devices_learn_what_one_does(dataset, tmp_path, backend, environment):
    one, two = tmp_path / "one", tmp_path / "two"
    runs = (one, CHANGES), (two, CHANGES | {"distribution": "data_parallel"})
    (summary,) = finish(start(dataset, *runs, KERAS_BACKEND=backend, **environment))
    assert summary["devices"] == 2
    np.testing.assert_allclose(_losses(two), _losses(one), rtol=2e-4)


def _free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def test_two_workers_learn_what_one_does(dataset, tmp_path):
    workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    one, two = tmp_path / "one", tmp_path / "two"
    configs = [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}) for index in (0, 1)
    ]
    changes = CHANGES | {"distribution": "multi_worker"}
    processes = [start(dataset, (two, changes), KERAS_BACKEND="tensorflow", TF_CONFIG=each) for each in configs]
    finish(start(dataset, (one, CHANGES), KERAS_BACKEND="tensorflow"))
    summaries = finish(*processes)
    assert [summary["devices"] for summary in summaries] == [2, 2]
    np.testing.assert_allclose(_losses(two), _losses(one), rtol=2e-4)


def _config(kind, index, **cluster):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_who_writes_the_run_directory():
    assert is_first_worker(_config("worker", 0, worker=["a:1", "b:1"]))
    assert not is_first_worker(_config("worker", 1, worker=["a:1", "b:1"]))
    assert is_first_worker(_config("chief", 0, chief=["a:1"], worker=["b:1"]))
    assert not is_first_worker(_config("worker", 0, chief=["a:1"], worker=["b:1"]))


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", _config("worker", 2, worker=["a:1"]), _config("ps", 0)])
def test_bad_tf_config(text):
    with pytest.raises(ConfigError, match="TF_CONFIG.*like|needs the environment variable TF_CONFIG"):
        is_first_worker(text)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow can do it")
def test_several_workers_need_tensorflow():
    with pytest.raises(ConfigError, match="multi_worker does not work on"), devices("multi_worker", 4):
        pass
