"""Simulators of whole recipes, of one world or of several: opened by one function, asked for what differs by others."""

from __future__ import annotations

from typing import TypeGuard

from sfhsim.recipe.model import Recipe
from sfhsim.recipe.worlds import Mixture
from sfhsim.synthesis.compiled_recipe import CompiledRecipe
from sfhsim.synthesis.mixture import FORMAT, MixtureSimulator
from sfhsim.synthesis.simulator import DEFAULT_TOLERANCE, Simulator

_MOST_AT_ONCE = 8  # worlds that a batch is enlarged for


def make_simulator(
    recipe: Recipe | Mixture | str, seed: int = 0, basis_tolerance: float = DEFAULT_TOLERANCE
) -> Simulator | MixtureSimulator:
    """The simulator of a recipe or mixture (object, built-in name or YAML file) on the libraries that it names.

    Both kinds have ``recipe``, ``seed``, ``notes``, ``library_description``, `batch`, `stream`, `dimensions`,
    `feature_lengths`, `fingerprint`, `compiled` and `describe`. Raises as `Simulator.from_recipe`.
    """
    return Simulator.from_recipe(recipe, seed, basis_tolerance)


def open_compiled(compiled: CompiledRecipe, seed: int = 0) -> Simulator | MixtureSimulator:
    """The simulator that `compiled` described, of whichever kind; raises as `Simulator.from_compiled`."""
    kind = MixtureSimulator if compiled.document.get("format") == FORMAT else Simulator
    return kind.from_compiled(compiled, seed)


def is_simulator(item: object) -> TypeGuard[Simulator | MixtureSimulator]:
    """Whether this is a simulator of either kind, not a recipe or the name of one."""
    return isinstance(item, Simulator | MixtureSimulator)


def worlds_by_name(simulator: Simulator | MixtureSimulator) -> dict[str, Simulator]:
    """The simulators of a mixture by the names of its worlds; the one of a recipe without worlds under an empty one."""
    if isinstance(simulator, MixtureSimulator):
        return dict(zip(simulator.recipe.world_names, simulator.worlds, strict=True))
    return {"": simulator}


def of_sample(simulator: Simulator | MixtureSimulator, sample_id: int) -> tuple[Simulator, str]:
    """The simulator that makes a sample, and what its recipe and world are called."""
    if not isinstance(simulator, MixtureSimulator):
        return simulator, simulator.recipe.name
    world = simulator.of_sample(sample_id)
    return world, f"{simulator.recipe.name}, world {world.recipe.name}"


def efficient_batch(simulator: Simulator | MixtureSimulator, batch_size: int) -> int:
    """Samples to ask for at once, so that every world makes about ``batch_size``: the time that a call takes counts."""
    return batch_size * min(len(worlds_by_name(simulator)), _MOST_AT_ONCE)
