"""`sfhsim recipe`: list, show and check recipes; list what they can name."""

from __future__ import annotations

from typing import Annotated

import typer

recipe_app = typer.Typer(help="Recipes: what a data set is made of.", no_args_is_help=True)


@recipe_app.command("list")
def list_recipes() -> None:
    """Built-in recipes."""
    from sfhsim.recipe import builtin_names, load_recipe

    for name in builtin_names():
        print(f"{name:28s} {load_recipe(name).description}")


@recipe_app.command()
def show(
    recipe: Annotated[str, typer.Argument(help="Built-in name or YAML file.")],
    full: Annotated[bool, typer.Option(help="Every key with its default and meaning.")] = False,
) -> None:
    """Print a recipe; --full adds every default and what it means."""
    from pathlib import Path

    from sfhsim.recipe import builtin_names, builtin_text, documented_yaml, load_recipe

    if full:
        print(documented_yaml(load_recipe(recipe)), end="")
    elif recipe in builtin_names():
        print(builtin_text(recipe), end="")
    else:
        load_recipe(recipe)
        print(Path(recipe).read_text(encoding="utf-8"), end="")


@recipe_app.command()
def check(recipe: Annotated[str, typer.Argument(help="Built-in name or YAML file.")]) -> None:
    """Validate a recipe and everything it names (library, line table, filters, grid), and simulate some galaxies."""
    from sfhsim import make_simulator
    from sfhsim.synthesis.any_simulator import worlds_by_name

    simulator = make_simulator(recipe)
    for world in worlds_by_name(simulator).values():
        world.batch(range(64))
    print(simulator.describe())


@recipe_app.command()
def families() -> None:
    """Everything that a recipe can name, with its parameters: histories, dust, gas, sources, noise, measurements."""
    from sfhsim.recipe import describe_families

    print(describe_families())
