"""From cubes of spectra to maps of star formation histories: binning, kinematics, prediction, FITS and pictures."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhmodel.mapping.options import MapOptions
    from sfhmodel.mapping.outcome import MapOutcome
    from sfhmodel.mapping.pictures import plot_maps
    from sfhmodel.mapping.run import map_cube, map_cubes

_WHERE = {
    "MapOptions": "sfhmodel.mapping.options",
    "MapOutcome": "sfhmodel.mapping.outcome",
    "map_cube": "sfhmodel.mapping.run",
    "map_cubes": "sfhmodel.mapping.run",
    "plot_maps": "sfhmodel.mapping.pictures",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())  # else errors that are told would be printed, too

__all__ = ["MapOptions", "MapOutcome", "map_cube", "map_cubes", "plot_maps"]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'sfhmodel.mapping' has no attribute {name!r}")
