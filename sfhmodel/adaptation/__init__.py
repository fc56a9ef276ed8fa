"""Adaptation of a trained network to observed spectra without labels. `adapt` is all that most need."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhmodel.adaptation.config import AdaptationConfig, adaptation_config
    from sfhmodel.adaptation.run import adapt

_WHERE = {"AdaptationConfig": "config", "adaptation_config": "config", "adapt": "run"}

__all__ = ["AdaptationConfig", "adapt", "adaptation_config"]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sfhmodel.adaptation.{_WHERE[name]}"), name)
