"""Recipes by name or file: read, validate, resolve paths, fingerprint."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from sfhsim.errors import RecipeError
from sfhsim.files import exists
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.yaml_text import LONGEST_TEXT, plain_data

_MOST_ERRORS = 20  # that are told at once


def builtin_names() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    folder = resources.files("sfhsim.recipe") / "builtin"
    return tuple(sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")))


def builtin_text(name: str) -> str:
    """The YAML text, with its comments, of a recipe of the package."""
    return (resources.files("sfhsim.recipe") / "builtin" / f"{name}.yaml").read_text(encoding="utf-8")


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A validated recipe.

    Parameters
    ----------
    name_or_path
        A built-in name (`builtin_names`) or the path of a YAML file. Paths inside a file are relative to it.

    Raises
    ------
    RecipeError
        When there is no such recipe, it is not YAML, or a key or value is wrong (each named).
    """
    name = str(name_or_path)
    if name in builtin_names():
        return parse_recipe(builtin_text(name), origin=name)
    path = Path(name_or_path)
    if not (exists(path) and path.is_file()):
        shown = name if len(name) <= 200 else f"{name[:197]}..."
        raise RecipeError(
            f"no recipe {shown!r}: give a YAML file, or one of {', '.join(builtin_names())} (`sfhsim recipe list`)"
        )
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST_TEXT + 1)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8 text: save the recipe as UTF-8 ({error})") from error
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror or error}") from error
    return parse_recipe(text, origin=name, folder=path.parent)


def parse_recipe(text: str, origin: str = "recipe", folder: Path | None = None) -> Recipe:
    """A validated recipe from YAML text; see `load_recipe`."""
    content = plain_data(text, origin)
    if not isinstance(content, dict):
        raise RecipeError(f"{origin} must be a mapping of recipe keys, e.g. `name: my-galaxies`")
    if folder is not None:
        content = _resolve_paths(content, folder)
    return recipe_from_dict(content, origin)


def recipe_from_dict(content: dict, origin: str = "recipe") -> Recipe:
    """A validated recipe from plain data; see `load_recipe`."""
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(_explain(error, origin)) from error
    from sfhsim.recipe.families import check_families
    from sfhsim.recipe.limits import check_light, check_limits

    check_limits(recipe, origin)
    check_families(recipe, origin)
    check_light(recipe, origin)
    return recipe


def recipe_to_dict(recipe: Recipe) -> dict:
    """Plain data that `recipe_from_dict` turns into the same recipe, defaults included."""
    return recipe.model_dump(mode="json", by_alias=True)


def recipe_fingerprint(recipe: Recipe) -> str:
    """sha256 over everything in the recipe that decides what a sample is (not its name or description)."""
    content = recipe_to_dict(recipe)
    for key in ("name", "description"):
        del content[key]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _resolve_paths(content: dict, folder: Path) -> dict:
    """Files named in a recipe file are relative to that file."""

    def absolute(value):
        is_file = isinstance(value, str) and ("/" in value or "." in value) and exists(folder / value)
        return str((folder / value).resolve()) if is_file else value

    content = dict(content)
    content["library"] = absolute(content.get("library", "bc03-miles"))
    if isinstance(content.get("photometry"), dict) and isinstance(content["photometry"].get("filters"), list):
        filters = [absolute(f) for f in content["photometry"]["filters"]]
        content["photometry"] = {**content["photometry"], "filters": filters}
        errors = content["photometry"].get("error_mag")
        if isinstance(errors, dict) and "distribution" not in errors:
            content["photometry"]["error_mag"] = {absolute(band): error for band, error in errors.items()}
    spectrum = content.get("spectrum")
    if isinstance(spectrum, dict) and isinstance(spectrum.get("lsf"), dict) and "path" in spectrum["lsf"]:
        lsf = {**spectrum["lsf"], "path": absolute(spectrum["lsf"]["path"])}
        content["spectrum"] = {**spectrum, "lsf": lsf}
    return content


def _explain(error: ValidationError, origin: str) -> str:
    lines, found = [], error.errors(include_url=False, include_input=False)
    for item in found[:_MOST_ERRORS]:
        where = ".".join(str(part)[:60] for part in item["loc"]) or "recipe"
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown key {where!r}: check its spelling (`sfhsim recipe show {origin}` lists the keys)")
        else:
            lines.append(f"{where}: {item['msg'].removeprefix('Value error, ')[:500]}")
    if len(found) > _MOST_ERRORS:
        lines.append(f"and {len(found) - _MOST_ERRORS} more")
    return f"{origin} is not a valid recipe:\n  " + "\n  ".join(lines)
