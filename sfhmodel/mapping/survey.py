"""The first look at a cube: how bright and how noisy every spaxel is, and which may be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.mapping.cube import Block, Cube
from sfhmodel.mapping.kernels import brightness_and_noise
from sfhmodel.mapping.rest_grid import RestGrid
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.uncertainties import check_plausible

_GOOD_SHARE = 0.5  # of the pixels that any spaxel has, that a spaxel needs
_CHECKED = 40  # blocks whose brightest spaxel is looked at


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of every spaxel; arrays (n_y, n_x).

    Attributes
    ----------
    signal : mean flux where the model looks, in the cube's unit; NaN without data.
    noise : one sigma of a pixel, one over the root mean inverse variance.
    with_data : bool, good data at enough wavelengths.
    """

    signal: np.ndarray
    noise: np.ndarray
    with_data: np.ndarray

    @property
    def snr(self) -> np.ndarray:
        """(n_y, n_x) per pixel of the cube; 0 without data."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.with_data, self.signal / self.noise, 0.0)

    def with_snr(self, snr: np.ndarray) -> Survey:
        """The same with the S/N (n_y, n_x) that somebody else found; spaxels without one have no data."""
        known = self.with_data & (snr > 0.0) & np.isfinite(snr) & (self.signal > 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return replace(self, noise=np.where(known, self.signal / snr, self.noise), with_data=known)

    @property
    def brightness(self) -> np.ndarray:
        """(n_y, n_x) positive: by how much a spaxel counts where it lacks pixels that others of its bin have."""
        with np.errstate(invalid="ignore"):
            return np.where(self.with_data, np.maximum(self.signal, self.noise), 0.0)


def survey(
    cube: Cube,
    grid: RestGrid,
    options: ReadOptions,
    *,
    rows: int,
    mask_sky: bool,
    on_progress: Callable[[int], None] | None = None,
) -> Survey:
    """Read the cube once.

    Raises
    ------
    InputError
        No spaxel has data; errors that cannot be one sigma of the fluxes, as in files whose ERR is a variance.
    """
    signal, noise, count = np.full(cube.n_spaxel, np.nan), np.full(cube.n_spaxel, np.nan), np.zeros(cube.n_spaxel, int)
    problems: list[InputError | None] = []
    for block in cube.blocks(grid.window, rows, mask_sky=mask_sky):
        n = len(block.flux)
        at = slice(block.first_row * cube.shape[1], block.first_row * cube.shape[1] + n)
        brightness_and_noise(block.flux, block.sigma, block.good, signal[at], noise[at], count[at])
        if cube.errors_are_known and len(problems) < _CHECKED:
            problems += _implausible(block, signal[at], count[at], options)
        if on_progress is not None:
            on_progress(n // cube.shape[1])
    found = [problem for problem in problems if problem is not None]
    if found and 2 * len(found) >= len(problems):
        raise found[0]
    with_data = (count >= max(_GOOD_SHARE * count.max(initial=0), 2)) & np.isfinite(signal) & (noise > 0.0)
    if not with_data.any():
        raise InputError(f"{cube.path}: no spaxel of the cube has good data where the model looks")
    return Survey(*(x.reshape(cube.shape) for x in (signal, noise, with_data)))


def _implausible(block: Block, signal: np.ndarray, count: np.ndarray, options: ReadOptions) -> list[InputError | None]:
    """What is wrong with the errors of the brightest spaxel of a block, if it has data."""
    if not (count > 0).any():
        return []
    brightest = int(np.nanargmax(np.where(count > 0, signal, np.nan)))
    try:
        flux, sigma = (x[brightest].astype(np.float64) for x in (block.flux, block.sigma))
        check_plausible(flux, sigma, block.good[brightest], options, "the cube")
    except InputError as error:
        return [error]
    return [None]
