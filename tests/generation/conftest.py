"""A made-up library installed in a user data directory of its own, a cheap recipe on it, and what it should make."""

import os
from pathlib import Path

import pytest
import yaml
from miniature import miniature_library, miniature_recipe
from small_dataset import N_SAMPLES, SHARD_BYTES, contents

from sfhsim import Simulator, generate_dataset
from sfhsim.libraries import save_library


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """A user data directory that holds the miniature library."""
    home = tmp_path_factory.mktemp("home")
    save_library(miniature_library(), home / "libraries" / "miniature")
    return home


@pytest.fixture(autouse=True)
def _home(installed, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(installed))


@pytest.fixture(scope="session")
def recipe_content() -> dict:
    spectrum = {"start_aa": 4800.0, "stop_aa": 5300.0, "step_aa": 5.0}
    return miniature_recipe(spectrum=spectrum, nebular={"model": "none"}, photometry={"filters": []})


@pytest.fixture(scope="session")
def recipe(recipe_content, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(yaml.safe_dump(recipe_content))
    return path


@pytest.fixture(scope="session")
def simulator(recipe, installed) -> Simulator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFHSIM_HOME", str(installed))
        return Simulator.from_recipe(str(recipe), seed=7)


@pytest.fixture(scope="session")
def make(simulator):
    """Function that makes or finishes the data set in a folder, in this process."""

    def make(folder, **changes):
        options = {"recipe": simulator, "n_samples": N_SAMPLES, "folder": folder, "shard_bytes": SHARD_BYTES}
        return generate_dataset(**(options | changes))

    return make


@pytest.fixture(scope="session")
def uninterrupted(make, tmp_path_factory) -> dict[str, bytes]:
    """The files of the data set, made in one go."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    make(folder)
    return contents(folder)


@pytest.fixture
def dataset(uninterrupted, tmp_path) -> Path:
    """A copy of the data set that a test may spoil."""
    folder = tmp_path / "dataset"
    for name, content in uninterrupted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def command_environment(installed) -> dict[str, str]:
    """The environment of a command line that sees the miniature library."""
    return {**os.environ, "SFHSIM_HOME": str(installed)}
