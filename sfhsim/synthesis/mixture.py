"""The simulator of a mixture: one compiled `Simulator` a world, and each sample sent to its own.

The world of sample i is where a uniform number of (seed, i), from a stream of its own, falls among the cumulative
shares of the worlds. What a world makes of the sample is what its recipe alone would make of it, so that

    mixture.batch([i])  =  worlds[w].batch([i])      but for the truths, which are those of all worlds

Worlds are simulated one after the other, each with its samples of a batch.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from sfhsim.errors import DatasetError, RecipeError, SfhsimWarning
from sfhsim.recipe.worlds import Mixture
from sfhsim.synthesis.compiled_recipe import CompiledRecipe
from sfhsim.synthesis.mixture_batch import MixtureBatch, gathered
from sfhsim.synthesis.mixture_description import Columns, bands_of, library_of, notes_of, worlds_of
from sfhsim.synthesis.origin import quietly
from sfhsim.synthesis.sample_ids import checked_ids, world_index
from sfhsim.synthesis.simulator import DEFAULT_TOLERANCE, Simulator

FORMAT = "sfhsim compiled mixture"


class MixtureSimulator:
    """Simulates galaxies of a mixture; sample i depends on the recipe, the seed and i alone.

    It has the methods of a `Simulator` that concern samples; components of one galaxy are for its world to tell, which
    `of_sample` names. Batches are the more efficient the more samples each world has in them.

    Parameters
    ----------
    recipe : Mixture
    worlds : the simulator of each world's recipe, in order; all with one seed and basis_tolerance.

    Attributes
    ----------
    worlds : as given.
    notes : tuple of str
        What the user should know of each world; each is also a SfhsimWarning.

    Raises
    ------
    RecipeError
        When the simulators are not those of the recipe's worlds, or have other seeds.
    """

    def __init__(self, recipe: Mixture, worlds: Sequence[Simulator]):
        if [world.recipe for world in worlds] != [world.recipe for world in recipe.worlds]:
            raise RecipeError(f"a mixture of {', '.join(recipe.world_names)} needs the simulators of these, in order")
        if len({(world.seed, world.basis_tolerance) for world in worlds}) > 1:
            raise RecipeError("the simulators of a mixture have one seed and one basis_tolerance")
        self.recipe, self.worlds = recipe, tuple(worlds)
        self.seed, self.basis_tolerance = worlds[0].seed, worlds[0].basis_tolerance
        self._columns = Columns(recipe.world_names, [world.dimensions()["truth"] for world in worlds])
        self.library_description = library_of(self.worlds)
        self.notes = notes_of(recipe.world_names, worlds)

    @classmethod
    def from_recipe(
        cls, recipe: Mixture | str, seed: int = 0, basis_tolerance: float = DEFAULT_TOLERANCE
    ) -> MixtureSimulator:
        """As `Simulator.from_recipe`, of a mixture; what is compiled is shared with the worlds' own recipes."""
        from sfhsim.recipe import load_recipe

        recipe = recipe if isinstance(recipe, Mixture) else load_recipe(recipe)
        if not isinstance(recipe, Mixture):
            raise RecipeError(f"{recipe.name} lists no worlds: use Simulator.from_recipe")
        with quietly():
            worlds = [Simulator.from_recipe(world.recipe, seed, basis_tolerance) for world in recipe.worlds]
        return cls(recipe, worlds)._told()

    @classmethod
    def from_compiled(cls, compiled: CompiledRecipe, seed: int = 0, recipe: Mixture | None = None) -> MixtureSimulator:
        """As `Simulator.from_compiled`, of what `compiled` gave."""
        from sfhsim.recipe import recipe_from_dict

        document = compiled.document
        try:
            recipe = recipe_from_dict(document["recipe"]) if recipe is None else recipe
            parts = [CompiledRecipe(part, _arrays_of(compiled, k)) for k, part in enumerate(document["worlds"])]
            with quietly():
                worlds = [
                    Simulator.from_compiled(part, seed, world.recipe)
                    for part, world in zip(parts, recipe.worlds, strict=True)
                ]
            simulator = cls(recipe, worlds)
            sound = simulator.fingerprint() == document["fingerprint"]
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise DatasetError(f"what was compiled cannot be read ({type(error).__name__}: {error})") from error
        if not sound:
            raise DatasetError("what was compiled cannot be read: its worlds are not those of its fingerprint")
        return simulator._told()

    def _told(self) -> MixtureSimulator:
        for note in self.notes:
            warnings.warn(note, SfhsimWarning, stacklevel=4)
        return self

    def compiled(self) -> CompiledRecipe:
        """Everything that was compiled, the worlds one after the other, as plain data for a file."""
        import sfhsim
        from sfhsim.recipe import recipe_to_dict

        parts = [world.compiled() for world in self.worlds]
        document = {
            "format": FORMAT,
            "sfhsim_version": sfhsim.__version__,
            "fingerprint": self.fingerprint(),
            "recipe": recipe_to_dict(self.recipe),
            "basis_tolerance": self.basis_tolerance,
            "worlds": [part.document for part in parts],
        }
        arrays = {f"{k}/{name}": array for k, part in enumerate(parts) for name, array in part.arrays.items()}
        return CompiledRecipe(document, arrays).sealed()

    # -- samples -----------------------------------------------------------------------------------------------------

    def world_index(self, sample_ids) -> np.ndarray:
        """(n,) which world each of the samples with these ids (n,) is of."""
        return world_index(self.recipe, sample_ids, self.seed)

    def of_sample(self, sample_id: int) -> Simulator:
        """The simulator of the world that a sample is of."""
        return self.worlds[int(self.world_index([sample_id])[0])]

    def batch(self, sample_ids) -> MixtureBatch:
        """Simulate the samples with these ids (n,), integers from 0; RecipeError for others, or for none."""
        ids = checked_ids(sample_ids)
        world = self.world_index(ids)
        parts = []
        for k in np.unique(world):
            rows = np.flatnonzero(world == k)
            parts.append((int(k), rows, self.worlds[k].batch(ids[rows])))
        return gathered(world, parts, self._columns)

    def stream(self, start: int = 0, batch_size: int = 256) -> Iterator[MixtureBatch]:
        """Batches of consecutive samples without end, from sample ``start`` on."""
        while True:
            yield self.batch(np.arange(start, start + batch_size, dtype=np.uint64))
            start += batch_size

    # -- what it is, for manifests and people ------------------------------------------------------------------------

    def feature_lengths(self) -> dict[str, int]:
        """Number of values of each array of a record."""
        return self.worlds[0].feature_lengths() | {"truth": len(self._columns.entries)}

    def dimensions(self) -> dict:
        """As `Simulator.dimensions`, with the truths of all worlds, and the worlds themselves."""
        each = [world.dimensions() for world in self.worlds]
        shared = {name: value for name, value in each[0].items() if name != "history_family"}
        return shared | {
            "band": bands_of(self.recipe.world_names, [dimensions["band"] for dimensions in each]),
            "truth": self._columns.entries,
            "world": worlds_of(self.recipe, self.worlds),
        }

    def fingerprint(self) -> str:
        """One digest of all that decides a record but seed and id."""
        return mixture_fingerprint(self.recipe, [world.fingerprint() for world in self.worlds])

    def describe(self) -> str:
        """A few lines on what was compiled."""
        shares = np.diff(self.recipe.share_edges, prepend=0.0)
        lines = [f"recipe {self.recipe.name}: {self.recipe.description}"]
        for name, share, world in zip(self.recipe.world_names, shares, self.worlds, strict=True):
            lines += [f"world {name}, {100 * share:.3g}% of the galaxies", *world.describe().splitlines()[1:]]
        return "\n".join(lines)


def mixture_fingerprint(recipe: Mixture, fingerprints: Sequence[str]) -> str:
    """sha256 of the worlds' names and weights and of the fingerprints of their simulators."""
    content = [
        {"name": world.name, "weight": world.weight, "fingerprint": fingerprint}
        for world, fingerprint in zip(recipe.worlds, fingerprints, strict=True)
    ]
    return hashlib.sha256(json.dumps({"worlds": content}, sort_keys=True).encode()).hexdigest()


def _arrays_of(compiled: CompiledRecipe, world: int) -> dict[str, np.ndarray]:
    start = f"{world}/"
    return {name[len(start) :]: array for name, array in compiled.arrays.items() if name.startswith(start)}
