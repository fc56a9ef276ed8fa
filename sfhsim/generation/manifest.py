"""The plan and the manifest of a data set as plain data, and as files that know their own checksum.

``plan.json`` is written before the first shard: everything that decides the bytes, and what was compiled from it. The
manifest is made of it and of the shards' receipts alone, after the last shard; each can be restored from the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sfhsim.errors import DatasetError
from sfhsim.generation.plan import Plan
from sfhsim.plugins import plugin_names
from sfhsim.records.dataset import MANIFEST, PLAN
from sfhsim.records.manifest import (
    MANIFEST_SEAL,
    Checked,
    DimensionKeys,
    LibraryKeys,
    PlanKeys,
    RecipeKeys,
    check_manifest,
    check_version,
    checked,
)
from sfhsim.records.schema import FEATURE_NAMES, FEATURES, HALF_FEATURES, PRECISIONS, SAMPLE_ID, stored_features
from sfhsim.sealed import read_sealed, write_sealed

COMPILED = "compiled.recipe"
PLAN_SEAL = "plan_sha256"
DIGEST = "blake3"
_SINCE_0_3_0 = ("compiled", "probes", "plugins")


def plan_document(plan: Plan, description: dict, compiled_blake3: str, probes: dict) -> dict:
    """What ``plan.json`` holds: the plan, the `describe` of its simulator, the digest of the compiled recipe beside it,
    the probe samples (`sfhsim.generation.probes`) and the names of plug-ins."""
    return {
        "format": "sfhsim plan",
        "plan": plan.to_dict(),
        **description,
        "schema_version": PRECISIONS[plan.precision],
        "compiled": {"file": COMPILED, "blake3": compiled_blake3},
        "probes": probes,
        "plugins": plugin_names(),
    }


def build_manifest(document: dict, receipts: list[dict]) -> dict:
    """The manifest of a finished data set.

    Parameters
    ----------
    document : of `plan_document`.
    receipts : for each shard: file, split, first_id, stop_id, n_records, bytes, blake3.
    """
    plan = Plan.from_dict(document["plan"])
    splits = {
        split: {
            "n_records": sum(s["n_records"] for s in receipts if s["split"] == split),
            "n_shards": sum(s["split"] == split for s in receipts),
            "share": share,
        }
        for split, share in plan.split.items()
    }
    return {
        "format": "sfhsim data set",
        "schema_version": document["schema_version"],
        "sfhsim_version": document["sfhsim_version"],
        "versions": document["versions"],
        "name": document["recipe"]["name"],
        "n_samples": plan.n_samples,
        "seed": plan.seed,
        "plan": plan.to_dict(),
        "splits": splits,
        "record": {
            "message": "tf.train.Example",
            "compression": "none",
            "features": [_SAMPLE_ID, *_features(document["feature_lengths"], plan.precision)],
        },
        "dimensions": document["dimensions"],
        "library": document["library"],
        "fingerprint": plan.fingerprint,
        "recipe": document["recipe"],
        "basis_tolerance": document["basis_tolerance"],
        "notes": document["notes"],
        **{key: document[key] for key in _SINCE_0_3_0 if key in document},
        "shards": receipts,
    }


def document_of_manifest(manifest: dict) -> dict:
    """The `plan_document` that a manifest was built from; DatasetError when the manifest lacks a part of it."""
    lengths = {f["name"]: f["shape"][0] for f in manifest["record"]["features"] if f["name"] in FEATURE_NAMES}
    try:
        return {
            "format": "sfhsim plan",
            "plan": manifest["plan"],
            **{key: manifest[key] for key in ("schema_version", "sfhsim_version", "versions")},
            "fingerprint": manifest["plan"]["fingerprint"],
            "basis_tolerance": manifest["basis_tolerance"],
            "feature_lengths": lengths,
            **{key: manifest[key] for key in ("dimensions", "library", "recipe", "notes")},
            **{key: manifest[key] for key in _SINCE_0_3_0 if key in manifest},
        }
    except KeyError as error:
        raise DatasetError(f"{MANIFEST} is damaged: it has no {error}") from None


class _Compiled(Checked):
    file: str
    blake3: str


class _PlanDocument(Checked):
    """What verification, repair and the manifest need of a plan document."""

    format: Literal["sfhsim plan"]
    plan: PlanKeys
    schema_version: int
    sfhsim_version: str
    versions: dict
    fingerprint: str
    basis_tolerance: float
    feature_lengths: dict[str, int]
    dimensions: DimensionKeys
    library: LibraryKeys
    recipe: RecipeKeys
    notes: list[str]
    compiled: _Compiled = Field(default=None)  # there was none before 0.3.0
    probes: dict = Field(default_factory=dict)
    plugins: list[str] = Field(default_factory=list)


def check_plan_document(content: dict, path: Path) -> None:
    """DatasetError when a plan document lacks something, or contradicts itself."""
    document = checked(_PlanDocument, content, path)
    plan = Plan.from_dict(content["plan"])
    if document.feature_lengths != document.dimensions.lengths:
        raise DatasetError(f"{path} is damaged: its feature_lengths are not those of its dimensions")
    if (document.schema_version, document.fingerprint) != (PRECISIONS[plan.precision], plan.fingerprint):
        raise DatasetError(f"{path} is damaged: schema_version or fingerprint are not those of its plan")


def consistent(manifest: dict, document: dict) -> bool:
    """Whether a manifest is of the data set that a plan document tells of."""
    if any(document.get(key) != value for key, value in document_of_manifest(manifest).items()):
        return False
    listed, shards = manifest["shards"], Plan.from_dict(document["plan"]).shards()
    keys = ("file", "split", "first_id", "stop_id")
    return len(listed) == len(shards) and all(
        receipt[key] == getattr(shard, key) for receipt, shard in zip(listed, shards, strict=True) for key in keys
    )


def contradicted_by_plan(folder: Path, manifest: dict) -> bool:
    """Whether the folder holds a sound plan of another data set."""
    try:
        document = read_plan(folder)
    except DatasetError:  # a copy without it, or it is damaged, which is for `verify` to tell
        return False
    return not consistent(manifest, document)


def write_plan(folder: Path, document: dict) -> None:
    """Write ``plan.json``."""
    write_sealed(folder / PLAN, document, PLAN_SEAL)


def read_plan(folder: Path) -> dict:
    """Read ``plan.json``; DatasetError when it is missing, damaged or was changed."""
    document = read_sealed(folder / PLAN, PLAN_SEAL)
    check_plan_document(document, folder / PLAN)
    return document


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write ``manifest.json``."""
    write_sealed(folder / MANIFEST, manifest, MANIFEST_SEAL)


def read_manifest(folder: Path) -> dict:
    """Read ``manifest.json``; DatasetError when it is missing, damaged or was changed."""
    manifest = read_sealed(folder / MANIFEST, MANIFEST_SEAL)
    check_version(manifest, folder / MANIFEST)
    check_manifest(manifest, folder / MANIFEST)
    check_plan_document(document_of_manifest(manifest), folder / MANIFEST)
    return manifest


_SAMPLE_ID = {
    "name": SAMPLE_ID,
    "kind": "int64",
    "dtype": "int64",
    "shape": [1],
    "unit": "1",
    "description": "id of the sample",
}
_DTYPES = {"<f4": "float32", "<f2": "float16", "<i4": "int32"}


def _features(lengths: dict[str, int], precision: str) -> list[dict]:
    stored = stored_features(lengths, precision)
    return [
        {
            "name": f.name,
            "kind": f"bytes, little-endian {_DTYPES[stored[f.name].dtype]}",
            "dtype": _DTYPES[stored[f.name].dtype],
            "shape": [stored[f.name].length],
            "dimension": f.dimension,
            "unit": f.unit,
            "description": f.description,
        }
        for f in sorted((*FEATURES, *HALF_FEATURES), key=lambda f: f.name)
        if f.name in stored
    ]
