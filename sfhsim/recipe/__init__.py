"""Recipes: what a data set is made of, as one validated YAML file."""

from sfhsim.recipe.documentation import documented_yaml
from sfhsim.recipe.families import describe_families
from sfhsim.recipe.loading import (
    builtin_names,
    builtin_text,
    load_recipe,
    parse_recipe,
    recipe_fingerprint,
    recipe_from_dict,
    recipe_to_dict,
)
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.overrides import merged
from sfhsim.recipe.worlds import Mixture, World

__all__ = [
    "Mixture",
    "Recipe",
    "World",
    "builtin_names",
    "builtin_text",
    "describe_families",
    "documented_yaml",
    "load_recipe",
    "merged",
    "parse_recipe",
    "recipe_fingerprint",
    "recipe_from_dict",
    "recipe_to_dict",
]
