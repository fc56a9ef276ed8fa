"""Descriptions of cubes by name or file, with keys set one by one."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from sfhsim.cubes.model import CubeModel
from sfhsim.dotted_keys import set_key
from sfhsim.errors import RecipeError
from sfhsim.files import exists
from sfhsim.recipe.documents import builtin_names, explained
from sfhsim.recipe.yaml_text import plain_data

_KIND, _LISTING = "description of a cube", "`sfhsim cube {} --show` lists the keys"


def builtin_cube_models() -> tuple[str, ...]:
    """Names of the descriptions that come with the package."""
    folder = resources.files("sfhsim.cubes") / "builtin"
    return tuple(sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")))


def cube_model_text(name: str) -> str:
    """The YAML text, with its comments, of a description of the package."""
    return (resources.files("sfhsim.cubes") / "builtin" / f"{name}.yaml").read_text(encoding="utf-8")


def load_cube_model(name_or_path: str | Path, settings: Sequence[str] = ()) -> CubeModel:
    """A validated description of a cube.

    Parameters
    ----------
    name_or_path : a built-in name (`builtin_cube_models`) or the path of a YAML file; a recipe named in a file is a
        built-in one, or a file relative to it.
    settings : ``key=value`` in place of what is there, keys dotted (``galaxy.redshift=0.01``), values as in YAML.

    Raises
    ------
    RecipeError
        When there is no such description, it is not YAML, or a key or value is wrong (each named).
    """
    content, folder = _document(name_or_path)
    for setting in settings:
        content = _set(content, setting)
    recipe = content.get("recipe")
    if folder is not None and isinstance(recipe, str) and exists(folder / recipe) and (folder / recipe).is_file():
        content["recipe"] = str((folder / recipe).resolve())
    return cube_model_from_dict(content, str(name_or_path))


def cube_model_from_dict(content: dict, origin: str = "cube") -> CubeModel:
    """A validated description from plain data; raises RecipeError naming each wrong key or value."""
    try:
        return CubeModel.model_validate(content)
    except ValidationError as error:
        raise RecipeError(explained(error, origin, _KIND, _LISTING)) from error


def _document(name_or_path: str | Path) -> tuple[dict, Path | None]:
    """Plain data and the folder of the file, None for a built-in one."""
    name, path = str(name_or_path), Path(name_or_path)
    if name in builtin_cube_models():
        text, folder = cube_model_text(name), None
    elif exists(path) and path.is_file():
        try:
            text, folder = path.read_text(encoding="utf-8"), path.parent
        except UnicodeDecodeError as error:
            raise RecipeError(f"{path} is not UTF-8 text: save it as UTF-8 ({error})") from error
        except OSError as error:
            raise RecipeError(f"cannot read {path}: {error.strerror or error}") from error
    else:
        known = ", ".join(builtin_cube_models())
        hint = f"; its recipe is set by recipe={name} (--set)" if name in builtin_names() else ""
        raise RecipeError(f"no description of a cube {name[:200]!r}: give a YAML file, or one of {known}{hint}")
    content = plain_data(text, name)
    if not isinstance(content, dict):
        raise RecipeError(f"{name} must be a mapping of keys, e.g. `name: my-galaxy`")
    return content, folder


def _set(content: dict, setting: str) -> dict:
    """A copy of ``content`` with ``key=value`` in it."""
    key, equals, text = setting.partition("=")
    if not equals or not all(key.strip().split(".")):
        raise RecipeError(f"{setting!r}: expected key=value, e.g. galaxy.redshift=0.01")
    value = plain_data(text, f"the value of {key.strip()}")
    content = dict(content)
    try:
        set_key(content, key.strip(), value)
    except ValueError as error:
        raise RecipeError(f"{key.strip()}: {error}") from error
    return content
