"""A library's content against its checksum: looked at once, and again when a file has changed."""

import json

import numpy as np
import pytest
from miniature import miniature_library

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.libraries import integrity, save_library
from sfhsim.libraries.integrity import checked_checksum


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_CACHE", str(tmp_path / "cache"))
    return save_library(miniature_library(), tmp_path / "miniature")


@pytest.fixture
def reads(monkeypatch):
    """A list that grows whenever a library's content is read."""
    seen, native = [], integrity._native
    monkeypatch.setattr(integrity, "_native", lambda folder: seen.append(folder) or native(folder))
    return seen


def test_content_is_read_once(path, reads):
    assert checked_checksum(path) == checked_checksum(path) == miniature_library().content_checksum()
    assert len(reads) == 1


def _double(path):
    np.save(path / "flux.npy", 2 * np.load(path / "flux.npy"))


def _edit_ages(path):
    np.save(path / "age_yr.npy", 1.01 * np.load(path / "age_yr.npy"))


def _rename(path):
    description = json.loads((path / "library.json").read_text())
    (path / "library.json").write_text(json.dumps(description | {"imf": "Salpeter"}))


def _other_checksum(path):
    description = json.loads((path / "library.json").read_text())
    (path / "library.json").write_text(json.dumps(description | {"checksum": "0" * 64}))


@pytest.mark.parametrize("tamper", [_double, _edit_ages, _rename, _other_checksum])
def test_tampering_is_seen_before_and_after_the_first_look(path, tamper, monkeypatch):
    checked_checksum(path)
    tamper(path)
    for _ in range(2):
        with pytest.raises(LibraryError, match="it was edited or damaged; install or import the library again"):
            checked_checksum(path)


def test_what_is_remembered_may_be_lost_or_damaged(path, reads, tmp_path):
    first = checked_checksum(path)
    for content in ("[]", "not json", '{"a": 3}'):
        (tmp_path / "cache" / "checked-libraries.json").write_text(content)
        assert checked_checksum(path) == first
    assert len(reads) == 4


def test_the_embedded_library_is_what_it_says():
    assert len(checked_checksum("bc03-miles")) == 64


def test_an_embedded_library_that_was_edited(tmp_path, monkeypatch):
    import shutil

    from sfhsim.libraries import catalogue, embedded

    monkeypatch.setenv("SFHSIM_CACHE", str(tmp_path / "cache"))
    shutil.copytree(embedded.EMBEDDED_FOLDER, tmp_path / "bc03-miles")
    monkeypatch.setattr(embedded, "EMBEDDED_FOLDER", tmp_path / "bc03-miles")
    assert catalogue.library_folder("bc03-miles") == (tmp_path / "bc03-miles", True)
    checked_checksum("bc03-miles")
    file = tmp_path / "bc03-miles" / "bc03-miles.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(LibraryError, match="is not that of its checksum"):
        checked_checksum("bc03-miles")


def test_no_such_library():
    with pytest.raises(MissingDataError, match="no stellar library"):
        checked_checksum("nowhere")
