"""Compiled recipes with one array or number changed, sealed again, given to the simulator: refused, or simulated.

In a process of its own: what reaches a kernel with a wrong index may end it. Prints how many of each there were. Given
a number N as its second argument, it tries every Nth change.
"""

import copy
import itertools
import os
import sys
import warnings

import numpy as np
from miniature import miniature_library, miniature_recipe

from sfhsim.errors import DatasetError
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.synthesis import Simulator
from sfhsim.synthesis.compiled_recipe import CompiledRecipe

DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}
MOVING = {
    "velocity_dispersion_kms": 200.0,
    "line_velocity_offset_kms": {"distribution": "uniform", "min": -300.0, "max": 300.0},
}
SCATTER = {"line_scatter_dex": 0.2, "common_scatter_dex": 0.1}
PIXELS = {"step_aa": 20.0}
SECTIONS = [
    {"nebular": SCATTER},
    {"kinematics": DRAWN},
    {"kinematics": DRAWN, "photometry": {"filters": ["HST/WFC3_UVIS.F555W"], "interpolation": "log"}},
    {"nebular": {"model": "lkl10", "scaling": "energy"} | SCATTER, "kinematics": MOVING | {"broaden_stars": False}},
]


def changes_of(array):
    """The array cut, grown, of another type, turned, and with impossible and shifted values."""
    yield array[:-1]
    yield array[..., :-1] if array.ndim > 1 else array[:0]
    yield np.concatenate([array, array[-1:]])
    yield array[..., None]
    yield array.astype(np.float32 if array.dtype == np.float64 else np.float64)
    if array.ndim == 2:
        yield np.ascontiguousarray(array.T)
    for value in (-1, 2**31, 2**62) if array.dtype.kind == "i" else (-1.0, 1e300, np.nan):
        if array.size:
            changed = array.astype(array.dtype)
            with np.errstate(over="ignore"):
                changed.reshape(-1)[array.size // 2] = value
            yield changed


def numbers_in(document, path=()):
    """Places of the numbers in the stages of a document."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from numbers_in(value, (*path, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, key)


def put(document, path, value):
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def attempt(document, arrays, counts):
    content = CompiledRecipe(document, arrays).to_bytes()
    try:
        simulator = Simulator.from_compiled(CompiledRecipe.from_bytes(content, "forged"), seed=1)
    except DatasetError:
        counts["refused"] += 1
        return
    try:
        simulator.batch(np.arange(3))
        counts["simulated"] += 1
    except ValueError:  # CoverageError and RecipeError, of galaxies without light, impossible log U and the like
        counts["named"] += 1


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["SFHSIM_LKL10"] = sys.argv[1]
    counts = {"refused": 0, "simulated": 0, "named": 0}
    every, number = int(sys.argv[2]), itertools.count()
    for sections in SECTIONS:
        recipe = recipe_from_dict(miniature_recipe(**({"spectrum": PIXELS} | sections)))
        compiled = Simulator(recipe, miniature_library()).compiled()
        for name, array in compiled.arrays.items():
            for changed in changes_of(array):
                if next(number) % every:
                    continue
                attempt(compiled.document, compiled.arrays | {name: changed}, counts)
        for path in numbers_in(compiled.document["stages"]):
            for value in (-1, 10**9, 1e-300, "x"):
                if next(number) % every:
                    continue
                document = copy.deepcopy(compiled.document)
                put(document["stages"], path, value)
                attempt(document, compiled.arrays, counts)
    print(counts["refused"], counts["simulated"], counts["named"])
