"""On a Dask cluster of real worker processes, one of them killed in mid-run: the same bytes."""

import dataclasses
import os
import signal
import threading
import time

import pytest
import yaml
from small_dataset import N_SAMPLES, SHARD_BYTES, contents

from sfhsim import generate_dataset
from sfhsim.errors import DatasetError

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("_quiet")]


@pytest.fixture
def _quiet(monkeypatch):
    import logging

    for name in ("distributed", "distributed.nanny", "distributed.scheduler", "distributed.worker"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)


@pytest.fixture(scope="module")
def cluster(installed):
    """Two worker processes on this machine."""
    import dask

    with (
        pytest.MonkeyPatch.context() as patch,
        dask.config.set({"distributed.scheduler.allowed-failures": 10}),
    ):
        patch.setenv("SFHSIM_HOME", str(installed))
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            yield cluster


def _on_cluster(recipe, folder, cluster, n_samples=N_SAMPLES):
    return generate_dataset(
        str(recipe),
        n_samples,
        folder,
        seed=7,
        shard_bytes=SHARD_BYTES,
        engine="dask",
        scheduler=cluster.scheduler_address,
    )


def _kill_a_worker_after(folder, cluster, killed):
    """Once a shard is there, SIGKILL the process of one worker."""
    with distributed.Client(cluster) as client:
        pids = client.run(os.getpid)
        while not list(folder.glob("*.tfrecord")):
            time.sleep(0.005)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        killed.append(len(list(folder.glob("*.tfrecord"))))


def test_a_killed_worker_does_not_change_a_byte(recipe, uninterrupted, cluster, tmp_path):
    folder, killed = tmp_path / "d", []
    killer = threading.Thread(target=_kill_a_worker_after, args=(folder, cluster, killed))
    killer.start()
    _on_cluster(recipe, folder, cluster)
    killer.join()
    assert contents(folder) == uninterrupted
    assert killed[0] < len([name for name in uninterrupted if name.endswith(".tfrecord")])


def test_a_mixture_on_the_cluster(recipe_content, cluster, tmp_path):
    worlds = [{"name": "a"}, {"name": "b", "override": {"metallicity": {"form": "constant"}}}]
    (tmp_path / "many.yaml").write_text(yaml.safe_dump({**recipe_content, "worlds": worlds}))
    _on_cluster(tmp_path / "many.yaml", tmp_path / "there", cluster)
    generate_dataset(str(tmp_path / "many.yaml"), N_SAMPLES, tmp_path / "here", seed=7, shard_bytes=SHARD_BYTES)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_errors_on_the_cluster_arrive_as_they_are(dataset, cluster, tmp_path):
    from sfhsim.generation.dataset_simulator import job_of
    from sfhsim.generation.job import ShardTask
    from sfhsim.generation.shards import make_shard
    from sfhsim.records.plan import Plan
    from sfhsim.records.plan_document import read_plan

    document = read_plan(dataset)
    plan, good = Plan.from_dict(document["plan"]), job_of(dataset, document)
    task = ShardTask(plan, plan.shards()[0], str(dataset))
    bad = {
        "is of another data set than plan.json": dataclasses.replace(good, blake3="0" * 64),
        "does not see the data set in": dataclasses.replace(good, compiled=str(tmp_path / "elsewhere" / "compiled")),
        "makes other bytes than": dataclasses.replace(good, probes={"blake3": {}}),
    }
    with distributed.Client(cluster) as client:
        for message, wrong in bad.items():
            with pytest.raises(DatasetError, match=message):
                client.submit(make_shard, wrong, task, pure=False).result()


def test_no_scheduler(make, tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="needs a scheduler's address"):
        make(tmp_path / "d", engine="dask")
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(DatasetError, match="no Dask scheduler answers at tcp://127.0.0.1:9"),
    ):
        make(tmp_path / "d", engine="dask", scheduler="tcp://127.0.0.1:9")
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(DatasetError, match=r"pip install sfhsim\[dask\]"):
        make(tmp_path / "d", engine="dask", scheduler="tcp://127.0.0.1:9")
