"""The lock of a directory: one holder, whatever happens to its file."""

import os

import pytest

from sfhsim.lock import LOCK, FolderLock, LockHeld


def test_one_holder_that_is_named(tmp_path):
    with FolderLock(tmp_path) as lock:
        with pytest.raises(LockHeld, match=f"process {os.getpid()} on"):
            FolderLock(tmp_path)
        lock.release()
        with FolderLock(tmp_path):
            lock.release()  # again: nothing happens to the other's
            assert (tmp_path / LOCK).is_file()
    assert not (tmp_path / LOCK).exists()


def test_the_lock_of_a_file_that_is_gone_is_no_lock(tmp_path, monkeypatch):
    """The holder before us deletes its file after we opened it, and another process locks a new one."""
    import fcntl

    others, flock = [], fcntl.flock

    def delete_first(descriptor, how):
        if not others:
            (tmp_path / LOCK).unlink()
            others.append(None)
            others[0] = FolderLock(tmp_path)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with pytest.raises(LockHeld):
        FolderLock(tmp_path)
    others[0].release()


def test_another_process_s_file_is_left(tmp_path):
    with FolderLock(tmp_path):
        (tmp_path / LOCK).unlink()
        (tmp_path / LOCK).write_text("another's")
    assert (tmp_path / LOCK).read_text() == "another's"
