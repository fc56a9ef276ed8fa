"""Synthetic galaxy spectra and photometry, from star formation histories to training records.

>>> import sfhsim
>>> simulator = sfhsim.Simulator.from_recipe("demo")
>>> batch = simulator.batch([0, 1, 2])

Nothing is loaded at import; names below are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.3.0"

if TYPE_CHECKING:
    from sfhsim.generation import generate_dataset, repair_dataset, verify_dataset
    from sfhsim.libraries import import_library, install_library, list_libraries, load_library, splice
    from sfhsim.likelihood import Likelihood, PriorCube
    from sfhsim.recipe import Mixture, Recipe, load_recipe
    from sfhsim.records import Dataset
    from sfhsim.streaming import PrefetchingStream
    from sfhsim.synthesis import (
        AgeBinTemplates,
        MixtureSimulator,
        Simulator,
        age_bin_templates,
        make_simulator,
        synthesize_galaxy,
    )

_HOME = {
    "AgeBinTemplates": "synthesis",
    "Dataset": "records",
    "Likelihood": "likelihood",
    "Mixture": "recipe",
    "MixtureSimulator": "synthesis",
    "PrefetchingStream": "streaming",
    "PriorCube": "likelihood",
    "Recipe": "recipe",
    "Simulator": "synthesis",
    "age_bin_templates": "synthesis",
    "generate_dataset": "generation",
    "import_library": "libraries",
    "install_library": "libraries",
    "list_libraries": "libraries",
    "load_library": "libraries",
    "load_recipe": "recipe",
    "make_simulator": "synthesis",
    "repair_dataset": "generation",
    "splice": "libraries",
    "synthesize_galaxy": "synthesis",
    "verify_dataset": "generation",
}
__all__ = [
    "AgeBinTemplates",
    "Dataset",
    "Likelihood",
    "Mixture",
    "MixtureSimulator",
    "PrefetchingStream",
    "PriorCube",
    "Recipe",
    "Simulator",
    "__version__",
    "age_bin_templates",
    "generate_dataset",
    "import_library",
    "install_library",
    "list_libraries",
    "load_library",
    "load_recipe",
    "make_simulator",
    "repair_dataset",
    "splice",
    "synthesize_galaxy",
    "verify_dataset",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'sfhsim' has no attribute {name!r}")
    value = getattr(import_module(f"sfhsim.{_HOME[name]}"), name)
    globals()[name] = value
    return value
