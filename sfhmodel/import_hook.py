"""Something done around the first import of a package, without importing it now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

# given the function that executes the module, and the module
Around = Callable[[Callable[[ModuleType], None], ModuleType], None]


def around_import(name: str, around: Around) -> None:
    """Let ``around`` execute the module of this name when it is imported; done twice, the first one stays."""
    if not any(isinstance(finder, _Finder) and finder.name == name for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(name, around))


class _Finder(MetaPathFinder):
    """Wraps the loader that the other finders give; finds nothing itself."""

    def __init__(self, name: str, around: Around):
        self.name, self._around = name, around

    def find_spec(self, name, path=None, target=None) -> ModuleSpec | None:
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        try:
            spec = find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._around)
        return spec


class _Loader(Loader):
    def __init__(self, loader: Loader, around: Around):
        self._loader, self._around = loader, around

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module) -> None:
        module.__loader__ = module.__spec__.loader = self._loader  # whoever asks later meets the real one
        self._around(self._loader.exec_module, module)

    def __getattr__(self, name):
        return getattr(self._loader, name)
