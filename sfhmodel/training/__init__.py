"""Training: config, run directory, epochs, checkpoints, calibration. `train` is all that most need."""

from __future__ import annotations

from importlib import import_module

_WHERE = {
    "TrainingConfig": "config",
    "config_from_dict": "config",
    "load_config": "config",
    "recalibrate": "recalibration",
    "train": "run",
}

__all__ = ["TrainingConfig", "config_from_dict", "load_config", "recalibrate", "train"]


def __getattr__(name: str):
    """Import a public name on first use."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sfhmodel.training.{_WHERE[name]}"), name)
