"""Commands on disks that are full, read-only or closed to the user: the file is named, nothing is left half-written."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from miniature import miniature_library

from sfhsim.generation import generate_dataset
from sfhsim.libraries.plain_files import write_plain

FAILURES = {errno.ENOSPC: "No space left on device", errno.EROFS: "Read-only file system", errno.EACCES: "denied"}


@pytest.fixture(scope="module")
def dataset(home, recipe_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFHSIM_HOME", str(home))
        generate_dataset(recipe_file, 30, folder / "set")
    return folder / "set"


@pytest.fixture
def failing(monkeypatch):
    """Function that makes of the disk one on which files can be begun, but not brought to the end."""

    def fail(number):
        def fsync(descriptor):
            raise OSError(number, FAILURES[number])

        monkeypatch.setattr(os, "fsync", fsync)
        return FAILURES[number]

    return fail


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


COMMANDS = {
    "spectrum": (["spectrum", "RECIPE", "--out", "out/one.ecsv"], "out/one.ecsv"),
    "spectrum fits": (["spectrum", "RECIPE", "--out", "one.fits"], "one.fits"),
    "plot recipe": (["plot", "RECIPE", "--out", "out"], "out/histories.png"),
    "plot data set": (["plot", "DATASET", "--out", "out"], "out/spectra.png"),
    "inspect": (["inspect", "DATASET", "--plot", "out/one.pdf"], "out/one.pdf"),
    "import": (["library", "import", "LIBRARY", "--name", "own", "--out", "."], "own.ssplib"),
    "splice": (
        ["library", "splice", "miniature", "miniature", "--boundary-myr", 50, "--name", "both", "--out", "."],
        "both.ssplib",
    ),
}


@pytest.mark.parametrize(
    ("command", "number"),
    [*((name, errno.ENOSPC) for name in COMMANDS), *(("spectrum", number) for number in FAILURES)],
)
def test_a_disk_that_fails(sfhsim, recipe_file, dataset, tmp_path, failing, command, number):
    arguments, file = COMMANDS[command]
    library = write_plain(miniature_library(), tmp_path / "library.h5")
    before, reason = _files(tmp_path), failing(number)
    places = {"RECIPE": recipe_file, "DATASET": dataset, "LIBRARY": library}
    outcome = sfhsim(*[places.get(argument, argument) for argument in arguments])
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith(f"error: cannot write {file}: {reason}; give a place with room")
    assert "Traceback" not in outcome.err
    assert _files(tmp_path) == before


def test_a_picture_or_table_that_is_there_is_kept(sfhsim, recipe_file, tmp_path, failing):
    (tmp_path / "one.ecsv").write_text("old")
    (tmp_path / "spectrum.png").write_text("old")
    failing(errno.EROFS)
    assert sfhsim("spectrum", recipe_file, "--out", "one.ecsv", "--overwrite").code == 1
    assert sfhsim("plot", recipe_file, "--out", ".").code == 1
    assert _files(tmp_path) == {"one.ecsv": b"old", "spectrum.png": b"old"}


def test_a_disk_that_fills_in_the_middle(sfhsim, tmp_path, monkeypatch):
    real, saved = np.save, []

    def save(path, array):
        saved.append(path)
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, FAILURES[errno.ENOSPC])
        real(path, array)

    library = write_plain(miniature_library(), tmp_path / "library.h5")
    monkeypatch.setattr(np, "save", save)
    outcome = sfhsim("library", "import", library, "--name", "own", "--out", "libraries")
    assert outcome.err.startswith("error: cannot write libraries/own.ssplib: No space left on device")
    assert list((tmp_path / "libraries").iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["spectrum", "RECIPE", "--out", "file/one.ecsv"],
        ["plot", "RECIPE", "--out", "file"],
        ["library", "splice", "miniature", "miniature", "--boundary-myr", 50, "--name", "both", "--out", "file"],
        ["spectrum", "RECIPE", "--out", "x" * 300 + ".ecsv"],
    ],
)
def test_places_that_cannot_be(sfhsim, recipe_file, tmp_path, arguments):
    (tmp_path / "file").write_text("no folder")
    outcome = sfhsim(*[recipe_file if argument == "RECIPE" else argument for argument in arguments])
    assert outcome.code == 1
    assert "error: cannot write " in outcome.err
    assert "Traceback" not in outcome.err
    assert _files(tmp_path) == {"file": b"no folder"}
