"""Sources of light beside stars and their nebulae, by name: recipes switch them on under ``sources``.

Every module in this folder but ``base`` and ``active`` registers what it defines; so may any plug-in.
`sfhsim.sources.base` says how a new one is made.
"""

from __future__ import annotations

from sfhsim.sources.active import ActiveSource, active_sources
from sfhsim.sources.base import (
    DUST_PATHS,
    SOURCES,
    EmissionSource,
    Surroundings,
    get_source,
    register_source,
)

__all__ = [
    "DUST_PATHS",
    "SOURCES",
    "ActiveSource",
    "EmissionSource",
    "Surroundings",
    "active_sources",
    "get_source",
    "register_source",
]


def _register_those_of_this_folder() -> None:
    from importlib import import_module
    from pkgutil import iter_modules

    for module in iter_modules(__path__):
        if module.name not in ("active", "base"):
            import_module(f"{__name__}.{module.name}")


_register_those_of_this_folder()
