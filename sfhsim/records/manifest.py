"""The manifest of a data set as its readers meet it: sealed, and checked once when it is opened.

What is checked is all that readers rely on, so that none meets a missing key, a negative count or a shard in another
folder later; keys that are not named here are left to whoever wrote them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sfhsim.errors import DatasetError
from sfhsim.records.schema import FEATURES, PRECISIONS, SAMPLE_ID, precision_of, stored_features

MANIFEST_SEAL = "manifest_sha256"

_Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class Checked(BaseModel):
    """Plain data with the keys and types that its subclass names, and maybe others."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


_Model = TypeVar("_Model", bound=Checked)


class PlanKeys(Checked):
    """The plan of a data set."""

    fingerprint: str
    seed: _Count
    n_samples: Annotated[int, Field(ge=1, lt=1 << 63)]
    split: dict[str, Annotated[float, Field(ge=0, le=1)]]
    records_per_shard: Annotated[int, Field(ge=1, lt=1 << 63)]
    precision: Literal["float32", "float16"] = "float32"


class ShardKeys(Checked):
    """A shard, as its receipt and the manifest tell of it."""

    file: Annotated[str, Field(max_length=255, pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]*\.tfrecord$")]
    split: str
    first_id: _Count
    stop_id: _Count
    n_records: _Count
    bytes: _Count
    blake3: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Split(Checked):
    n_records: _Count
    n_shards: _Count


class _Feature(Checked):
    name: str
    shape: list[_Count | None]


class _Record(Checked):
    features: list[_Feature]


class _Named(Checked):
    name: str


class _Pixel(Checked):
    wave_aa: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]


class _AgeBin(Checked):
    edges_yr: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2)]


class _World(_Named):
    share: Annotated[float, Field(ge=0, le=1)]


class DimensionKeys(Checked):
    """What the numbers of a record mean."""

    pixel: _Pixel
    age_bin: _AgeBin
    band: list[_Named]
    truth: list[_Named]
    world: list[_World] = Field(default_factory=list)  # of mixtures

    @property
    def lengths(self) -> dict[str, int]:
        """Number of values of each feature of the schema."""
        n_bin = len(self.age_bin.edges_yr) - 1
        sizes = {"pixel": len(self.pixel.wave_aa), "age_bin": n_bin, "band": len(self.band), "truth": len(self.truth)}
        return {feature.name: sizes[feature.dimension] for feature in FEATURES}


class LibraryKeys(Checked):
    """The library of a data set."""

    name: str
    checksum: str


class RecipeKeys(Checked):
    """The recipe of a data set."""

    name: str
    description: str


class _Manifest(Checked):
    format: Literal["sfhsim data set"]
    schema_version: int
    sfhsim_version: str
    name: str
    n_samples: _Count
    seed: _Count
    plan: PlanKeys
    splits: dict[str, _Split]
    record: _Record
    dimensions: DimensionKeys
    library: LibraryKeys
    recipe: RecipeKeys
    shards: list[ShardKeys]


def checked(model: type[_Model], content: dict, path: Path) -> _Model:
    """The content as a model; DatasetError when it is not one, naming the file, the key and what is wrong with it."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DatasetError(f"{path} is damaged: {where}: {first['msg']}") from None


def check_version(content: dict, path: Path) -> None:
    """DatasetError when the schema is of a version that this sfhsim does not know."""
    version = content.get("schema_version")
    if version not in list(PRECISIONS.values()):
        raise DatasetError(
            f"{path} has schema version {version}, this sfhsim reads {', '.join(map(str, PRECISIONS.values()))}: "
            "read it with the sfhsim version named in its manifest, or generate it anew"
        )


def check_manifest(content: dict, path: Path) -> None:
    """DatasetError when a manifest lacks what readers need, or contradicts itself."""
    what = _contradiction(checked(_Manifest, content, path))
    if what is not None:
        raise DatasetError(f"{path} is damaged: it contradicts itself: {what}")


def _contradiction(manifest: _Manifest) -> str | None:
    """What in the manifest cannot be true together with the rest of it."""
    for what, values in (
        ("wave_aa", manifest.dimensions.pixel.wave_aa),
        ("edges_yr", manifest.dimensions.age_bin.edges_yr),
    ):
        if any(low >= high for low, high in itertools.pairwise(values)):
            return f"{what} does not increase"
    plan = manifest.plan
    if (plan.n_samples, plan.seed) != (manifest.n_samples, manifest.seed):
        return "n_samples or seed are not those of the plan"
    if manifest.name != manifest.recipe.name:
        return f"its name is {manifest.name!r}, that of its recipe {manifest.recipe.name!r}"
    if list(plan.split) != list(manifest.splits):
        return "the splits are not those of the plan"
    if PRECISIONS[plan.precision] != manifest.schema_version:
        return f"precision {plan.precision} is not that of schema version {manifest.schema_version}"
    if manifest.dimensions.world and "world" not in [truth.name for truth in manifest.dimensions.truth]:
        return "it lists worlds, but its records do not tell which they are of"
    return _contradicting_features(manifest) or _contradicting_shards(manifest)


def _contradicting_features(manifest: _Manifest) -> str | None:
    shapes = {feature.name: feature.shape for feature in manifest.record.features}
    if len(shapes) != len(manifest.record.features):
        return "a feature is listed twice"
    try:
        stored = stored_features(manifest.dimensions.lengths, precision_of(manifest.schema_version))
    except DatasetError as error:
        return str(error)
    expected = {SAMPLE_ID: [1], **{name: [of.length] for name, of in stored.items()}}
    for name, shape in shapes.items():
        if shape != expected.get(name, shape):
            return f"feature {name!r} has shape {shape}, its dimension says {expected[name]}"
    return None


def _contradicting_shards(manifest: _Manifest) -> str | None:
    records: Counter[str] = Counter()
    files: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    for shard in manifest.shards:
        if shard.split not in manifest.splits:
            return f"shard {shard.file} is of split {shard.split!r}, which there is not"
        if not reached[shard.split] <= shard.first_id < shard.stop_id <= manifest.n_samples:
            return f"shard {shard.file} and the one before it hold the same samples, or samples in reverse order"
        if shard.n_records > shard.stop_id - shard.first_id or (shard.n_records > 0) != (shard.bytes > 0):
            return f"shard {shard.file} cannot hold {shard.n_records} records"
        reached[shard.split] = shard.stop_id
        records[shard.split] += shard.n_records
        files[shard.split] += 1
    for name, split in manifest.splits.items():
        if (split.n_records, split.n_shards) != (records[name], files[name]):
            return f"the shards of split {name!r} are not as many, or hold not as many records, as it says"
    if records.total() != manifest.n_samples:
        return f"its shards hold {records.total()} records, it says {manifest.n_samples}"
    if len({shard.file for shard in manifest.shards}) != len(manifest.shards):
        return "a shard is listed twice"
    return None
