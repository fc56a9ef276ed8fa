"""The oldest versions that pyproject.toml allows, as constraints for pip: `python .ci/lower_bounds.py EXTRA ...`."""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement


def pinned(extras: list[str]) -> list[str]:
    """``name==version`` of every requirement with a lower bound, those of the extras and of what they name included."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    waiting, found = list(project["dependencies"]), set()
    waiting += [text for extra in extras for text in optional[extra]]
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name == project["name"]:
            waiting += [text for extra in requirement.extras for text in optional[extra]]
        else:
            (lowest,) = (bound.version for bound in requirement.specifier if bound.operator == ">=")
            found.add(f"{requirement.name}=={lowest}")
    return sorted(found)


if __name__ == "__main__":
    print("\n".join(pinned(sys.argv[1:])))
