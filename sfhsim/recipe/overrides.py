"""Worlds as a recipe lists them, and the whole recipes that they stand for.

A world is the document around the list, or another recipe (``recipe``: a name, a file or a mapping), with ``override``
merged into it: mappings key by key; lists, numbers and distributions in place of the old ones; null for what is to be
left out. Where it names another ``law``, ``form`` or ``model``, `parameters` and `table` of the old one do not stay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from sfhsim.errors import RecipeError
from sfhsim.recipe.documents import builtin_names, explained, read_document, resolved_paths, single_recipe
from sfhsim.recipe.section import Section
from sfhsim.recipe.worlds import MOST_WORLDS, Mixture, Name, Weight, World, check_worlds

_FAMILY = ("law", "form", "model")  # keys that name what `_OF_FAMILY` are parameters of
_OF_FAMILY = ("parameters", "table")


class _Listed(Section):
    name: Name
    weight: Weight = 1.0
    recipe: str | dict[str, Any] | None = None
    override: dict[str, Any] = Field(default_factory=dict)


class _Document(Section):
    format: Literal[1] = 1
    name: Name
    description: str = ""
    worlds: tuple[_Listed, ...] = Field(min_length=1, max_length=MOST_WORLDS)


def mixture_from_dict(content: dict, origin: str, folder: Path | None = None) -> Mixture:
    """A validated mixture from plain data that lists ``worlds``.

    Parameters
    ----------
    content : plain data.
    origin : what errors call it.
    folder : that files named in it are relative to; as they are when absent.

    Raises
    ------
    RecipeError
        When a key or value is wrong, a world's recipe is, or worlds differ in what they must share; each is named.
    """
    base = {key: value for key, value in content.items() if key not in _Document.model_fields}
    try:
        listed = _Document.model_validate({key: value for key, value in content.items() if key not in base})
    except ValidationError as error:
        raise RecipeError(explained(error, origin)) from error
    if base and all(entry.recipe is not None for entry in listed.worlds):
        raise RecipeError(
            f"{origin}: no world uses {', '.join(map(str, base))}, as each names its own recipe: put what is to change "
            "there into the worlds' `override`"
        )
    worlds = tuple(_world(entry, base, origin, folder) for entry in listed.worlds)
    mixture = Mixture(format=listed.format, name=listed.name, description=listed.description, worlds=worlds)
    check_worlds(mixture, origin)
    return mixture


def _world(entry: _Listed, base: dict, origin: str, folder: Path | None) -> World:
    where = f"{origin}: worlds.{entry.name}"
    document = base if entry.recipe is None else _named(entry.recipe, where, folder)
    if "worlds" in document or "worlds" in entry.override:
        raise RecipeError(f"{where} is a mixture itself: list its worlds here, one by one")
    override = entry.override if folder is None else resolved_paths(entry.override, folder)
    # the name is that of the world: whole recipes tell nothing else about where they are from
    whole = {**merged(document, override), "name": entry.name}
    return World(name=entry.name, weight=entry.weight, recipe=single_recipe(whole, where))


def _named(recipe: str | dict, where: str, folder: Path | None) -> dict:
    """The document of the recipe that a world names."""
    if isinstance(recipe, dict):
        return recipe if folder is None else resolved_paths(recipe, folder)
    place = recipe if folder is None or recipe in builtin_names() else folder / recipe
    try:
        return read_document(place)[0]
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error


def merged(document: dict, override: dict) -> dict:
    """``document`` with ``override`` in it, as the module says; neither is changed."""
    out = dict(document)
    if any(key in override and override[key] != document.get(key) for key in _FAMILY):
        out = {key: value for key, value in out.items() if key not in _OF_FAMILY}
    for key, value in override.items():
        both = _is_section(value) and _is_section(out.get(key))
        out[key] = merged(out[key], value) if both else value
    return {key: value for key, value in out.items() if value is not None}


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) and "distribution" not in value
