"""Labelled galaxies in one npz file, e.g. observed ones whose histories others measured: arrays with fixed names.

wavelength_aa (n_pixel,)                 air, at rest, one grid for all; increasing
flux (n, n_pixel)                        any unit
flux_error, mask (n, n_pixel)            optional; mask: non-zero = use
magnitudes, magnitude_errors (n, n_band) optional, AB, NaN where missing; with bands (n_band,), their names
age_bin_edges_yr (n_bin + 1,)            lookback time, increasing
mass_fraction, metallicity (n, n_bin)    of the mass formed, sums to 1; Z
mean_log10_age_yr_mass, mean_log10_age_yr_light, mean_metallicity_mass, mean_metallicity_light, a_v_mag,
mass_fraction_100myr (n,)                summaries, as `sfhmodel.description.SUMMARIES` and the truths of records say

Every third galaxy is for validation, the others are to learn from.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription
from sfhmodel.errors import TrainingDataError
from sfhmodel.files import file_sha256

_FRACTION, _LAST_YR = "mass_fraction_100myr", 1e8
_SUMMARIES = tuple(name for name in NEEDED_TRUTHS if name not in ("total_mass_msun", "sfr_100myr_msun_yr"))
_NEEDED = ("wavelength_aa", "flux", "age_bin_edges_yr", "mass_fraction", "metallicity", *_SUMMARIES, _FRACTION)
_THIRD = 3
_SUM_TOLERANCE = 1e-2


class LabelledFile:
    """The galaxies of a file.

    Parameters
    ----------
    path : of the npz file.

    Attributes
    ----------
    description : of a model that learns from them.

    Raises
    ------
    TrainingDataError
        The file is damaged, lacks an array, or holds one of another shape or with impossible numbers.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        arrays = _read(self.path)
        if missing := [name for name in _NEEDED if name not in arrays]:
            raise TrainingDataError(f"{path} has no {', '.join(missing)}: labelled galaxies need {', '.join(_NEEDED)}")
        wave_aa, edges_yr = (_increasing(path, name, arrays[name]) for name in ("wavelength_aa", "age_bin_edges_yr"))
        names = tuple(str(name) for name in np.atleast_1d(arrays.get("bands", np.zeros(0, str))))
        n, n_pixel = len(np.atleast_1d(arrays["flux"])), wave_aa.size
        if n < _THIRD:
            raise TrainingDataError(
                f"{path} has {n} galaxies, at least {_THIRD} are needed, to learn from and to validate"
            )
        spectrum, history, bands = (n, n_pixel), (n, edges_yr.size - 1), (n, len(names))
        _check_shapes(path, arrays, flux=spectrum, mass_fraction=history, metallicity=history)
        _check_shapes(path, arrays, **dict.fromkeys((*_SUMMARIES, _FRACTION), (n,)))
        for name, shape in (("flux_error", spectrum), ("mask", spectrum), ("magnitude_errors", bands)):
            arrays.setdefault(name, np.full(shape, 1.0 if name == "mask" else np.nan))
        arrays.setdefault("magnitudes", np.full(bands, np.nan))
        _check_shapes(path, arrays, flux_error=spectrum, mask=spectrum, magnitudes=bands, magnitude_errors=bands)
        _check_labels(path, arrays)
        self._inputs, self._truths = _inputs(arrays), _truths(arrays)
        self.description = ModelDescription(
            wave_aa=wave_aa,
            age_bin_edges_yr=edges_yr,
            bands=tuple({"name": name} for name in names),
            truth_names=NEEDED_TRUTHS,
            dataset_name=self.path.stem,
            dataset_sha256=file_sha256(self.path),
        )

    def places(self, split: str) -> np.ndarray:
        """Places in the file of the galaxies of "train" or "validation"."""
        every = np.arange(len(self._inputs["flux"]))
        return every[(every % _THIRD == _THIRD - 1) == (split == "validation")]

    def batch(self, places: np.ndarray) -> tuple[dict, dict]:
        """Inputs and truths of the galaxies at these places, as `sfhmodel.data.batches` gives them."""
        inputs, truths = (
            {name: values[places] for name, values in part.items()} for part in (self._inputs, self._truths)
        )
        return inputs, truths

    def endless(self, batch_size: int, seed: int, start: int) -> Iterator[tuple[dict, dict]]:
        """Whole batches to learn from, pass after pass in another order, from batch number ``start`` on."""
        places = self.places("train")
        epoch, skip = divmod(start, places.size // batch_size)
        while True:
            order = np.random.default_rng([seed, epoch]).permutation(places)
            for k in range(skip, places.size // batch_size):
                yield self.batch(order[k * batch_size : (k + 1) * batch_size])
            epoch, skip = epoch + 1, 0


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise TrainingDataError(f"{path} is damaged or no npz file of arrays: {error}") from error


def _increasing(path, name: str, values: np.ndarray) -> np.ndarray:
    numbers = values.dtype.kind in "fiu" and values.ndim == 1 and values.size > 1
    if not numbers or not (np.diff(values) > 0).all() or values[0] < 0:
        raise TrainingDataError(f"{path}: {name} must be one row of numbers, not negative, that increase")
    return values.astype(np.float64)


def _check_shapes(path, arrays: dict, **wanted: tuple[int, ...]) -> None:
    for name, shape in wanted.items():
        if arrays[name].shape != shape or arrays[name].dtype.kind not in "fiub":
            found = f"{arrays[name].dtype} of shape {arrays[name].shape}"
            raise TrainingDataError(f"{path}: {name} holds {found}, need numbers of shape {shape}")


def _check_labels(path, arrays: dict) -> None:
    for name in ("mass_fraction", "metallicity", *_SUMMARIES, _FRACTION):
        values = np.asarray(arrays[name], dtype=np.float64).reshape(len(arrays[name]), -1)
        bad = ~np.isfinite(values).all(axis=1)
        if name != "a_v_mag" and not name.startswith("mean_log10"):
            bad |= (values < 0.0).any(axis=1)
        if name == "mass_fraction":
            bad |= np.abs(values.sum(axis=1) - 1.0) > _SUM_TOLERANCE
        if bad.any():
            rows = ", ".join(map(str, np.flatnonzero(bad)[:5]))
            what = "finite, not negative, with a sum of 1" if name == "mass_fraction" else "finite numbers that can be"
            raise TrainingDataError(
                f"{path}: {name} of galaxies {rows} are not {what}: mend or leave out these galaxies"
            )
    if not (np.isfinite(arrays["flux"]) & (arrays["mask"] != 0)).any(axis=1).all():
        raise TrainingDataError(f"{path}: a spectrum has no pixel that can be used: leave out that galaxy")


def _inputs(arrays: dict) -> dict[str, np.ndarray]:
    good = np.isfinite(arrays["flux"]) & (arrays["mask"] != 0)
    inputs = {name: arrays[name] for name in ("flux_error", "magnitudes", "magnitude_errors")}
    inputs |= {"flux": np.where(good, arrays["flux"], 0.0), "mask": good}
    return {name: np.asarray(values, dtype=np.float32) for name, values in inputs.items()}


def _truths(arrays: dict) -> dict[str, np.ndarray]:
    fraction = np.asarray(arrays["mass_fraction"], dtype=np.float64)
    # summaries know the mass in the last 100 Myr as a share, whatever the total
    columns = arrays | {"total_mass_msun": np.ones(len(fraction)), "sfr_100myr_msun_yr": arrays[_FRACTION] / _LAST_YR}
    truths = {
        "mass_fraction": fraction / fraction.sum(axis=1, keepdims=True),
        "metallicity": arrays["metallicity"],
        "truth": np.stack([columns[name] for name in NEEDED_TRUTHS], axis=1),
    }
    return {name: np.asarray(values, dtype=np.float32) for name, values in truths.items()}
