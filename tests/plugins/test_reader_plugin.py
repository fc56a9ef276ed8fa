"""A reader of stellar libraries in a file of its own: from its files to a library that a data set is made on."""

import numpy as np
import pytest
import yaml
from miniature import miniature_library, miniature_recipe
from test_plugins import run

from sfhsim.errors import LibraryError
from sfhsim.libraries import importing, load_library, register_reader

PLUGIN = """
import numpy as np

from sfhsim.libraries import SSPLibrary, register_reader

TEXTS = ("imf", "source", "licence", "citation")


def recognises(paths):
    return all(path.suffix == ".mini" for path in paths)


def read(paths, *, name="mini", light=1.0):
    with np.load(paths[0]) as stored:
        arrays = {key: stored[key] for key in stored.files}
    arrays["flux"] = (light * arrays["flux"]).astype(np.float32)
    return SSPLibrary(name=name, imf="Kroupa", source="a plug-in's file", **arrays)


register_reader("mini", "one file .mini of arrays", recognises, read)
"""
ARRAYS = ("metallicity", "age_yr", "wave_aa", "flux", "resolution_fwhm_aa", "ionizing_photon_rate")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the plug-in, a file that only it reads, and a recipe on that library."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    library = miniature_library()
    with (tmp_path / "stars.mini").open("wb") as file:
        np.savez(file, **{name: getattr(library, name) for name in ARRAYS})
    (tmp_path / "my_reader.py").write_text(PLUGIN)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(miniature_recipe(library="stars")))
    return tmp_path


def test_from_a_file_to_a_verified_data_set(place):
    done = run(place, "library", "import", "stars.mini", "--option", "light=2", "--plugin", "my_reader.py")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(load_library("stars").flux, 2.0 * miniature_library().flux, rtol=1e-6)
    made = run(place, "generate", "mine.yaml", "--out", "d", "-n", 40, "--workers", 2)  # the native library is enough
    assert made.returncode == 0, made.stderr
    assert run(place, "verify", "d").returncode == 0
    refused = run(place, "library", "import", "stars.mini", "--name", "again")
    assert refused.returncode == 1
    assert "is not a stellar library of a known form" in refused.stderr


def test_names_that_are_taken(monkeypatch):
    monkeypatch.setattr(importing, "_added", {})
    register_reader("mine", "mine", bool, miniature_library)
    register_reader("mine", "mine, loaded again", bool, miniature_library)
    for name, read in (("miles", miniature_library), ("auto", miniature_library), ("mine", load_library)):
        with pytest.raises(LibraryError, match=f"a reader '{name}' of stellar libraries is registered already"):
            register_reader(name, "other", bool, read)
    with pytest.raises(LibraryError, match="unknown library format 'mini': choose among auto, mine, miles"):
        importing.reader_module("mini")
