"""``plan.json`` as its readers meet it, and what a manifest has of it: each can be restored from the other."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sfhsim.errors import DatasetError
from sfhsim.records.manifest import Checked, DimensionKeys, LibraryKeys, PlanKeys, RecipeKeys, checked
from sfhsim.records.plan import Plan
from sfhsim.records.schema import FEATURE_NAMES, MANIFEST, PLAN, PRECISIONS
from sfhsim.sealed import read_sealed

PLAN_SEAL = "plan_sha256"
SINCE_0_3_0 = ("compiled", "probes", "plugins")


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
            **{key: manifest[key] for key in SINCE_0_3_0 if key in manifest},
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
    compiled: _Compiled = Field(default=None)  # type: ignore[assignment]  # there was none before 0.3.0
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


def read_plan(folder: Path) -> dict:
    """Read ``plan.json``; DatasetError when it is missing, damaged or was changed."""
    document = read_sealed(folder / PLAN, PLAN_SEAL)
    check_plan_document(document, folder / PLAN)
    return document
