"""Recipes by name or file: read, validate, resolve paths, fingerprint."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sfhsim.recipe.documents import builtin_names, builtin_text, document_of, read_document, single_recipe
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.overrides import mixture_from_dict
from sfhsim.recipe.worlds import Mixture

__all__ = [
    "builtin_names",
    "builtin_text",
    "load_recipe",
    "parse_recipe",
    "recipe_fingerprint",
    "recipe_from_dict",
    "recipe_to_dict",
]


def load_recipe(name_or_path: str | Path) -> Recipe | Mixture:
    """A validated recipe, or the mixture of those that list `worlds`.

    Parameters
    ----------
    name_or_path
        A built-in name (`builtin_names`) or the path of a YAML file. Paths inside a file are relative to it.

    Raises
    ------
    RecipeError
        When there is no such recipe, it is not YAML, or a key or value is wrong (each named).
    """
    return recipe_from_dict(*read_document(name_or_path))


def parse_recipe(text: str, origin: str = "recipe", folder: Path | None = None) -> Recipe | Mixture:
    """A validated recipe from YAML text; see `load_recipe`."""
    return recipe_from_dict(document_of(text, origin, folder), origin, folder)


def recipe_from_dict(content: dict, origin: str = "recipe", folder: Path | None = None) -> Recipe | Mixture:
    """A validated recipe from plain data; see `load_recipe`. ``folder`` is where recipes named by worlds are."""
    if isinstance(content, dict) and "worlds" in content:
        return mixture_from_dict(content, origin, folder)
    return single_recipe(content, origin)


def recipe_to_dict(recipe: Recipe | Mixture) -> dict:
    """Plain data that `recipe_from_dict` turns into the same recipe, defaults included."""
    return recipe.model_dump(mode="json", by_alias=True)


def recipe_fingerprint(recipe: Recipe | Mixture) -> str:
    """sha256 over everything in the recipe that decides what a sample is (not its name or description)."""
    content = recipe_to_dict(recipe)
    for key in ("name", "description"):
        del content[key]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
