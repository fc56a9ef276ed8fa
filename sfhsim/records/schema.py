"""The record schema: which features a tf.train.Example of sfhsim holds, their shapes and units.

This is a contract with every reader. It changes with a version, and the changelog says how.

Version 1, precision float32: arrays are bytes features of little-endian float32, C order. The only other feature is
the sample id (int64). Features are serialised in the order of their names and every record of a data set has the same
ones. What the numbers mean (grids, bins, bands, names of the truths) is in the manifest beside the shards.

Version 2, precision float16: the same, but ``spectrum`` and ``spectrum_error`` are float16, to be multiplied by the two
numbers of ``spectrum_scale``. The few values that rounding would change by more than `sfhsim.records.halves` allows are
mended: to value ``spectrum_correction_index[k]`` of spectrum and error, one after the other, ``spectrum_correction[k]``
is to be added. Records have none of these, or a power of two, filled up with zeros to be added to value 0.

The version follows from the precision, so that float32 records stay what they are and readers of version 1 read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfhsim.errors import DatasetError

SCHEMA_VERSION = 1  # of float32 records
PRECISIONS = {"float32": SCHEMA_VERSION, "float16": 2}  # and their schema versions

SAMPLE_ID = "sample_id"
MANIFEST, PLAN, COMPILED = "manifest.json", "plan.json", "compiled.recipe"  # the files beside the shards


@dataclass(frozen=True)
class Feature:
    """One array of a record: its name, the dimension it runs along, unit and meaning."""

    name: str
    dimension: str
    unit: str
    description: str


FLUX_UNIT = "erg / (s cm2 Angstrom)"

FEATURES = (
    Feature("mass_fraction", "age_bin", "1", "share of the mass formed in each age bin; sums to 1"),
    Feature("metallicity", "age_bin", "1", "mass-weighted Z (mass fraction of metals) of the stars of each bin"),
    Feature("photometry", "band", "mag(AB)", "magnitude, with noise; NaN where the noisy flux is not positive"),
    Feature("photometry_error", "band", "mag", "standard error of the magnitude"),
    Feature("spectrum", "pixel", FLUX_UNIT, "observed flux density, with noise"),
    Feature("spectrum_error", "pixel", FLUX_UNIT, "its standard error; 0 for no noise"),
    Feature("truth", "truth", "see manifest", "scalar truths, by the names in the manifest"),
)

FEATURE_NAMES = tuple(feature.name for feature in FEATURES)

HALVES = ("spectrum", "spectrum_error")  # float16 where the precision is
SCALE, CORRECTION_INDEX, CORRECTION = "spectrum_scale", "spectrum_correction_index", "spectrum_correction"

# how float16 spectra are told from what is stored, in the order of `sfhsim.records.halves`
HALF_FEATURES = (
    Feature(SCALE, "of spectrum, of error", FLUX_UNIT, "what the float16 values are to be multiplied by"),
    Feature(CORRECTION_INDEX, "correction", "1", "pixel of the spectrum, or number of pixels + pixel of the error"),
    Feature(CORRECTION, "correction", FLUX_UNIT, "to be added there, after the multiplication"),
)


@dataclass(frozen=True)
class Stored:
    """How a feature is stored: the type of its values, and their number; None where it differs between records."""

    dtype: str
    length: int | None


def check_precision(precision: str) -> None:
    """DatasetError unless there is such a precision."""
    if precision not in PRECISIONS:
        raise DatasetError(f"no precision {precision!r}: there are {', '.join(PRECISIONS)}")


def precision_of(schema_version: int) -> str:
    """The precision of the records of a schema version that `PRECISIONS` names."""
    return {version: precision for precision, version in PRECISIONS.items()}[schema_version]


def dtype_of(name: str, precision: str) -> str:
    """The type of the values of a feature, as NumPy names it."""
    if precision == "float16" and name in HALVES:
        return "<f2"
    return "<i4" if name == CORRECTION_INDEX else "<f4"


def stored_features(lengths: Mapping[str, int], precision: str) -> dict[str, Stored]:
    """What records with these features hold, by name, but for the id.

    Raises
    ------
    DatasetError
        No such precision, or no spectrum and error of one length to be stored as float16.
    """
    check_precision(precision)
    stored = {name: Stored(dtype_of(name, precision), length) for name, length in lengths.items()}
    if precision == "float16":
        if len({lengths.get(name) for name in HALVES}) != 1 or not lengths.get(HALVES[0]):
            raise DatasetError(f"records of precision float16 need {' and '.join(HALVES)}, of one length")
        for feature, length in zip(HALF_FEATURES, (len(HALVES), None, None), strict=True):
            stored[feature.name] = Stored(dtype_of(feature.name, precision), length)
    return dict(sorted(stored.items()))
