"""Templates for a model: those of its training recipe, on the library that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError

if TYPE_CHECKING:
    from sfhsim import AgeBinTemplates

EMBEDDED = "bc03-miles"
_known: dict[str, tuple[AgeBinTemplates, tuple[str, ...]]] = {}


def templates_of(description: ModelDescription) -> tuple[AgeBinTemplates, tuple[str, ...]]:
    """Templates of a model's age bins on its grid, kept in the process, and what to tell the user of them.

    Of a model that learnt from several worlds, it is the first whose stellar library is on this machine; without any,
    the first with the embedded library.

    Raises
    ------
    InputError
        The model does not say what it learnt from, that has no single redshift, or it cannot be made here.
    """
    key = repr([description.wave_aa.tolist(), description.age_bin_edges_yr.tolist(), description.recipe])
    if key not in _known:
        _known[key] = _made(description)
    return _known[key]


def _made(description: ModelDescription) -> tuple[AgeBinTemplates, tuple[str, ...]]:
    from sfhsim import Recipe, age_bin_templates
    from sfhsim.errors import SfhsimError
    from sfhsim.recipe import recipe_from_dict

    documents = [world["recipe"] for world in description.recipe.get("worlds") or ()] or [description.recipe]
    if not all(document.get("spectrum") and document.get("library") for document in documents):
        raise InputError("spectra cannot be made again: the model does not hold the recipe that it learnt from")
    document, library, notes = _chosen(documents)
    try:
        recipe = recipe_from_dict(document | {"library": library})
        assert isinstance(recipe, Recipe)  # of one world
        templates = age_bin_templates(recipe)
    except SfhsimError as error:
        raise InputError(f"spectra cannot be made again: {error}") from error
    for what, have, need in (
        ("wavelengths", templates.wave_aa, description.wave_aa),
        ("age bins", templates.age_bin_edges_yr, description.age_bin_edges_yr),
    ):
        if have.shape != need.shape or not np.allclose(have, need, rtol=1e-6, atol=1e-6):
            raise InputError(f"spectra cannot be made again: the model's {what} are not those of its recipe")
    return templates, notes


def _chosen(documents: list[dict]) -> tuple[dict, str, tuple[str, ...]]:
    """The world whose library is there, that library, and a note where it is not the only one."""
    from sfhsim.libraries import list_libraries

    there = {record.name for record in list_libraries() if record.status != "available"}
    n_library = len({document["library"] for document in documents})
    for document in documents:
        name = document["library"]
        if name in there or ("/" in name and Path(name).expanduser().exists()):
            notes = (f"checked with the stars of {name}, one of {n_library} libraries that the model learnt from",)
            return document, name, notes if n_library > 1 else ()
    name = documents[0]["library"]
    return documents[0], EMBEDDED, (f"checked with the stars of {EMBEDDED}: {name} is not on this machine",)
