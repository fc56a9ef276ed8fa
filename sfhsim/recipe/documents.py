"""The documents of recipes: found by name or file, read as plain data, paths resolved, mistakes explained."""

from __future__ import annotations

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


def read_document(name_or_path: str | Path) -> tuple[dict, str, Path | None]:
    """The plain data of a recipe, what errors call it, and the folder that files in it are relative to.

    Raises
    ------
    RecipeError
        When there is no such recipe, or it is not YAML.
    """
    name = str(name_or_path)
    if name in builtin_names():
        return document_of(builtin_text(name), name, None), name, None
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
    return document_of(text, name, path.parent), name, path.parent


def document_of(text: str, origin: str, folder: Path | None) -> dict:
    """Plain data of a recipe's YAML text; files in it are named from the root."""
    content = plain_data(text, origin)
    if not isinstance(content, dict):
        raise RecipeError(f"{origin} must be a mapping of recipe keys, e.g. `name: my-galaxies`")
    return content if folder is None else resolved_paths(content, folder)


def single_recipe(content: dict, origin: str = "recipe") -> Recipe:
    """A validated recipe of one world from plain data; raises RecipeError naming each wrong key or value."""
    from sfhsim.recipe.families import check_families
    from sfhsim.recipe.limits import check_light, check_limits

    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(explained(error, origin)) from error
    check_limits(recipe, origin)
    check_families(recipe, origin)
    check_light(recipe, origin)
    return recipe


def resolved_paths(content: dict, folder: Path) -> dict:
    """Plain data of a recipe, or of a part of one, in which files are named from the root; they are in ``folder``."""

    def absolute(value):
        is_file = isinstance(value, str) and ("/" in value or "." in value) and exists(folder / value)
        return str((folder / value).resolve()) if is_file else value

    content = dict(content)
    if "library" in content:
        content["library"] = absolute(content["library"])
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


def explained(
    error: ValidationError, origin: str, kind: str = "recipe", listing: str = "`sfhsim recipe show {}` lists the keys"
) -> str:
    """Every mistake that a model found in a document of this kind, with its key and what to do."""
    lines, found = [], error.errors(include_url=False, include_input=False)
    shown = origin.partition(": worlds.")[0]
    for item in found[:_MOST_ERRORS]:
        where = ".".join(str(part)[:60] for part in item["loc"]) or kind
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown key {where!r}: check its spelling ({listing.format(shown)})")
        else:
            lines.append(f"{where}: {item['msg'].removeprefix('Value error, ')[:500]}")
    if len(found) > _MOST_ERRORS:
        lines.append(f"and {len(found) - _MOST_ERRORS} more")
    return f"{origin} is not a valid {kind}:\n  " + "\n  ".join(lines)
