"""Joint posterior samples of history, metallicity and dust: a flow on the features of a trained network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhmodel.posterior.posterior import Posterior
    from sfhmodel.posterior.rank_statistics import coverage, rank_p_value, ranks
    from sfhmodel.posterior.samples import PosteriorSamples
    from sfhmodel.posterior.training import FlowConfig, flow_config, train_posterior

_WHERE = {
    "FlowConfig": "training",
    "Posterior": "posterior",
    "PosteriorSamples": "samples",
    "coverage": "rank_statistics",
    "flow_config": "training",
    "rank_p_value": "rank_statistics",
    "ranks": "rank_statistics",
    "train_posterior": "training",
}

__all__ = [
    "FlowConfig",
    "Posterior",
    "PosteriorSamples",
    "coverage",
    "flow_config",
    "rank_p_value",
    "ranks",
    "train_posterior",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sfhmodel.posterior.{_WHERE[name]}"), name)
