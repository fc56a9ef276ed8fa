"""Data sets of any number of samples: memory does not grow with it, a disk that is too small is named at the start."""

import shutil
import tracemalloc
from collections import deque, namedtuple

import pytest
from small_dataset import N_SAMPLES, contents

from sfhsim.errors import DatasetError
from sfhsim.generation import run, verify
from sfhsim.generation.job import ShardTask
from sfhsim.generation.processes import Processes
from sfhsim.generation.progress import Progress
from sfhsim.records.plan import Plan

HUGE = 10**12
Usage = namedtuple("Usage", "total used free")


def _free(monkeypatch, size):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**30, 0, size))


def test_memory_at_the_start_does_not_grow_with_the_number_of_samples(make, tmp_path, monkeypatch):
    _free(monkeypatch, 10**30)

    class Stopped(Exception):
        """After some shards."""

    counted = []

    def advance(self, count):
        counted.append(count)
        if len(counted) > 20:
            raise Stopped

    monkeypatch.setattr(Progress, "advance", advance)
    make(tmp_path / "warm", n_samples=2)  # what is imported and compiled with the first batch
    tracemalloc.start()
    try:
        with pytest.raises(Stopped):
            make(tmp_path / "huge", n_samples=HUGE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(list((tmp_path / "huge").glob("*.tfrecord"))) > 10
    assert peak < 5_000_000


def _tasks():
    """Without end: whoever makes a list of them never returns."""
    plan, k = Plan("", 0, HUGE, {"train": 1.0}, 10), 0
    while True:
        yield ShardTask(plan, plan.shards()[k], "")
        k += 1


def test_worker_processes_are_given_tasks_one_by_one():
    class Worker:
        def __init__(self):
            self.idle, self.tasks = True, deque()

        def give(self, task):
            self.tasks.append(task)
            self.idle = False

    engine = Processes(None, 0)
    engine._workers = [Worker(), Worker()]

    def messages():
        for worker in engine._workers:
            task = worker.tasks[0]
            yield worker, ("done", task.shard.first_id)
            yield worker, ("idle", None)

    engine._messages = messages
    receipts = engine.run(_tasks(), lambda count: None)
    assert [next(receipts) for _ in range(5)] == [0, 10, 20, 30, 40]


def test_a_finished_set_without_manifest_is_verified_one_receipt_at_a_time(dataset, monkeypatch):
    (dataset / "manifest.json").unlink()
    read, alive = verify.read_receipt, []

    def read_receipt(folder, shard):
        alive.append(shard.file)
        return read(folder, shard)

    monkeypatch.setattr(verify, "read_receipt", read_receipt)
    recorded = verify.read_recorded(dataset)
    assert alive == []
    assert recorded.listed is None
    assert [p.file for p in verify.verify_dataset(dataset).problems] == ["manifest.json"]
    assert len(alive) == len(recorded.plan.shards())


def test_no_room_is_said_before_anything_is_written(make, tmp_path, monkeypatch):
    _free(monkeypatch, 5 * 10**9)
    with pytest.raises(DatasetError, match=r"1000000000000 samples of \d+ bytes need [\d.,]+ TB.* 5\.0 GB are free"):
        make(tmp_path / "d", n_samples=HUGE)
    assert not (tmp_path / "d").exists()


def test_what_is_there_needs_no_more_room(make, dataset, uninterrupted, monkeypatch):
    first, second = sorted(dataset.glob("train*"))[:2]
    needed = first.stat().st_size + second.stat().st_size
    first.unlink()
    second.unlink()
    (dataset / "extra.tfrecord").write_bytes(bytes(10 * needed))
    _free(monkeypatch, needed // 2)
    before = contents(dataset)
    with pytest.raises(DatasetError, match=r"no room in .*: 150 samples of .* are there already .* 0\.0 MB are free"):
        make(dataset)
    assert contents(dataset) == before
    (dataset / "extra.tfrecord").unlink()
    _free(monkeypatch, needed + 1000 * len(uninterrupted))
    assert 0 < make(dataset).n_made < N_SAMPLES
    assert contents(dataset) == uninterrupted


def test_a_receipt_that_vanishes_is_named(make, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "read_receipt", lambda folder, shard: None)
    with pytest.raises(DatasetError, match=r"the receipt of train-00000-of-\d+\.tfrecord vanished"):
        make(tmp_path / "d")
    assert not (tmp_path / "d" / "manifest.json").exists()
