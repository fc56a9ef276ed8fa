"""The grid at rest on which spaxels are summed: the model's own, a little longer where the cube is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError
from sfhmodel.mapping.cube import Cube
from sfhmodel.spectra.frame import C_KMS, TrainingFrame
from sfhmodel.spectra.grid_operator import shifted_wave_aa
from sfhsim.pixels import pixel_edges

_MARGIN_AA = 25.0  # on either side of the model's grid: light that broadening brings in
_FASTEST_KMS = 1500.0


@dataclass(frozen=True, eq=False)
class RestGrid:
    """Where spectra of one cube go.

    Attributes
    ----------
    wave_aa : (p,) pixel centres, air, in the frame of the training spectra.
    edges_aa : (p + 1,)
    cube_edges_aa : (m' + 1,) edges of the cube's pixels in ``window``, in that frame, at the galaxy's redshift.
    window : of the cube's wavelengths.
    redshift : of the galaxy.
    frame_redshift : at which it is shown to the model; 0 for models of spectra at rest.
    """

    wave_aa: np.ndarray
    edges_aa: np.ndarray
    cube_edges_aa: np.ndarray
    window: slice
    redshift: float
    frame_redshift: float

    @property
    def observed_wave_aa(self) -> np.ndarray:
        """(p,) of a spaxel at the galaxy's redshift."""
        return self.wave_aa * (1.0 + self.redshift) / (1.0 + self.frame_redshift)

    def at(self, wave_aa: np.ndarray, edges_aa: np.ndarray) -> RestGrid:
        """The same for another grid."""
        return RestGrid(wave_aa, edges_aa, self.cube_edges_aa, self.window, self.redshift, self.frame_redshift)


def rest_grid(cube: Cube, description: ModelDescription, redshift: float) -> RestGrid:
    """The grid of a model for a cube: its pixels are the model's, so that nothing is resampled twice.

    Raises
    ------
    InputError
        The cube does not reach the model's wavelengths at this redshift.
    """
    frame = TrainingFrame.of(description)
    frame_redshift = frame.target_redshift(redshift)
    model_aa = np.asarray(description.wave_aa, dtype=np.float64)
    low, high = model_aa[0] - _MARGIN_AA, model_aa[-1] + _MARGIN_AA
    stretch = (1.0 + redshift) / (1.0 + frame_redshift)
    slack = 1.0 + _FASTEST_KMS / C_KMS
    window = cube.window(low * stretch / slack, high * stretch * slack)
    if window.stop - window.start < 2:
        raise InputError(
            f"{cube.path}: the cube covers {cube.wave_aa[0]:.0f}-{cube.wave_aa[-1]:.0f} A, the model needs "
            f"{model_aa[0] * stretch:.0f}-{model_aa[-1] * stretch:.0f} A at redshift {redshift:g}"
        )
    cube_edges = pixel_edges(shifted_wave_aa(cube.wave_aa, cube.medium, redshift, frame))
    first, last = model_aa[1] - model_aa[0], model_aa[-1] - model_aa[-2]
    below = max(int(min(_MARGIN_AA, model_aa[0] - cube_edges[0]) // first), 0)
    above = max(int(min(_MARGIN_AA, cube_edges[-1] - model_aa[-1]) // last), 0)
    wave_aa = np.concatenate(
        [model_aa[0] - first * np.arange(below, 0, -1), model_aa, model_aa[-1] + last * np.arange(1, above + 1)]
    )
    edges = cube_edges[window.start : window.stop + 1]
    return RestGrid(wave_aa, pixel_edges(wave_aa), np.ascontiguousarray(edges), window, redshift, frame_redshift)


def stretch_of(velocity_kms: np.ndarray) -> np.ndarray:
    """exp(v / c), by which a velocity stretches wavelengths: v = c ln(l / l0), as pPXF and its users have it."""
    return np.exp(np.asarray(velocity_kms, dtype=np.float64) / C_KMS)
