"""From cubes of spectra to maps of star formation histories: binning, kinematics, prediction, FITS and pictures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhmodel.mapping.options import MapOptions
    from sfhmodel.mapping.run import MapOutcome, map_cube, map_cubes

_WHERE = {
    "MapOptions": "sfhmodel.mapping.options",
    "MapOutcome": "sfhmodel.mapping.run",
    "map_cube": "sfhmodel.mapping.run",
    "map_cubes": "sfhmodel.mapping.run",
}

__all__ = ["MapOptions", "MapOutcome", "map_cube", "map_cubes"]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'sfhmodel.mapping' has no attribute {name!r}")
