"""The record schema: which features a tf.train.Example of sfhsim holds, their shapes and units.

This is a contract with every reader. `SCHEMA_VERSION` changes with it, and the changelog says how.

Arrays are bytes features: little-endian float32, C order. The only other feature is the sample id (int64). Features
are serialised in the order of their names and every record of a data set has the same ones. What the numbers mean
(grids, bins, bands, names of the truths) is in the manifest beside the shards.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1

SAMPLE_ID = "sample_id"


@dataclass(frozen=True)
class Feature:
    """One array of a record: its name, the dimension it runs along, unit and meaning."""

    name: str
    dimension: str
    unit: str
    description: str


FEATURES = (
    Feature("mass_fraction", "age_bin", "1", "share of the mass formed in each age bin; sums to 1"),
    Feature("metallicity", "age_bin", "1", "mass-weighted Z (mass fraction of metals) of the stars of each bin"),
    Feature("photometry", "band", "mag(AB)", "magnitude, with noise; NaN where the noisy flux is not positive"),
    Feature("photometry_error", "band", "mag", "standard error of the magnitude"),
    Feature("spectrum", "pixel", "erg / (s cm2 Angstrom)", "observed flux density, with noise"),
    Feature("spectrum_error", "pixel", "erg / (s cm2 Angstrom)", "its standard error; 0 for no noise"),
    Feature("truth", "truth", "see manifest", "scalar truths, by the names in the manifest"),
)

FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
