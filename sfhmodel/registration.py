"""Keras finds the model's class in a file once `sfhmodel` is imported, without `sfhmodel` importing Keras.

`keras.models.load_model` looks a class up among the registered ones, and imports modules of Keras' own packages only. A
stand-in is registered when Keras is imported; the model itself, and all its code, is imported when a file asks for it.
"""

from __future__ import annotations

import sys

from sfhmodel.import_hook import around_import

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
    else:
        around_import("keras", _and_register)


def _and_register(execute, keras) -> None:
    execute(keras)
    _register(keras)


def _register(keras) -> None:
    keras.saving.get_custom_objects().setdefault(REGISTERED_NAME, ModelStandIn)
