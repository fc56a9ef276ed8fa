"""Synthesis: parameters to histories to light to what instruments see.

`Simulator` is compiled for batches; `synthesize_galaxy` is the readable path at native resolution, component by
component, that the compiled one is tested against.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhsim.synthesis.age_bin_templates import AgeBinTemplates, age_bin_templates
    from sfhsim.synthesis.any_simulator import make_simulator
    from sfhsim.synthesis.batch import Batch
    from sfhsim.synthesis.galaxy import Galaxy, synthesize_galaxy
    from sfhsim.synthesis.mixture import MixtureSimulator
    from sfhsim.synthesis.simulator import Simulator

_HOME = {
    "AgeBinTemplates": "age_bin_templates",
    "Batch": "batch",
    "Galaxy": "galaxy",
    "MixtureSimulator": "mixture",
    "Simulator": "simulator",
    "age_bin_templates": "age_bin_templates",
    "make_simulator": "any_simulator",
    "synthesize_galaxy": "galaxy",
}
__all__ = [
    "AgeBinTemplates",
    "Batch",
    "Galaxy",
    "MixtureSimulator",
    "Simulator",
    "age_bin_templates",
    "make_simulator",
    "synthesize_galaxy",
]


def __getattr__(name: str):
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sfhsim.synthesis.{_HOME[name]}"), name)
