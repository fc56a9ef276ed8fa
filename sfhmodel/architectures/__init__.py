"""Architectures by name: builders of the network between normalised inputs and raw outputs.

A builder takes a `NetworkSpec` and options, and returns a functional `keras.Model`

    {"continuum", "lines", "ignored": (n, n_pixel), "noise": (n, 1), "photometry": (n, 3 n_band)}
        -> {raw outputs, "latent"[, "attention"]}

whose raw outputs are made by the methods of the spec. A new architecture is a module with such a builder, registered
with `register`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from sfhmodel.architectures.network_spec import NetworkSpec
from sfhmodel.errors import ConfigError
from sfhsim.plugins import load_entry_points

_BUILDERS: dict[str, Callable] = {}


def register(name: str, builder: Callable) -> None:
    """Make a builder known; raises ConfigError when the name is taken."""
    _load_builtin()
    _register(name, builder)


def _register(name: str, builder: Callable) -> None:
    if name in _BUILDERS and _BUILDERS[name] is not builder:
        raise ConfigError(f"there is an architecture {name!r} already: choose another name")
    _BUILDERS[name] = builder


def _load_builtin() -> None:
    from sfhmodel.architectures.attention import attention
    from sfhmodel.architectures.branched import branched

    _register("attention", attention)
    _register("branched", branched)


def names() -> list[str]:
    """Of the architectures."""
    _load_builtin()
    return sorted(_BUILDERS)


def options(name: str) -> dict:
    """The options of an architecture with their defaults."""
    parameters = list(inspect.signature(builder(name)).parameters.values())[1:]
    return {p.name: p.default for p in parameters}


def build(name: str, spec: NetworkSpec, **chosen):
    """The network of this name.

    Raises
    ------
    ConfigError
        An unknown architecture or option; both are listed.
    """
    known = options(name)
    if unknown := sorted(set(chosen) - set(known)):
        raise ConfigError(f"architecture {name!r} has no option {', '.join(unknown)}: it has {', '.join(known)}")
    return builder(name)(spec, **chosen)


def builder(name: str) -> Callable:
    """What makes the network of this name; installed plug-ins are asked where it is not known without.

    Raises
    ------
    ConfigError
        There is none.
    """
    _load_builtin()
    if name not in _BUILDERS:
        load_entry_points()
    if name not in _BUILDERS:
        raise ConfigError(
            f"no architecture {name!r}: choose from {', '.join(names())}, or load the plug-in that registers it "
            "(--plugin)"
        )
    return _BUILDERS[name]


__all__ = ["NetworkSpec", "build", "builder", "names", "options", "register"]
