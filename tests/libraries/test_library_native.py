import json
import subprocess
import sys

import numpy as np
import pytest

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.libraries import load_library, native
from sfhsim.libraries.native import load_native, save_library, write_library
from sfhsim.libraries.ssp_library import ARRAY_NAMES, TEXT_NAMES


def test_round_trip_is_exact_and_memory_mapped(library, tmp_path):
    path = save_library(library, tmp_path / "mini")
    assert path.name == "mini.ssplib"
    loaded = load_native(path)
    for name in ARRAY_NAMES:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(library, name))
    assert all(getattr(loaded, name) == getattr(library, name) for name in TEXT_NAMES)
    assert isinstance(loaded.flux.base, np.memmap) or isinstance(loaded.flux, np.memmap)
    assert not loaded.flux.flags.writeable
    assert loaded.checksum == loaded.content_checksum() == library.content_checksum()


def test_existing_library_is_kept_unless_asked(library, tmp_path):
    path = save_library(library, tmp_path / "mini")
    with pytest.raises(LibraryError, match="exists already"):
        save_library(library, tmp_path / "mini")
    save_library(library.replace(imf="Salpeter"), path, overwrite=True)
    assert load_native(path).imf == "Salpeter"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mini.ssplib"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_failure_in_the_middle_leaves_nothing_new(library, tmp_path, monkeypatch, overwrite):
    before = []
    if overwrite:
        before = [save_library(library, tmp_path / "mini").name]
    calls, real_save = [], np.save

    def fails_on_the_third(path, array):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real_save(path, array)

    monkeypatch.setattr(native.np, "save", fails_on_the_third)
    with pytest.raises(LibraryError, match=r"cannot write .*mini\.ssplib: No space left on device; give a place with"):
        save_library(library.replace(imf="other"), tmp_path / "mini", overwrite=overwrite)
    assert [entry.name for entry in tmp_path.iterdir()] == before
    if overwrite:
        assert load_native(tmp_path / "mini.ssplib").imf == "Kroupa"


def test_the_second_of_two_discards_its_own(library, tmp_path):
    first = save_library(library, tmp_path / "mini")
    assert write_library(library.replace(imf="other"), first, overwrite=False) is False
    assert load_native(first).imf == "Kroupa"


KILLED = """
import os, sys
from sfhsim import folders
from sfhsim.libraries.native import load_native, save_library
exchange = folders.exchange
folders.exchange = lambda *both: os._exit(9 if sys.argv[2] == "after" and exchange(*both) else 8)
save_library(load_native(sys.argv[1]).replace(imf="new"), sys.argv[1], overwrite=True)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_overwrite_that_is_killed_leaves_a_whole_library(library, tmp_path, when):
    path = save_library(library, tmp_path / "mini")
    ended = subprocess.run([sys.executable, "-c", KILLED, path, when], check=False).returncode
    imf = {8: "Kroupa", 9: "new"}[ended]  # 8 also where the file system cannot exchange
    assert len(list(tmp_path.iterdir())) == 2
    left = load_native(path)
    assert (left.imf, left.checksum) == (imf, left.content_checksum())
    save_library(library, tmp_path / "another")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["another.ssplib", "mini.ssplib"]


def test_a_replacement_that_was_killed_is_finished_when_the_library_is_loaded(library, tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    path = save_library(library, tmp_path / "libraries" / "mini")
    path.rename(path.with_name(".mini.ssplib.0123.sfhsim-old"))
    assert load_library("mini").imf == "Kroupa"
    assert [entry.name for entry in path.parent.iterdir()] == ["mini.ssplib"]


def test_no_library_there(tmp_path):
    with pytest.raises(MissingDataError, match="no stellar library at"):
        load_native(tmp_path / "nothing.ssplib")


def _spoil_json(path, **changes):
    description = json.loads((path / "library.json").read_text())
    (path / "library.json").write_text(json.dumps(description | changes))


def _truncate(path):
    path.write_bytes(path.read_bytes()[:500])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: (path / "library.json").write_text("{"), "is damaged"),
        (lambda path: (path / "age_yr.npy").unlink(), r"age_yr\.npy is missing or damaged"),
        (lambda path: _truncate(path / "flux.npy"), r"flux\.npy is missing or damaged"),
        (
            lambda path: np.save(path / "age_yr.npy", np.ones(3)),
            r"has shape \(3,\), library\.json says \(5,\)",
        ),
        (lambda path: _spoil_json(path, format_version=99), r"format version 99.*update sfhsim"),
        (lambda path: _spoil_json(path, format="other"), "not a native stellar library"),
    ],
)
def test_damaged_libraries(library, tmp_path, spoil, message):
    path = save_library(library, tmp_path / "mini")
    spoil(path)
    with pytest.raises(LibraryError, match=message):
        load_native(path)
