"""Star formation and metallicity histories from spectra and photometry: networks that say how sure they are.

Nothing heavy is imported until it is used: ``import sfhmodel`` needs no Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sfhmodel.registration import register_with_keras

__version__ = "0.3.0"

if TYPE_CHECKING:
    from sfhmodel.description import ModelDescription
    from sfhmodel.evaluation import evaluate
    from sfhmodel.inference import load
    from sfhmodel.model import StarFormationModel, build_model
    from sfhmodel.training import train

_WHERE = {
    "ModelDescription": "sfhmodel.description",
    "StarFormationModel": "sfhmodel.model",
    "build_model": "sfhmodel.model",
    "load": "sfhmodel.inference",
    "train": "sfhmodel.training",
    "evaluate": "sfhmodel.evaluation",
}

register_with_keras()

__all__ = [
    "ModelDescription",
    "StarFormationModel",
    "__version__",
    "build_model",
    "evaluate",
    "load",
    "train",
]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'sfhmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
