"""Velocities found in the cube itself: on the bins of the maps where these are bright enough, else on coarser ones.

The spectra of the bins of the velocities are summed in the frame of the galaxy and fitted (`fit`). All spaxels of such
a bin get its velocity; those of bins without one, that of the nearest bin that has one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from sfhmodel.mapping.binning import BinMap, Bins
from sfhmodel.mapping.binning.adaptive import adaptive_bins
from sfhmodel.mapping.cube import Cube
from sfhmodel.mapping.kinematics.field import VelocityField
from sfhmodel.mapping.kinematics.fit import fit_kinematics
from sfhmodel.mapping.kinematics.templates import LogGrid, instrument_excess_kms2, stellar_basis
from sfhmodel.mapping.parts import Parts
from sfhmodel.mapping.rest_grid import RestGrid
from sfhmodel.mapping.stages import Made, Stage
from sfhmodel.mapping.sums import Chunks, SpectraOfBins
from sfhmodel.mapping.survey import Survey
from sfhmodel.spectra.frame import C_KMS

STAGE = "kinematics"
_BINS = "kinematics_bins"
TARGET_SNR = 20.0  # per pixel, of the bins that velocities are found on
_BRIGHT_SHARE = 0.9  # of the bins of the maps that must have it
_CHUNK = 512
_COLUMNS = ("velocity", "velocity_error", "dispersion", "dispersion_error")

log = logging.getLogger("sfhmodel.mapping")


@dataclass(frozen=True, eq=False)
class AutoKinematics:
    """Finds the velocities of a cube.

    Attributes
    ----------
    cube, grid : what is read, and where its spectra go for the model.
    fwhm_aa : (p,) of the instrument, on the grid; None where unknown.
    covariance : of numbers of spaxels.
    rows, mask_sky : see `SpectraOfBins`.
    """

    cube: Cube
    grid: RestGrid
    fwhm_aa: np.ndarray | None
    covariance: Callable
    rows: int
    mask_sky: bool

    def stage(self, parts: Parts, seen: Survey, bins: Bins) -> Stage:
        """What has to be done, chunk after chunk."""
        bin_map = self._bins(parts, seen, bins)
        chunks = Chunks.of(bin_map, _CHUNK)
        return Stage(STAGE, "velocities", chunks, partial(self._find, seen, bin_map, chunks))

    def field(self, parts: Parts, stage: Stage) -> VelocityField:
        """The velocities of a stage that is done."""
        members = stage.chunks.members
        found = {name: parts.column(STAGE, members, name) for name in _COLUMNS}
        log.info(
            "%s: velocities of %d of %d bins found, median error %.1f km/s",
            self.cube.path,
            np.isfinite(found["velocity"]).sum(),
            found["velocity"].size,
            np.nanmedian(found["velocity_error"]) if np.isfinite(found["velocity_error"]).any() else np.nan,
        )
        stored = parts.read(_BINS)
        assert stored is not None
        bin_map = BinMap(stored["bin_id"])
        return VelocityField(**{name: bin_map.image(values) for name, values in found.items()})

    def _bins(self, parts: Parts, seen: Survey, bins: Bins) -> BinMap:
        """Those of the maps, or coarser ones of the same spaxels."""

        def choose() -> dict[str, np.ndarray]:
            if np.mean(bins.snr >= TARGET_SNR) >= _BRIGHT_SHARE:
                return {"bin_id": bins.map.bin_id}
            inside = bins.map.bin_id >= 0
            labels = adaptive_bins(seen.signal, seen.noise, inside, TARGET_SNR, self.covariance)
            return {"bin_id": BinMap.of(labels).bin_id}

        own = BinMap(parts.once(_BINS, choose)["bin_id"])
        if not np.array_equal(own.bin_id, bins.map.bin_id):
            self.cube.notes.append(
                f"velocities are found on {own.n_bin} bins of a S/N of {TARGET_SNR:g}, not on the bins of the maps"
            )
        return own

    def _find(self, seen: Survey, bin_map: BinMap, chunks: Chunks, done: set[int]) -> Made:
        stretch = 1.0 + self.grid.frame_redshift
        pixel_kms = C_KMS * float(np.median(np.diff(np.log(self.grid.cube_edges_aa))))
        low = max(self.grid.edges_aa[0], self.grid.cube_edges_aa[0]) / stretch
        high = min(self.grid.edges_aa[-1], self.grid.cube_edges_aa[-1]) / stretch
        log_grid = LogGrid.between(low, high, pixel_kms)
        basis = stellar_basis(log_grid)
        excess = 0.0
        if self.fwhm_aa is not None:
            fwhm_aa = np.interp(log_grid.wave_aa, self.grid.wave_aa / stretch, self.fwhm_aa / stretch)
            excess = instrument_excess_kms2(fwhm_aa, basis)
        spectra = SpectraOfBins(
            cube=self.cube,
            grid=self.grid.at(log_grid.wave_aa * stretch, log_grid.edges_aa * stretch),
            bin_map=bin_map,
            chunks=chunks,
            stretch=np.ones(self.cube.shape),
            brightness=seen.brightness,
            covariance=self.covariance(bin_map.count),
            rows=self.rows,
            mask_sky=self.mask_sky,
        )
        for number, some in spectra(done):
            found = fit_kinematics(some.flux, some.flux_error, some.mask, basis)
            sigma = np.sqrt(np.maximum(found.dispersion**2 - excess, 0.0))
            yield number, vars(found) | {"dispersion": sigma}


def filled_from_nearest(velocity: np.ndarray) -> np.ndarray:
    """Velocities (n_y, n_x) with NaN replaced by the nearest that is known; 0 where none is."""
    from scipy.ndimage import distance_transform_edt

    known = np.isfinite(velocity)
    if known.all():
        return velocity
    if not known.any():
        return np.zeros(velocity.shape)
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return velocity[tuple(nearest)]
