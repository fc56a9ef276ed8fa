"""Where a compiled recipe comes from, and whether this process would have made the same."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from sfhsim.errors import DatasetError, SfhsimError, SfhsimWarning
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe

LIBRARY_FACTS = ("name", "imf", "source", "licence", "citation", "checksum")


def describe_library(library: SSPLibrary) -> dict[str, str]:
    """Plain data on a library, its checksum included."""
    texts = {name: getattr(library, name) for name in LIBRARY_FACTS[:-1]}
    return texts | {"checksum": library.checksum or library.content_checksum()}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What a simulator has to say is in its notes; in the block it is not said again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhsimWarning)
        yield


def origin(recipe: Recipe) -> dict:
    """The version of sfhsim, and digests of the code of the recipe's families."""
    import sfhsim
    from sfhsim.synthesis.fingerprint import family_code

    return {"format": "sfhsim compiled recipe", "sfhsim_version": sfhsim.__version__, "code": family_code(recipe)}


def check_origin(document: dict) -> None:
    """DatasetError when sfhsim or a family's code is another here than where the document was made; it is named."""
    from sfhsim.recipe import recipe_from_dict

    try:
        version, code, content = document["sfhsim_version"], dict(document["code"]), document["recipe"]
        here = origin(recipe_from_dict(content))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, SfhsimError):
            raise
        raise DatasetError(f"what was compiled cannot be read: {error}") from error
    if version != here["sfhsim_version"]:
        raise DatasetError(f"compiled by sfhsim {version}, this is {here['sfhsim_version']}: install that one")
    changed = sorted(name for name in here["code"] if code.get(name) != here["code"][name])
    if changed:
        raise DatasetError(
            f"compiled with other code of {', '.join(changed)} than is registered here: use the code that it was made "
            "with, or make a new data set"
        )
