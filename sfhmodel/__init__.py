"""Star formation and metallicity histories from spectra and photometry: networks that say how sure they are.

Nothing heavy is imported until it is used: ``import sfhmodel`` needs no Keras.
"""

from __future__ import annotations

from importlib import import_module

from sfhmodel.registration import register_with_keras

__version__ = "0.3.0"

_WHERE = {
    "ModelDescription": "sfhmodel.description",
    "StarFormationModel": "sfhmodel.model",
    "build_model": "sfhmodel.model",
    "load": "sfhmodel.inference",
    "train": "sfhmodel.training",
    "evaluate": "sfhmodel.evaluation",
}

register_with_keras()

__all__ = [*_WHERE, "__version__"]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'sfhmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
