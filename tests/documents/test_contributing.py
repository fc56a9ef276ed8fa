"""The examples of CONTRIBUTING.md, each in a process of its own; places that the documents name are there."""

import os
import re
import subprocess
import sys

import pytest
from blocks import REPOSITORY, blocks

EXAMPLES = {block.section: block for block in blocks("CONTRIBUTING.md", "python")}


@pytest.mark.parametrize("section", EXAMPLES)
def test_examples_run(section, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SFHSIM_HOME": str(tmp_path / "home")}
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES[section].code],
        cwd=tmp_path / "work",
        env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_every_way_to_add_something_has_an_example():
    kinds = ("dust law", "library", "source of light", "noise model", "nebular model", "measurement")
    assert {"Add an architecture", *(f"Add a {kind}" for kind in kinds)} <= set(EXAMPLES)


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(document):
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:sfhsim|sfhmodel|tests|benchmarks)/[\w/]+(?:\.\w+)?)/?`", text))
    assert len(named) > 5
    assert not [path for path in sorted(named) if not (REPOSITORY / path).exists()]
