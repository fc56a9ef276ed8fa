"""Folders that are whole or absent: killed at every step of an overwrite, two at once, full disks; names of files."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sfhsim import files, folders, lock
from sfhsim.errors import DatasetError, LibraryError, MissingDataError
from sfhsim.names import NAME_PATTERN, check_name, name_from

PROGRAM = Path(__file__).with_name("files_overwritten.py")


def _fill(folder, text):
    (folder / "content").write_text(text)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _can_exchange(folder):
    for name in "ab":
        (folder / name).mkdir()
    return folders.exchange(folder / "a", folder / "b")


@pytest.mark.parametrize("how", ["exchange", "renames"])
def test_killed_at_every_step_of_an_overwrite(tmp_path, how):
    if how == "exchange" and not _can_exchange(tmp_path):
        pytest.skip("this file system cannot exchange two folders in one step")
    (tmp_path / "place").mkdir()
    done = subprocess.run([sys.executable, PROGRAM, tmp_path / "place", how], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["ends"] >= 30
    assert counts["old"] > 5
    assert counts["new"] > 5
    assert counts["hidden"] > 5
    assert (counts["missing"] == 0) == (how == "exchange")


def test_a_folder_takes_its_name_at_the_end(tmp_path):
    place = tmp_path / "deep" / "place"
    with folders.whole_folder(place) as folder:
        _fill(folder, "first")
        assert not place.exists()
    with folders.whole_folder(place, overwrite=True) as folder:
        _fill(folder, "second")
    assert (place / "content").read_text() == "second"
    assert _names(place.parent) == ["place"]


def test_without_overwrite_the_first_stays(tmp_path):
    place = tmp_path / "place"
    first, second = folders.whole_folder(place), folders.whole_folder(place)
    _fill(first.__enter__(), "mine")
    with second as theirs:
        _fill(theirs, "theirs")
    with pytest.raises(FileExistsError):
        first.__exit__(None, None, None)
    assert (place / "content").read_text() == "theirs"
    assert _names(tmp_path) == ["place"]


def test_a_file_of_that_name_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "place").write_text("mine")
    with pytest.raises(OSError), folders.whole_folder(tmp_path / "place") as folder:
        _fill(folder, "other")
    assert (tmp_path / "place").read_text() == "mine"
    assert _names(tmp_path) == ["place"]


@pytest.mark.parametrize("exchanged", [True, False])
def test_a_rename_that_fails_leaves_the_old_folder(tmp_path, monkeypatch, exchanged):
    place, real = tmp_path / "place", os.rename
    with folders.whole_folder(place) as folder:
        _fill(folder, "old")

    def rename(source, target):
        if Path(target) == place and "sfhsim-new" in str(source) and place.exists() != moved:
            raise OSError(errno.EIO if moved else errno.ENOTEMPTY, "no")
        real(source, target)

    moved = not exchanged
    monkeypatch.setattr(folders.os, "rename", rename)

    def exchange(first, second):
        if exchanged:
            raise OSError(errno.EROFS, "Read-only file system")
        return False

    monkeypatch.setattr(folders, "exchange", exchange)
    with (
        pytest.raises(OSError, match="Read-only" if exchanged else "no"),
        folders.whole_folder(place, overwrite=True) as folder,
    ):
        _fill(folder, "new")
    assert (place / "content").read_text() == "old"
    assert _names(tmp_path) == ["place"]


def test_what_a_living_process_makes_is_left_alone(tmp_path):
    with folders.scratch_folder(tmp_path, "mine") as folder:
        folders.recover(tmp_path)
        assert folder.is_dir()
        with folders.whole_folder(tmp_path / "other") as other:
            _fill(other, "content")
        assert folder.is_dir()
    assert _names(tmp_path) == ["other"]


def test_where_there_are_no_locks_only_old_leftovers_are_removed(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    young, old = tmp_path / ".a.1.sfhsim-new", tmp_path / ".b.2.sfhsim-new"
    young.mkdir()
    old.mkdir()
    os.utime(old, (0, 0))
    folders.recover(tmp_path)
    assert _names(tmp_path) == [young.name]


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    with files.whole_file(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()

    def interrupted():
        with files.whole_file(path) as temporary:
            temporary.write_text("second")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "first"
    assert _names(path.parent) == ["a.txt"]


def test_an_atomic_file_is_there_when_it_is_committed(tmp_path):
    path = tmp_path / "a.bin"
    file = files.AtomicFile(path, DatasetError, "make room")
    file.write(b"half")
    file.write(memoryview(b" and half"))
    file.sync()
    assert not path.exists()
    assert [made.read_bytes() for made in files.partial_files(tmp_path)] == [b"half and half"]
    file.commit()
    file.discard()
    assert path.read_bytes() == b"half and half"
    files.AtomicFile(path, DatasetError, "make room").discard()
    assert _names(tmp_path) == ["a.bin"]


def test_what_killed_writers_left_is_removed(tmp_path):
    files.AtomicFile(tmp_path / "a.tfrecord", DatasetError, "")._stream.close()
    assert not list(tmp_path.glob("*.tfrecord"))
    (tmp_path / ".partial-0123abcd-b.npz").write_bytes(b"half")
    (tmp_path / ".hidden").write_text("another's")
    files.remove_partial_files(tmp_path)
    assert _names(tmp_path) == [".hidden"]


def test_a_disk_that_refuses_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    files.write_whole(path, b"old", DatasetError, "make room")

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(DatasetError, match="cannot write .*/a: No space left on device; make room"):
        files.write_whole(path, b"new", DatasetError, "make room")
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]
    with pytest.raises(DatasetError, match="cannot write .*gone/a: No such file"):
        files.write_whole(tmp_path / "gone" / "a", b"", DatasetError, "make room")


def test_errors_of_the_disk_are_named_and_others_pass(tmp_path):
    message = "cannot write .*/a: No space left on device; give a place with room"
    with pytest.raises(LibraryError, match=message), files.named_errors(tmp_path / "a", LibraryError):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(MissingDataError, match="^as it is$"), files.named_errors(tmp_path, DatasetError):
        raise MissingDataError("as it is")


def test_paths_that_can_be_none():
    assert files.exists(Path(__file__))
    assert not files.exists(Path("x" * 300))
    assert not files.exists(Path("zero\0byte"))


@pytest.mark.parametrize("name", ["", "..", "../../x", "a/b", "/a", "a b", ".hidden", "-x", "a\n", "a" * 101, "\xe9"])
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(LibraryError, match="the library name .* cannot be used: give at most 100 letters"):
        check_name(name, "the library name", LibraryError)


def test_names_that_can_be_used():
    for name in ("a", "bc03-miles", "E.2_x", "7" * 100):
        assert check_name(name, "the name", LibraryError) == name
    assert NAME_PATTERN.startswith("^")
    assert name_from("my grid (2)", "library") == "my-grid-2"
    assert name_from("../..", "library") == "library"
