"""Keras finds the model's class in a file once `sfhmodel` is imported, without `sfhmodel` importing Keras.

`keras.models.load_model` looks a class up among the registered ones, and imports modules of Keras' own packages only. A
stand-in is registered when Keras is imported; the model itself, and all its code, is imported when a file asks for it.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec

REGISTERED_NAME = "sfhmodel>StarFormationModel"


class ModelStandIn:
    """Registered in place of `StarFormationModel` until that is imported."""

    @classmethod
    def from_config(cls, config: dict, custom_objects=None):
        """The model of a configuration."""
        from sfhmodel.model import StarFormationModel

        return StarFormationModel.from_config(config, custom_objects)


def register_with_keras() -> None:
    """Register the stand-in now, or as soon as Keras is imported."""
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "saving"):
        _register(sys.modules["keras"])
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def _register(keras) -> None:
    keras.saving.get_custom_objects().setdefault(REGISTERED_NAME, ModelStandIn)


class _AfterKeras(MetaPathFinder):
    """Waits for the import of Keras; finds nothing itself."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """Loads Keras, then registers."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module) -> None:
        module.__loader__ = module.__spec__.loader = self._loader  # whoever asks later meets the real one
        self._loader.exec_module(module)
        _register(module)

    def __getattr__(self, name):
        return getattr(self._loader, name)
