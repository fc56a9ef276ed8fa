"""The instrument's resolution, as the user, the file or nobody says."""

from __future__ import annotations

import numpy as np

from sfhmodel.mapping.cube import Cube
from sfhmodel.mapping.options import MapOptions
from sfhmodel.mapping.rest_grid import RestGrid
from sfhmodel.spectra import PreparationSettings


def fwhm_on_grid(cube: Cube, grid: RestGrid, options: MapOptions) -> np.ndarray | None:
    """(p,) FWHM of the observed line-spread function on the grid [A], in its frame; None where nobody knows it."""
    observed_aa = grid.observed_wave_aa
    given = PreparationSettings(resolution_fwhm_aa=options.resolution_fwhm_aa, resolving_power=options.resolving_power)
    of_file = cube.fwhm_aa
    if of_file is not None:
        known = np.isfinite(of_file)
        of_file = np.interp(observed_aa, cube.wave_aa[known], of_file[known]) if known.any() else None
    fwhm_aa = given.observed_fwhm_aa(observed_aa, of_file)
    return None if fwhm_aa is None else fwhm_aa * grid.wave_aa / observed_aa
