"""What a model answered for a set of galaxies, beside the truth: plain arrays, from which every metric is made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from sfhmodel.description import LOG10_Z_FLOOR, OUTPUT_NAMES, ModelDescription
from sfhmodel.errors import InputError

_TARGETS = ("mass_fraction", "log10_metallicity", "summaries")


@dataclass(frozen=True, eq=False)
class Results:
    """Predictions and targets of n galaxies.

    Attributes
    ----------
    description : of the model: bins, bands, summaries, levels.
    predictions : the outputs of the model: ``mass_fraction`` (n, n_age_bin), ``metallicity`` (n, n_age_bin; Z),
        ``summaries`` (n, n_summary), ``cumulative_quantiles`` and ``metallicity_quantiles`` (n, n_age_bin, n_level),
        ``summary_quantiles`` (n, n_summary, n_level), ``novelty`` (n,).
    targets : ``mass_fraction`` and ``log10_metallicity`` (n, n_age_bin), ``summaries`` (n, n_summary).
    sample_id : (n,) of the records.
    snr : (n,) median over the pixels used of flux / error; infinite without noise.
    a_v_mag : (n,) true attenuation of the stars at 5500 A.
    world : (n,) name of each galaxy's world, of a mixture.
    inputs : of the model, each array with n rows, where they were kept for the pictures.
    inference_rate : galaxies a second through the model, where it was measured.

    Raises
    ------
    InputError
        When there is no galaxy, an array is missing, does not have a row for every galaxy, or a prediction is not
        finite.
    """

    description: ModelDescription
    predictions: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    sample_id: np.ndarray
    snr: np.ndarray
    a_v_mag: np.ndarray
    world: np.ndarray | None = None
    inputs: dict[str, np.ndarray] | None = None
    inference_rate: float | None = None

    def __post_init__(self) -> None:
        if not len(self):
            raise InputError("results hold no galaxies: there is nothing to evaluate")
        self._check("predictions", self.predictions, OUTPUT_NAMES)
        self._check("targets", self.targets, _TARGETS)
        self._check("inputs", self.inputs or {}, ())
        of_each = {"snr": self.snr, "a_v_mag": self.a_v_mag, "world": self.world}
        self._check("", {name: values for name, values in of_each.items() if values is not None}, ())
        for name in OUTPUT_NAMES:
            finite = np.isfinite(self.predictions[name]).reshape(len(self), -1).all(axis=1)
            if not finite.all():
                raise InputError(
                    f"the model's {name} is not finite for {np.sum(~finite)} of {len(self)} galaxies, the first of "
                    f"them sample {self.sample_id[~finite][0]}: train the model anew"
                )

    def _check(self, kind: str, arrays: dict, needed: tuple[str, ...]) -> None:
        for name in needed:
            if name not in arrays:
                raise InputError(f"{kind} hold no {name!r}; they hold {', '.join(arrays) or 'nothing'}")
        for name, values in arrays.items():
            if len(values) != len(self):
                raise InputError(f"{kind} {name!r}: {len(values)} rows for {len(self)} galaxies".lstrip())

    def __len__(self) -> int:
        return len(self.sample_id)

    def subset(self, rows: np.ndarray) -> Results:
        """Of these rows only: indices or a mask."""

        def chosen(value):
            if isinstance(value, dict):
                return {name: array[rows] for name, array in value.items()}
            return value[rows] if isinstance(value, np.ndarray) else value

        return Results(**{f.name: chosen(getattr(self, f.name)) for f in fields(self)})

    @cached_property
    def true_cumulative(self) -> np.ndarray:
        """(n, n_age_bin) true share of the mass formed in this bin and all younger ones."""
        return cumulative(self.targets["mass_fraction"])

    @cached_property
    def cumulative(self) -> np.ndarray:
        """(n, n_age_bin) the same, recovered."""
        return cumulative(self.predictions["mass_fraction"])

    @cached_property
    def log10_metallicity(self) -> np.ndarray:
        """(n, n_age_bin) recovered log10 Z."""
        return _log10_z(self.predictions["metallicity"])

    @cached_property
    def log10_metallicity_quantiles(self) -> np.ndarray:
        """(n, n_age_bin, n_level)"""
        return _log10_z(self.predictions["metallicity_quantiles"])

    def level_index(self, level: float) -> int:
        """Which of the description's quantiles this is; InputError when there is none."""
        levels = np.asarray(self.description.quantile_levels)
        nearest = int(np.argmin(np.abs(levels - level)))
        if abs(levels[nearest] - level) > 1e-9:
            raise InputError(f"the model has no quantile {level:g}, only {', '.join(f'{q:g}' for q in levels)}")
        return nearest


def cumulative(mass_fraction: np.ndarray) -> np.ndarray:
    """C_k = sum_{j <= k} m_j along the last axis, from the youngest bin to the oldest, in float64."""
    return np.cumsum(np.asarray(mass_fraction, dtype=np.float64), axis=-1)


def _log10_z(metallicity: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(np.asarray(metallicity, dtype=np.float64), 10.0**LOG10_Z_FLOOR))
