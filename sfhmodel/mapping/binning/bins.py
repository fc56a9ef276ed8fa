"""A map of bins, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sfhmodel.mapping.survey import Survey

MASKED = -1


@dataclass(frozen=True, eq=False)
class BinMap:
    """Bins of spaxels, numbered from 0 on without gaps.

    Attributes
    ----------
    bin_id : (n_y, n_x) int32, negative where a spaxel is in no bin.
    """

    bin_id: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> BinMap:
        """Of any labels (n_y, n_x), negative ones masked; bins get numbers in the order of the labels."""
        labels = np.asarray(labels)
        inside = labels >= 0
        bin_id = np.full(labels.shape, MASKED, dtype=np.int32)
        bin_id[inside] = np.unique(labels[inside], return_inverse=True)[1]
        return cls(bin_id)

    @cached_property
    def spaxels(self) -> np.ndarray:
        """Flat places of the spaxels in bins, bin after bin, each from the first row on."""
        flat = self.bin_id.ravel()
        order = np.argsort(flat, kind="stable")
        return order[np.searchsorted(flat[order], 0) :]

    @property
    def n_bin(self) -> int:
        return int(self.bin_id.max(initial=MASKED)) + 1

    @cached_property
    def count(self) -> np.ndarray:
        """(n_bin,) spaxels."""
        return np.bincount(self.bin_id[self.bin_id >= 0], minlength=self.n_bin)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """(n_bin,) sums of an image (n_y, n_x)."""
        inside = self.bin_id >= 0
        return np.bincount(self.bin_id[inside], weights=np.asarray(values)[inside], minlength=self.n_bin)

    def mean(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(n_bin,) weighted means of what is finite in an image; NaN where nothing is."""
        good = np.isfinite(values) & (weights > 0.0)
        weights = np.where(good, weights, 0.0)
        with np.errstate(invalid="ignore"):
            return self.sum(np.where(good, values, 0.0) * weights) / self.sum(weights)

    def image(self, values: np.ndarray, fill=np.nan) -> np.ndarray:
        """(n_y, n_x) of values of bins (n_bin,), ``fill`` outside."""
        values = np.asarray(values)
        padded = np.append(values, np.asarray([fill], dtype=values.dtype))
        return padded[np.where(self.bin_id >= 0, self.bin_id, values.size)]

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last row (n_bin,) of each bin."""
        row = np.broadcast_to(np.arange(self.bin_id.shape[0])[:, None], self.bin_id.shape)[self.bin_id >= 0]
        label = self.bin_id[self.bin_id >= 0]
        first = np.full(self.n_bin, self.bin_id.shape[0])
        last = np.zeros(self.n_bin, dtype=int)
        np.minimum.at(first, label, row)
        np.maximum.at(last, label, row)
        return first, last


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of a cube with what the survey knows of them.

    Attributes
    ----------
    map : BinMap
    x, y : (n_bin,) centres by brightness, in pixels from 0 on.
    flux : (n_bin,) sum over spaxels of the mean flux.
    snr : (n_bin,) per pixel of the cube, with the covariance of spaxels.
    """

    map: BinMap
    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    snr: np.ndarray

    @classmethod
    def of(cls, bin_map: BinMap, survey: Survey, covariance) -> Bins:
        """With ``covariance`` a function of numbers of spaxels."""
        weights = survey.brightness
        y, x = (np.asarray(axis, dtype=np.float64) for axis in np.indices(weights.shape))
        signal, noise = (np.where(survey.with_data, v, 0.0) for v in (survey.signal, survey.noise))
        flux = bin_map.sum(signal)
        error = np.sqrt(bin_map.sum(noise**2)) * covariance(bin_map.count)
        with np.errstate(divide="ignore", invalid="ignore"):
            snr = np.where(error > 0.0, flux / error, 0.0)
        return cls(bin_map, bin_map.mean(x, weights), bin_map.mean(y, weights), flux, snr)

    def shown(self, count: int = 4) -> np.ndarray:
        """Bins to picture, from the brightest spaxels to the faintest, of those with at least the median S/N."""
        brightness = self.flux / self.map.count
        good = np.flatnonzero(self.snr >= np.median(self.snr))
        ranked = good[np.argsort(-brightness[good], kind="stable")]
        return np.unique(ranked[np.linspace(0, ranked.size - 1, min(count, ranked.size)).astype(int)])
