"""Stellar libraries: what there is, how one is installed, imported, spliced, varied, saved and loaded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhsim.libraries.catalogue import LibraryRecord, list_libraries, load_library
    from sfhsim.libraries.importing import import_library, register_reader
    from sfhsim.libraries.install import install_library
    from sfhsim.libraries.native import save_library
    from sfhsim.libraries.splicing import splice
    from sfhsim.libraries.ssp_library import SSPLibrary
    from sfhsim.libraries.variations import Variations, varied

_HOME = {
    "LibraryRecord": "catalogue",
    "SSPLibrary": "ssp_library",
    "Variations": "variations",
    "import_library": "importing",
    "install_library": "install",
    "list_libraries": "catalogue",
    "load_library": "catalogue",
    "register_reader": "importing",
    "save_library": "native",
    "splice": "splicing",
    "varied": "variations",
}
__all__ = [
    "LibraryRecord",
    "SSPLibrary",
    "Variations",
    "import_library",
    "install_library",
    "list_libraries",
    "load_library",
    "register_reader",
    "save_library",
    "splice",
    "varied",
]


def __getattr__(name: str) -> object:
    """Import on first use: `import sfhsim.libraries` loads nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"sfhsim.libraries.{_HOME[name]}"), name)
    globals()[name] = value  # later look-ups are direct
    return value
