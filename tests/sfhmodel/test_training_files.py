"""Files of a run are whole or absent, checkpoints too, and a disk that refuses gets a clear error."""

import errno
import os

import numpy as np
import pytest

from sfhmodel.errors import SfhmodelWarning, TrainingError
from sfhmodel.training.checkpoints import Checkpoint, Progress, load_checkpoint, save_checkpoint
from sfhmodel.training.files import whole_run_file, write_text
from sfhsim.files import remove_partial_files
from sfhsim.folders import recover


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "a new text with \ud800")
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"


def test_a_failed_block_leaves_nothing(tmp_path):
    def write_half():
        with whole_run_file(tmp_path / "file.txt") as temporary:
            temporary.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TrainingError, match="cannot write .*file.txt: No space left on device; the last checkpoint is"):
        write_text(tmp_path / "file.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_has_gone_is_told(tmp_path):
    with pytest.raises(TrainingError, match="cannot write .*gone/file.txt: No such file or directory"):
        write_text(tmp_path / "gone" / "file.txt", "text")


def _checkpoint(epoch: int) -> Checkpoint:
    rng = np.random.default_rng(epoch)
    rows = [{"epoch": i + 1, "loss": rng.random()} for i in range(epoch)]
    arrays = [rng.normal(size=(3, 2)).astype(np.float32), np.array(epoch), rng.integers(0, 2**32, 2, dtype=np.uint32)]
    progress = Progress(epoch, rows, best_epoch=1, best_value=rng.random(), seconds=0.1)
    return Checkpoint(progress, arrays, arrays[::-1], arrays[:1])


def _assert_same(found: Checkpoint, expected: Checkpoint):
    assert found.progress == expected.progress
    for name in ("model", "optimizer", "best"):
        pairs = list(zip(getattr(found, name), getattr(expected, name), strict=True))
        assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def test_checkpoints_come_back_and_the_last_two_are_kept(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    assert load_checkpoint(tmp_path) is None
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path, _checkpoint(epoch))
        _assert_same(load_checkpoint(tmp_path), _checkpoint(epoch))
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["epoch-00002", "epoch-00003"]


@pytest.mark.parametrize("name", ["model.npz", "optimizer.npz", "best.npz", "progress.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, name, damage):
    (tmp_path / "checkpoints").mkdir()
    save_checkpoint(tmp_path, _checkpoint(1))
    save_checkpoint(tmp_path, _checkpoint(2))
    path = tmp_path / "checkpoints" / "epoch-00002" / name
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        content[content.index(b'"epoch"' if name == "progress.json" else b"\x93NUMPY") + 1] ^= 0xFF
        path.write_bytes(content)
    with pytest.warns(SfhmodelWarning, match="passing over the checkpoint .*epoch-00002"):
        _assert_same(load_checkpoint(tmp_path), _checkpoint(1))
    save_checkpoint(tmp_path, _checkpoint(2))
    _assert_same(load_checkpoint(tmp_path), _checkpoint(2))


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    (tmp_path / "checkpoints").mkdir()
    save_checkpoint(tmp_path, _checkpoint(1))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(TrainingError, match="No space left on device"):
            save_checkpoint(tmp_path, _checkpoint(2))
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["epoch-00001"]
    _assert_same(load_checkpoint(tmp_path), _checkpoint(1))


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    killed = whole_run_file(tmp_path / "model.keras")
    killed.__enter__().write_bytes(b"half")
    half = tmp_path / ".epoch-00001.0123abcd.sfhsim-new"
    half.mkdir()
    (half / "model.npz").write_bytes(b"half")
    write_text(tmp_path / "kept.txt", "")
    remove_partial_files(tmp_path)
    recover(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    killed.gen.close()
