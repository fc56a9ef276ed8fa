"""How likely an observed spectrum is under the galaxies of a recipe: for samplers and importance weights."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhsim.likelihood.cube import PriorCube
    from sfhsim.likelihood.likelihood import Evaluated, Likelihood

_WHERE = {"Evaluated": "likelihood", "Likelihood": "likelihood", "PriorCube": "cube"}

__all__ = ["Evaluated", "Likelihood", "PriorCube"]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sfhsim.likelihood.{_WHERE[name]}"), name)
