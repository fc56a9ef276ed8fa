"""Spectra of bins at rest, chunk after chunk of them, while the rows of a cube go by.

Bins are put into chunks in the order in which their last rows come, so that a chunk is complete, done and forgotten
long before the end of the cube. Chunks follow from the map of bins alone: the same after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from sfhmodel.mapping.binning.bins import BinMap
from sfhmodel.mapping.cube import Block, Cube
from sfhmodel.mapping.kernels import add_spaxels, finish_sums
from sfhmodel.mapping.rest_grid import RestGrid

_LEAST_SHARE = np.float32(0.5)  # of a bin's light that has to have good data at a wavelength


@dataclass(frozen=True, eq=False)
class BinSpectra:
    """Spectra of some bins, in the frame of the training spectra.

    Attributes
    ----------
    bins : (n,) numbers of the bins.
    wave_aa : (p,) air, the model's pixels and perhaps a few more on either side.
    flux, flux_error : (n, p) float32, sums over spaxels in the cube's unit; NaN where ``mask`` is False.
    mask : (n, p) bool, True where there is a flux.
    """

    bins: np.ndarray
    wave_aa: np.ndarray
    flux: np.ndarray
    flux_error: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True, eq=False)
class Chunks:
    """Which bins go together.

    Attributes
    ----------
    members : one (n,) array of bin numbers a chunk.
    first_row, last_row : (n_chunk,) of the cube.
    of_bin, slot : (n_bin,) chunk of a bin, and its place in it.
    """

    members: list[np.ndarray]
    first_row: np.ndarray
    last_row: np.ndarray
    of_bin: np.ndarray
    slot: np.ndarray

    @classmethod
    def of(cls, bin_map: BinMap, size: int) -> Chunks:
        """Chunks of ``size`` bins, the last one smaller."""
        first, last = bin_map.rows()
        order = np.lexsort((np.arange(first.size), last))
        members = [order[k : k + size] for k in range(0, order.size, size)]
        of_bin, slot = np.empty(order.size, dtype=int), np.empty(order.size, dtype=int)
        for number, some in enumerate(members):
            of_bin[some], slot[some] = number, np.arange(some.size)
        rows = np.array([first[some].min() for some in members]), np.array([last[some].max() for some in members])
        return cls(members, *rows, of_bin, slot)

    @property
    def most_at_once(self) -> int:
        """Chunks that are in the making at the same time, at most."""
        events = np.zeros(int(self.last_row.max(initial=0)) + 2, dtype=int)
        np.add.at(events, self.first_row, 1)
        np.add.at(events, self.last_row + 1, -1)
        return int(np.cumsum(events).max(initial=0))


@dataclass
class _Sums:
    """Of the bins of a chunk, (n, p) each."""

    num: np.ndarray
    share: np.ndarray
    var: np.ndarray

    @classmethod
    def zeros(cls, n: int, p: int) -> _Sums:
        return cls(*(np.zeros((n, p), dtype=np.float32) for _ in range(3)))


@dataclass
class SpectraOfBins:
    """Makes the spectra of a cube's bins.

    Attributes
    ----------
    cube : that is read.
    grid : where spectra go.
    bin_map, chunks : the bins.
    stretch : (n_y, n_x) of the spaxels' wavelengths, see `rest_grid.stretch_of`.
    brightness : (n_y, n_x) of the spaxels, see `Survey.brightness`.
    covariance : (n_bin,) by which errors of sums exceed those of independent spaxels.
    rows : read at a time.
    mask_sky : leave out sky lines.
    """

    cube: Cube
    grid: RestGrid
    bin_map: BinMap
    chunks: Chunks
    stretch: np.ndarray
    brightness: np.ndarray
    covariance: np.ndarray
    rows: int
    mask_sky: bool
    _sums: dict[int, _Sums] = field(default_factory=dict)

    def __call__(self, done: set[int], on_row: Callable[[int], None] | None = None) -> Iterator[tuple[int, BinSpectra]]:
        """Number and spectra of every chunk that is not done, as it is complete; only rows that are needed are read."""
        todo = np.array([k for k in range(len(self.chunks.members)) if k not in done], dtype=int)
        if not todo.size:
            return
        is_todo = np.zeros(len(self.chunks.members) + 1, dtype=bool)
        is_todo[todo] = True
        chunk_of_spaxel = np.where(self.bin_map.bin_id >= 0, self.chunks.of_bin[self.bin_map.bin_id], -1)
        wanted = is_todo[chunk_of_spaxel]
        self._sums = {}
        total = self.bin_map.sum(self.brightness)
        waiting = list(todo[np.argsort(self.chunks.last_row[todo], kind="stable")])
        first = int(self.chunks.first_row[todo].min())
        for block in self.cube.blocks(self.grid.window, self.rows, first, mask_sky=self.mask_sky, wanted=wanted):
            self._add(block, np.where(wanted, chunk_of_spaxel, -1))
            stop = block.first_row + len(block.flux) // self.cube.shape[1]
            while waiting and self.chunks.last_row[waiting[0]] < stop:
                number = int(waiting.pop(0))
                yield number, self._finished(number, total)
            if on_row is not None:
                on_row(stop)

    def _add(self, block: Block, chunk_of_spaxel: np.ndarray) -> None:
        n_x = self.cube.shape[1]
        at = slice(block.first_row * n_x, block.first_row * n_x + len(block.flux))
        chunk, bin_id = chunk_of_spaxel.ravel()[at], self.bin_map.bin_id.ravel()[at]
        parts = (x.ravel()[at] for x in (self.stretch, self.brightness))
        stretch, brightness = (np.ascontiguousarray(x, dtype=np.float64) for x in parts)
        for number in np.unique(chunk[chunk >= 0]):
            members = np.flatnonzero(chunk == number)
            order = members[np.argsort(bin_id[members], kind="stable")]
            found, starts = np.unique(bin_id[order], return_index=True)
            if number not in self._sums:
                self._sums[number] = _Sums.zeros(self.chunks.members[number].size, self.grid.wave_aa.size)
            sums = self._sums[number]
            add_spaxels(
                block.flux,
                block.sigma,
                block.good,
                self.grid.cube_edges_aa,
                stretch,
                brightness,
                order,
                np.append(starts, order.size),
                self.chunks.slot[found],
                self.grid.edges_aa,
                sums.num,
                sums.share,
                sums.var,
            )

    def _finished(self, number: int, total_brightness: np.ndarray) -> BinSpectra:
        """What is missing of a bin's light at a wavelength is made up for by the rest of it there."""
        members = self.chunks.members[number]
        sums = self._sums.pop(number, None) or _Sums.zeros(members.size, self.grid.wave_aa.size)
        total, covariance = (x[members].astype(np.float32) for x in (total_brightness, self.covariance))
        mask = np.empty(sums.num.shape, dtype=bool)
        finish_sums(sums.num, sums.share, sums.var, total, covariance, _LEAST_SHARE, mask)
        return BinSpectra(members, self.grid.wave_aa, sums.num, sums.var, mask)
