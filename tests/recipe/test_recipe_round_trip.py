"""Recipes that can be read are the same after they were written, as plain data, as YAML, and documented in full."""

import yaml
from fuzzed_recipes import recipes
from hypothesis import HealthCheck, given, settings

from sfhsim.errors import RecipeError
from sfhsim.recipe import documented_yaml, parse_recipe, recipe_fingerprint, recipe_from_dict, recipe_to_dict


def test_recipes_come_back():
    read = []

    @settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn=recipes())
    def check(drawn):
        try:
            recipe = parse_recipe(drawn[0])
        except RecipeError:
            return
        content = recipe_to_dict(recipe)
        assert recipe_from_dict(content) == recipe
        for text in (yaml.safe_dump(content), documented_yaml(recipe)):
            again = parse_recipe(text)
            assert again == recipe
            assert recipe_fingerprint(again) == recipe_fingerprint(recipe)
        read.append(recipe.name)

    check()
    assert len(read) > 15
