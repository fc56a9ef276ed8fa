"""What a model's numbers mean: grid, age bins, bands, summaries, quantiles, and the recipe it was trained on.

Everything comes from the manifest of a data set; it travels with the model and with its exports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sfhmodel.conditions import TrainingConditions
from sfhmodel.errors import TrainingDataError

SCHEMA_VERSIONS = (1, 2)
QUANTILE_LEVELS = (0.05, 0.16, 0.5, 0.84, 0.95)

# what a model takes and answers; `sfhmodel.model.StarFormationModel` says what each is
INPUT_NAMES = ("flux", "flux_error", "mask", "magnitudes", "magnitude_errors")
OUTPUT_NAMES = (
    "mass_fraction",
    "metallicity",
    "summaries",
    "cumulative_quantiles",
    "metallicity_quantiles",
    "summary_quantiles",
    "novelty",
)

# in the dict of a description, though they follow from others
_SAID_BESIDE = ("wave_medium", "summaries", "conditions")

# name, unit, description; `sfhmodel.targets` makes them of the truths of a record
SUMMARIES = (
    ("mean_log10_age_yr_mass", "dex(yr)", "mass-weighted mean of log10 of lookback time"),
    ("mean_log10_age_yr_light", "dex(yr)", "light-weighted mean of log10 of lookback time"),
    ("log10_metallicity_mass", "dex", "log10 of the mass-weighted mean Z"),
    ("log10_metallicity_light", "dex", "log10 of the light-weighted mean Z"),
    ("a_v_mag", "mag", "attenuation of the stars at 5500 A"),
    ("mass_fraction_100myr", "1", "fraction of the mass formed in the last 100 Myr"),
)


MIN_COVERAGE = 0.5  # of models that were trained on all pixels but short masks
LOG10_Z_FLOOR = -6.0  # of bins that report no metals

# truths of a record that the summaries are made of
NEEDED_TRUTHS = (
    "total_mass_msun",
    "mean_log10_age_yr_mass",
    "mean_log10_age_yr_light",
    "mean_metallicity_mass",
    "mean_metallicity_light",
    "a_v_mag",
    "sfr_100myr_msun_yr",
)


@dataclass(frozen=True, eq=False)
class ModelDescription:
    """The meaning of a model's inputs and outputs.

    Attributes
    ----------
    wave_aa : (n_pixel,) wavelengths of the pixel centres, air, in the frame of the training spectra.
    age_bin_edges_yr : (n_age_bin + 1,) edges of the age bins, lookback time.
    bands : of the magnitudes, in order: dicts with at least ``name``, as in the manifest.
    truth_names : names of the scalar truths of the training records.
    recipe, library : of the training data, as in the manifest.
    dataset_name, dataset_sha256 : name and manifest checksum of the training data.
    schema_version : of its records.
    quantile_levels : probabilities of the quantiles.
    min_coverage : least share of the pixels that answers are good for: what the training showed, at most half.
    calibration : what the intervals are good for: ``promised``, whether they were set on enough galaxies to cover what
        they say of further ones like these, and in words ``said``; ``n`` of those galaxies. Empty of older models.
    adaptation : of a model that was adapted to unlabelled spectra, to which ones and what its intervals are worth.
    conditions : of the training, as the recipe says: ranges of redshift, velocity dispersion, metallicity, attenuation.
    """

    wave_aa: np.ndarray
    age_bin_edges_yr: np.ndarray
    bands: tuple[dict, ...]
    truth_names: tuple[str, ...]
    recipe: dict = field(default_factory=dict)
    library: dict = field(default_factory=dict)
    dataset_name: str = ""
    dataset_sha256: str = ""
    schema_version: int = SCHEMA_VERSIONS[0]
    quantile_levels: tuple[float, ...] = QUANTILE_LEVELS
    min_coverage: float = MIN_COVERAGE
    calibration: dict = field(default_factory=dict)
    adaptation: dict = field(default_factory=dict)
    conditions: TrainingConditions = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "conditions", TrainingConditions.of_recipe(self.recipe))

    @classmethod
    def from_manifest(cls, manifest: dict) -> ModelDescription:
        """Of a data set's manifest.

        Raises
        ------
        TrainingDataError
            Another schema version, or a truth that the summaries need is missing.
        """
        version = manifest.get("schema_version")
        if version not in SCHEMA_VERSIONS:
            raise TrainingDataError(
                f"data set {manifest.get('name')!r} has schema version {version}, this sfhmodel reads "
                f"{', '.join(map(str, SCHEMA_VERSIONS))}: generate it anew, or install the matching version"
            )
        dimensions = manifest["dimensions"]
        description = cls(
            wave_aa=np.asarray(dimensions["pixel"]["wave_aa"], dtype=np.float64),
            age_bin_edges_yr=np.asarray(dimensions["age_bin"]["edges_yr"], dtype=np.float64),
            bands=tuple(dict(band) for band in dimensions["band"]),
            truth_names=tuple(truth["name"] for truth in dimensions["truth"]),
            recipe=manifest.get("recipe", {}),
            library=manifest.get("library", {}),
            dataset_name=manifest.get("name", ""),
            dataset_sha256=manifest.get("manifest_sha256", ""),
            schema_version=version,
        )
        if missing := [name for name in NEEDED_TRUTHS if name not in description.truth_names]:
            raise TrainingDataError(f"data set {description.dataset_name!r} has no truths {', '.join(missing)}")
        return description

    @property
    def n_pixel(self) -> int:
        return self.wave_aa.size

    @property
    def n_age_bin(self) -> int:
        return self.age_bin_edges_yr.size - 1

    @property
    def band_names(self) -> tuple[str, ...]:
        return tuple(band["name"] for band in self.bands)

    @property
    def n_band(self) -> int:
        return len(self.bands)

    @property
    def summary_names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in SUMMARIES)

    @property
    def summary_units(self) -> tuple[str, ...]:
        return tuple(unit for _, unit, _ in SUMMARIES)

    def to_dict(self) -> dict[str, Any]:
        """Of plain numbers, strings and lists, for JSON."""
        return {
            "wave_aa": self.wave_aa.tolist(),
            "wave_medium": "air",
            "age_bin_edges_yr": self.age_bin_edges_yr.tolist(),
            "bands": [dict(band) for band in self.bands],
            "truth_names": list(self.truth_names),
            "summaries": [{"name": n, "unit": u, "description": d} for n, u, d in SUMMARIES],
            "quantile_levels": list(self.quantile_levels),
            "min_coverage": self.min_coverage,
            "recipe": self.recipe,
            "library": self.library,
            "dataset_name": self.dataset_name,
            "dataset_sha256": self.dataset_sha256,
            "schema_version": self.schema_version,
            "calibration": self.calibration,
            "conditions": self.conditions.to_dict(),
            **({"adaptation": self.adaptation} if self.adaptation else {}),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelDescription:
        """The inverse of `to_dict`."""
        values = {name: v for name, v in values.items() if name not in _SAID_BESIDE}
        for name in ("wave_aa", "age_bin_edges_yr"):
            values[name] = np.asarray(values[name], dtype=np.float64)
        for name in ("bands", "truth_names", "quantile_levels"):
            values[name] = tuple(values[name])
        return cls(**values)

    def check_same(self, other: ModelDescription) -> None:
        """That the other's records can be given to a model of this description.

        Raises
        ------
        TrainingDataError
            Naming what differs: wavelengths, age bins or bands.
        """
        for name, what in (("wave_aa", "wavelength grid [A]"), ("age_bin_edges_yr", "age bin edges [yr]")):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine.shape != theirs.shape or not np.allclose(mine, theirs, rtol=1e-9, atol=0.0):
                raise TrainingDataError(
                    f"data set {other.dataset_name!r} has another {what}: {_range(theirs)}, the model has "
                    f"{_range(mine)}; generate a data set with the model's recipe, which its description holds"
                )
        if self.band_names != other.band_names:
            raise TrainingDataError(
                f"data set {other.dataset_name!r} has bands {', '.join(other.band_names) or 'none'}, the model has "
                f"{', '.join(self.band_names) or 'none'}: they must be the same, in the same order"
            )


def _range(values: np.ndarray) -> str:
    return f"{values.size} values from {values[0]:g} to {values[-1]:g}"
