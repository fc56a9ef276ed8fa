"""What the model says about galaxies: arrays with names, bins and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from sfhmodel.checking.result import CheckResult
from sfhmodel.description import LOG10_Z_FLOOR, OUTPUT_NAMES, ModelDescription
from sfhmodel.errors import InputError
from sfhmodel.truth import Truth, cumulative

_SHARED = ("description", "notes", "model_name", "inference_rate")  # not per galaxy
_INPUTS = ("flux", "flux_error", "mask", "magnitudes", "magnitude_errors")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Histories of n galaxies. ``prediction[k]`` (also a slice or mask) is the `Prediction` of some of them.

    Attributes
    ----------
    description : ModelDescription, with grid, age bins, bands, and names and units of the summaries.
    names : (n,) of the galaxies.
    redshift : (n,)
    mass_fraction : (n, n_age_bin) of the mass formed, sums to 1.
    metallicity : (n, n_age_bin) mass fraction of metals Z.
    cumulative_quantiles : (n, n_age_bin, n_level) of the mass fraction formed from today to the old edge of each bin.
    metallicity_quantiles : (n, n_age_bin, n_level) Z.
    summaries : (n, n_summary) medians; ``summary_names`` and ``summary_units`` say of what.
    summary_quantiles : (n, n_summary, n_level)
    novelty : (n,) above 1 for input unlike the training data.
    at_edge : (n, n_summary) bool, True where a summary lies at the edge of the training range: its interval is
        one-sided, and its value a limit.
    masked_fraction : (n,) of the model's pixels that had no data.
    magnitudes, magnitude_errors : (n, n_band) as the model saw them, NaN where missing.
    flux, flux_error, mask : (n, n_pixel) as the model saw them, divided by ``flux_scale`` (n,); None when not kept.
    problems : (n,) why a galaxy has no result (its numbers are NaN), '' for the others.
    notes : what was done to the spectra and could matter.
    model_name : path or preset.
    truth : of simulated galaxies, what they are; None of observed ones.
    check : how well the spectra are made again from the answers, where that was asked for.
    inference_rate : galaxies a second through the model, where it was measured.

    Raises
    ------
    InputError
        With a truth: there is no galaxy, an array does not have a row for every galaxy, or an answer is not finite.
    """

    description: ModelDescription
    names: tuple[str, ...]
    redshift: np.ndarray
    mass_fraction: np.ndarray
    metallicity: np.ndarray
    summaries: np.ndarray
    cumulative_quantiles: np.ndarray
    metallicity_quantiles: np.ndarray
    summary_quantiles: np.ndarray
    novelty: np.ndarray
    masked_fraction: np.ndarray
    magnitudes: np.ndarray
    magnitude_errors: np.ndarray
    problems: tuple[str, ...]
    at_edge: np.ndarray | None = None
    flux: np.ndarray | None = None
    flux_error: np.ndarray | None = None
    mask: np.ndarray | None = None
    flux_scale: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    model_name: str = ""
    truth: Truth | None = None
    check: CheckResult | None = None
    inference_rate: float | None = None

    def __post_init__(self) -> None:
        if self.truth is not None:
            self._check_evaluated(self.truth)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, which) -> Prediction:
        rows = np.atleast_1d(np.arange(len(self))[which])
        return replace(self, **{name: _take(getattr(self, name), rows) for name in _per_galaxy()})

    def without_inputs(self) -> Prediction:
        """The same without the spectra as the model saw them, and those made again."""
        check = None if self.check is None else self.check.without_spectra()
        return replace(self, flux=None, flux_error=None, mask=None, flux_scale=None, check=check)

    @staticmethod
    def joined(parts: Sequence[Prediction], inference_rate: float | None = None) -> Prediction:
        """Predictions of one model, one after the other; the rate is that of all."""
        if not parts:
            raise InputError("there are no predictions to join")
        together = {name: _concatenate([getattr(part, name) for part in parts]) for name in _per_galaxy()}
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        return replace(parts[0], notes=notes, inference_rate=inference_rate, **together)

    @property
    def known_truth(self) -> Truth:
        """The truth; raises InputError for observed galaxies, of which it is not known."""
        if self.truth is None:
            raise InputError("what these galaxies really are is not known: evaluate simulated ones")
        return self.truth

    @property
    def inputs(self) -> dict[str, np.ndarray] | None:
        """What the model saw, by name, as it takes it; None where it was not kept."""
        return None if self.flux is None else {name: getattr(self, name) for name in _INPUTS}

    @cached_property
    def cumulative(self) -> np.ndarray:
        """(n, n_age_bin) share of the mass formed in this bin and all younger ones, of ``mass_fraction``."""
        return cumulative(self.mass_fraction)

    @cached_property
    def log10_metallicity(self) -> np.ndarray:
        """(n, n_age_bin) log10 Z, no lower than that of bins without metals."""
        return _log10_z(self.metallicity)

    @cached_property
    def log10_metallicity_quantiles(self) -> np.ndarray:
        """(n, n_age_bin, n_level)"""
        return _log10_z(self.metallicity_quantiles)

    @property
    def age_bin_edges_yr(self) -> np.ndarray:
        """(n_age_bin + 1,) lookback time."""
        return self.description.age_bin_edges_yr

    @property
    def quantile_levels(self) -> tuple[float, ...]:
        """Probabilities of the last axis of every ``*_quantiles``."""
        return self.description.quantile_levels

    @property
    def summary_names(self) -> tuple[str, ...]:
        return self.description.summary_names

    @property
    def summary_units(self) -> tuple[str, ...]:
        return self.description.summary_units

    @property
    def unlike_training(self) -> np.ndarray:
        """(n,) bool: the result is an extrapolation; about 1% of inputs like the training data are flagged, too."""
        return ~(self.novelty <= 1.0)

    def summary(self, name: str, level: float = 0.5) -> np.ndarray:
        """(n,) quantile of one summary quantity, by default its median.

        Raises
        ------
        InputError
            An unknown name, or a level that the model does not give.
        """
        if name not in self.summary_names:
            raise InputError(f"no summary {name!r}: there are {', '.join(self.summary_names)}")
        return self.summary_quantiles[:, self.summary_names.index(name), self.level(level)]

    def level(self, probability: float) -> int:
        """Position of a probability on the last axis of the quantiles; InputError when the model does not give it."""
        near = np.flatnonzero(np.isclose(self.quantile_levels, probability))
        if near.size == 0:
            raise InputError(f"no quantile {probability:g}: there are {', '.join(map(str, self.quantile_levels))}")
        return int(near[0])

    def to_table(self):
        """An astropy Table, a row per galaxy; see `sfhmodel.inference.prediction_tables`."""
        from sfhmodel.inference.prediction_tables import prediction_table

        return prediction_table(self)

    def write(self, path: str | Path, *, overwrite: bool = True) -> Path:
        """Write .ecsv, .fits or .npz, whole or not at all; returns the path.

        Raises
        ------
        ConfigError
            Another ending, a file that exists and may not be overwritten, or a place that cannot be written.
        """
        from sfhmodel.inference.prediction_tables import write_prediction

        return write_prediction(self, path, overwrite=overwrite)

    def plot(self, path: str | Path, galaxy: int = 0) -> Path:
        """Draw one galaxy: what the model saw, and its histories with their bands (.png, .pdf, .svg).

        Raises
        ------
        InputError
            There is no such galaxy, it has no result, or its inputs were not kept.
        """
        from sfhmodel.inference.prediction_figure import plot_prediction

        return plot_prediction(self, path, galaxy)

    def _check_evaluated(self, truth: Truth) -> None:
        """That there are answers and truths for every galaxy."""
        if not len(self):
            raise InputError("there are no galaxies: there is nothing to evaluate")
        arrays = {name: getattr(self, name) for name in _per_galaxy() if name != "truth"} | truth.arrays()
        for name, values in arrays.items():
            if values is not None and len(values) != len(self):
                raise InputError(f"{name!r}: {len(values)} rows for {len(self)} galaxies")
        for name in OUTPUT_NAMES:
            finite = np.isfinite(getattr(self, name)).reshape(len(self), -1).all(axis=1)
            if not finite.all():
                raise InputError(
                    f"the model's {name} is not finite for {np.sum(~finite)} of {len(self)} galaxies, the first of "
                    f"them sample {truth.sample_id[~finite][0]}: train the model anew"
                )


def _log10_z(metallicity: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(np.asarray(metallicity, dtype=np.float64), 10.0**LOG10_Z_FLOOR))


def _per_galaxy() -> list[str]:
    return [field.name for field in fields(Prediction) if field.name not in _SHARED]


def _take(values, rows: np.ndarray):
    if values is None:
        return None
    return tuple(values[k] for k in rows) if isinstance(values, tuple) else values[rows]


def _concatenate(parts: list):
    if any(part is None for part in parts):
        return None
    if isinstance(parts[0], Truth | CheckResult):
        return type(parts[0]).joined(parts)
    return tuple(chain.from_iterable(parts)) if isinstance(parts[0], tuple) else np.concatenate(parts)
