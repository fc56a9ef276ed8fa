import subprocess
import sys

import pytest

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.libraries.catalogue import list_libraries, load_library
from sfhsim.libraries.native import save_library


def test_embedded_needs_nothing_installed(home):
    assert load_library("bc03-miles").name == "bc03-miles"
    assert not home.exists()


def test_by_name_and_by_path(home, library, tmp_path):
    save_library(library, home / "libraries" / "mini")
    assert load_library("mini").name == "mini"
    elsewhere = save_library(library.replace(name="other"), tmp_path / "other")
    assert load_library(elsewhere).name == "other"
    assert load_library(str(elsewhere)).name == "other"


def test_known_library_says_the_command(home):
    with pytest.raises(MissingDataError, match="run `sfhsim library install emiles` "):
        load_library("emiles")


def test_unknown_library_says_what_there_is(home, library):
    save_library(library, home / "libraries" / "mini")
    with pytest.raises(
        MissingDataError, match="no stellar library 'emile': known are bc03-miles, mini, bc03-miles-full"
    ):
        load_library("emile")


def test_list(home, library):
    save_library(library, home / "libraries" / "mini")
    damaged = home / "libraries" / "bad.ssplib"
    damaged.mkdir()
    (damaged / "library.json").write_text("{")
    records = {record.name: record for record in list_libraries()}
    assert records["bc03-miles"].status == "embedded"
    assert 0 < records["bc03-miles"].size_mb < 8.5
    assert records["mini"].status == "installed"
    assert records["mini"].description == "made up"
    assert records["bad"].description.startswith("unusable")
    assert records["emiles"].status == "available"
    assert records["emiles"].as_dict()["name"] == "emiles"
    with pytest.raises(LibraryError, match="damaged"):
        load_library("bad")


def test_public_names_and_lazy_import():
    code = (
        "import sys, sfhsim.libraries as libraries\n"
        "assert 'numpy' not in sys.modules\n"
        "assert all(callable(getattr(libraries, name)) for name in libraries.__all__)\n"
        "assert not {'astropy', 'h5py', 'rdata'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sys.modules["sfhsim.libraries"].nothing  # noqa: B018
