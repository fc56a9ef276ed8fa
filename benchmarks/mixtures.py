"""What a mixture costs against its worlds: CPU time of one thread, in microseconds a galaxy.

``python -m benchmarks.mixtures [--recipe FILE] [--rounds N]``. Worlds are asked for 256 galaxies at a time, the mixture
for as many, and for what shards and streams ask of it. Its samples are held against those of the worlds' own recipes.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

BATCH = 256
# on the embedded library: other stars' metals, other gas, other histories
DEFAULT = {
    "name": "three-worlds",
    "worlds": [
        {"name": "demo", "weight": 2, "recipe": "demo"},
        {"name": "constant", "weight": 2, "recipe": "demo", "override": {"metallicity": {"form": "constant"}}},
        {
            "name": "no-gas",
            "recipe": "demo",
            "override": {"nebular": {"model": "none"}, "histories": [{"family": "dense_basis"}]},
        },
    ],
}


def measure(recipe, rounds: int) -> dict[str, float]:
    """Median CPU time, in microseconds a galaxy, of each world, of their mean, and of the mixture in two ways.

    Raises
    ------
    AssertionError
        When a sample of the mixture is not that of its world.
    """
    import numba

    from sfhsim import MixtureSimulator
    from sfhsim.synthesis.any_simulator import efficient_batch, worlds_by_name

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mixture = MixtureSimulator.from_recipe(recipe, seed=1)
    check(mixture)
    asked = efficient_batch(mixture, BATCH)
    contestants = {name: (world, BATCH) for name, world in worlds_by_name(mixture).items()}
    contestants |= {f"mixture, {BATCH} at once": (mixture, BATCH), f"mixture, {asked} at once": (mixture, asked)}
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        found = {name: [] for name in contestants}
        for k in range(rounds + 1):
            for name, (simulator, n) in contestants.items():
                found[name].append(_cpu_us(simulator, n, k * n))
    finally:
        numba.set_num_threads(threads)
    medians = {name: float(np.median(times[1:])) for name, times in found.items()}  # the first compiles
    shares = np.diff(mixture.recipe.share_edges, prepend=0.0)
    mean = sum(share * medians[name] for share, name in zip(shares, mixture.recipe.world_names, strict=True))
    return {**medians, "mean of the worlds": float(mean)}


def check(mixture) -> None:
    """AssertionError unless samples are those of their worlds."""
    ids = np.arange(60)
    batch = mixture.batch(ids)
    for k, world in enumerate(mixture.worlds):
        rows = np.flatnonzero(batch.world == k)
        if rows.size:
            np.testing.assert_array_equal(batch.spectrum[rows], world.batch(ids[rows]).spectrum)


def _cpu_us(simulator, n: int, start: int) -> float:
    ids = np.arange(start, start + n)
    began = time.process_time()
    simulator.batch(ids).features()
    return (time.process_time() - began) / n * 1e6


def main() -> None:
    """Print the table."""
    from sfhsim.recipe import load_recipe, recipe_from_dict

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", help="YAML file of a mixture; three worlds on the embedded library when absent")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    recipe = load_recipe(options.recipe) if options.recipe else recipe_from_dict(DEFAULT)
    for name, us in measure(recipe, options.rounds).items():
        print(f"{name:28s} {us:7.1f} us of one core a galaxy")


if __name__ == "__main__":
    main()
