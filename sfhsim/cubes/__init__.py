"""Mock cubes: galaxies of a recipe laid out on the sky, as a field spectrograph sees them, with maps of what is true.

>>> from sfhsim.cubes import load_cube_model, make_cube
>>> make_cube(load_cube_model("disc"), "mock.fits", seed=1)

Names below are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhsim.cubes.loading import builtin_cube_models, cube_model_from_dict, cube_model_text, load_cube_model
    from sfhsim.cubes.making import MadeCube, make_cube
    from sfhsim.cubes.model import CubeModel

_HOME = {
    "CubeModel": "model",
    "MadeCube": "making",
    "builtin_cube_models": "loading",
    "cube_model_from_dict": "loading",
    "cube_model_text": "loading",
    "load_cube_model": "loading",
    "make_cube": "making",
}
__all__ = [
    "CubeModel",
    "MadeCube",
    "builtin_cube_models",
    "cube_model_from_dict",
    "cube_model_text",
    "load_cube_model",
    "make_cube",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sfhsim.cubes.{_HOME[name]}"), name)
