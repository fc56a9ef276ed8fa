"""The bins that the user asks for, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sfhmodel.errors import ConfigError, InputError
from sfhmodel.mapping.binning.adaptive import adaptive_bins
from sfhmodel.mapping.binning.bins import BinMap, Bins
from sfhmodel.mapping.binning.given import bin_map_of_file
from sfhmodel.mapping.survey import Survey

CHOICES = "spaxel, square:N (spaxels), sn:TARGET, powerbin:TARGET, or a FITS file with a map of bins"


def check_bins(words: str) -> None:
    """Raises ConfigError for what are no bins; a file is looked at later."""
    kind, _, number = words.partition(":")
    if kind == "spaxel" and not number:
        return
    if kind in ("square", "sn", "powerbin"):
        try:
            value = float(number)
        except ValueError:
            value = np.nan
        if not (0.0 < value < 1e6) or (kind == "square" and value != int(value)):
            raise ConfigError(f"bins {words!r}: {number!r} is no positive number; choose {CHOICES}")
        return
    if not Path(words).expanduser().is_file():
        raise ConfigError(f"bins {words!r}: no such file, nor one of the choices; choose {CHOICES}")


def bins_of(words: str, survey: Survey, usable: np.ndarray, min_snr: float, covariance: Callable) -> Bins:
    """The bins of a cube.

    Parameters
    ----------
    words : see `CHOICES`.
    survey : of the cube.
    usable : (n_y, n_x) bool, spaxels with data that no mask covers.
    min_snr : of a spaxel, below which it is in no bin; a map of bins that is given stands as it is.
    covariance : of numbers of spaxels, by how much the noise of their sum is larger.

    Raises
    ------
    ConfigError
        See `check_bins`; powerbin is not installed.
    InputError
        No spaxel is bright enough; a map of bins that does not fit the cube.
    """
    check_bins(words)
    kind, _, number = words.partition(":")
    if kind not in ("spaxel", "square", "sn", "powerbin") or Path(words).expanduser().is_file():
        labels = bin_map_of_file(Path(words).expanduser(), usable.shape)
        return Bins.of(BinMap.of(np.where(usable, labels, -1)), survey, covariance)
    usable = usable & (survey.snr >= min_snr)
    if not usable.any():
        highest = float(np.max(survey.snr, where=survey.with_data, initial=0.0))
        raise InputError(f"no spaxel has a S/N of {min_snr:g} per pixel; the best has {highest:.2g} (--min-snr)")
    y, x = np.indices(usable.shape)
    if kind == "spaxel":
        labels = np.arange(usable.size).reshape(usable.shape)
    elif kind == "square":
        side = int(float(number))
        labels = (y // side) * (usable.shape[1] // side + 1) + x // side
    elif kind == "sn":
        labels = adaptive_bins(survey.signal, survey.noise, usable, float(number), covariance)
    else:
        labels = _power_bins(survey, usable, float(number), covariance)
    return Bins.of(BinMap.of(np.where(usable, labels, -1)), survey, covariance)


def _power_bins(survey: Survey, usable: np.ndarray, target: float, covariance: Callable) -> np.ndarray:
    """Bins by PowerBin (Cappellari 2025), which is free for non-commercial use."""
    try:
        from powerbin import PowerBin
    except ImportError:
        raise ConfigError(
            "bins powerbin: run `pip install 'sfhsim[powerbin]'` (for non-commercial use), or take sn:"
        ) from None
    y, x = np.nonzero(usable)
    signal, noise = survey.signal[usable], survey.noise[usable]

    def capacity(index) -> float:
        """(S/N)^2 of a set of spaxels, which adds up where they are independent."""
        index = np.atleast_1d(index)
        snr = signal[index].sum() / np.sqrt(np.sum(noise[index] ** 2)) / covariance(np.array([index.size]))[0]
        return float(np.square(max(snr, 1e-3)))

    found = PowerBin(np.column_stack([x, y]).astype(np.float64), capacity, target_capacity=target**2, verbose=0)
    labels = np.full(usable.shape, -1)
    labels[usable] = found.bin_num
    return labels
