"""A recipe written out in full: every key, its value and, as a comment, what it means."""

from __future__ import annotations

import yaml
from pydantic import BaseModel

from sfhsim.recipe.distributions import _Distribution
from sfhsim.recipe.model import Recipe

_WORLDS = (
    "# Several worlds in one data set, each this document or another recipe, with other keys (weight 1 unless given):",
    "# worlds: [{name: ..., weight: 1, override: {library: ...}}, {name: ..., recipe: NAME or FILE, override: {}}]",
)


def documented_yaml(recipe: BaseModel) -> str:
    """YAML of a recipe, or another description, with all defaults visible and each key's description; it parses to the
    same."""
    return "\n".join([*_lines(recipe, indent=""), *(_WORLDS if isinstance(recipe, Recipe) else ())]) + "\n"


def _lines(section: BaseModel, indent: str):
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        key = field.alias or name
        if field.description:
            yield f"{indent}# {field.description}"
        if isinstance(value, BaseModel) and not isinstance(value, _Distribution):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            yield f"{indent}{key}:"
            for item in value:
                body = list(_lines(item, indent + "    "))
                first = next(k for k, line in enumerate(body) if not line.lstrip().startswith("#"))
                body[first] = f"{indent}  - {body[first].lstrip()}"
                yield from body
        else:
            yield f"{indent}{key}: {_inline(value)}"


def _inline(value) -> str:
    plain = _plain(value)
    text = yaml.safe_dump(plain, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("\n...\n").rstrip("\n")


def _plain(value):
    if isinstance(value, _Distribution):
        content = value.model_dump(mode="json", exclude_none=True)
        return content["value"] if content["distribution"] == "constant" else content
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
