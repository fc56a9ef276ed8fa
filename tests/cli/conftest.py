"""The command line in this process, with the miniature library installed in a home of its own."""

import sys
import warnings
from dataclasses import dataclass

import pytest
import yaml
from miniature import miniature_library, miniature_recipe

from sfhsim.libraries import save_library


@dataclass
class Outcome:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A user data directory that holds the miniature library."""
    folder = tmp_path_factory.mktemp("home")
    save_library(miniature_library(), folder / "libraries" / "miniature")
    return folder


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory):
    """The small recipe as a YAML file."""
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe()))
    return path


@pytest.fixture
def sfhsim(home, monkeypatch, tmp_path, capsys):
    """Function that runs ``sfhsim`` with these arguments, in an empty directory."""
    monkeypatch.setenv("SFHSIM_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SFHSIM_LKL10", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back what `main` sets

    def run(*arguments) -> Outcome:
        from sfhsim.cli import main

        monkeypatch.setattr(sys, "argv", ["sfhsim", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run
