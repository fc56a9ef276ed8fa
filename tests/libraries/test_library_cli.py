import json

import pytest
from typer.testing import CliRunner

from sfhsim.cli.library import library_app
from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.libraries import load_library, save_library
from sfhsim.libraries.plain_files import write_plain


def run(*arguments):
    """Output of one command; errors are raised as they are."""
    result = CliRunner().invoke(library_app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_list(home):
    assert "bc03-miles" in run("list")
    assert {record["name"] for record in json.loads(run("list", "--json"))} >= {"bc03-miles", "emiles"}


def test_info(home, library, tmp_path):
    path = save_library(library, tmp_path / "mini")
    assert json.loads(run("info", path, "--json"))["n_ages"] == 5
    assert "Kroupa" in run("info", path)
    with pytest.raises(MissingDataError, match="sfhsim library install emiles"):
        run("info", "emiles")


def test_import(home, library, tmp_path):
    path = write_plain(library, tmp_path / "own.h5")
    assert "own: 3 metallicities x 5 ages" in run("import", path)
    assert load_library("own").shape == library.shape
    with pytest.raises(LibraryError, match="exists already"):
        run("import", path)
    run("import", path, "--overwrite")
    with pytest.raises(LibraryError, match="name 'emiles' is taken"):
        run("import", path, "--name", "emiles")


def test_import_with_options(home, tmp_path, write_miles):
    for m_h, age in ((-0.4, 1.0), (-0.4, 2.0), (0.0, 1.0)):
        write_miles(tmp_path / "grid", m_h, age)
    output = run("import", tmp_path / "grid", "--name", "mine", "--option", "complete_subgrid=true", "--out", tmp_path)
    assert "Left out because incomplete" in output
    assert (tmp_path / "mine.ssplib" / "library.json").exists()
    with pytest.raises(LibraryError, match="expected KEY=VALUE"):
        run("import", tmp_path / "grid", "--option", "complete_subgrid")


def test_splice(home, library, make_library, tmp_path):
    young = save_library(library, tmp_path / "young")
    old = save_library(make_library(name="old", imf="Salpeter"), tmp_path / "old")
    arguments = ["splice", young, old, "--boundary-myr", 50, "--name", "both"]
    with pytest.raises(LibraryError, match="IMFs differ"):
        run(*arguments)
    output = run(*arguments, "--allow-imf-mismatch", "--match-window", 5000, 5500)
    assert "below 50 Myr" in output
    assert load_library("both").shape == library.shape


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/b", "", "x" * 300])
def test_names_that_lead_elsewhere(home, library, tmp_path, name):
    path = write_plain(library, tmp_path / "own.h5")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LibraryError, match="the library name .* cannot be used"):
        run("import", path, "--name", name)
    with pytest.raises(LibraryError, match="the library name .* cannot be used"):
        run("splice", "bc03-miles", "bc03-miles", "--boundary-myr", 50, "--name", name)
    with pytest.raises(LibraryError, match="is not a library that can be installed"):
        run("install", name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_cannot_be_read(home, library, tmp_path, monkeypatch):
    from sfhsim.libraries.readers import plain_hdf5

    def denied(paths, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(plain_hdf5, "read", denied)
    with pytest.raises(LibraryError, match=r"cannot read .*own\.h5: Permission denied; give files that can be read"):
        run("import", write_plain(library, tmp_path / "own.h5"))


def test_a_file_with_blanks_in_its_name(home, library, tmp_path):
    assert "my-own-2: 3 metallicities" in run("import", write_plain(library, tmp_path / "my own (2).h5"))


def test_install(home):
    with pytest.raises(LibraryError, match="choose among bc03-miles-full, emiles, emiles-spliced"):
        run("install", "nothing")
