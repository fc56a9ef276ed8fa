"""The plan and the manifest of a data set as plain data, and as files that know their own checksum.

``plan.json`` is written before the first shard: everything that decides the bytes, and what was compiled from it. The
manifest is made of it and of the shards' receipts alone, after the last shard; each can be restored from the other.
"""

from __future__ import annotations

from pathlib import Path

from sfhsim.plugins import plugin_names
from sfhsim.records.manifest import MANIFEST_SEAL, check_manifest, check_version
from sfhsim.records.plan import Plan
from sfhsim.records.plan_document import PLAN_SEAL, SINCE_0_3_0, check_plan_document, document_of_manifest
from sfhsim.records.schema import (
    COMPILED,
    FEATURES,
    HALF_FEATURES,
    MANIFEST,
    PLAN,
    PRECISIONS,
    SAMPLE_ID,
    stored_features,
)
from sfhsim.sealed import read_sealed, write_sealed

DIGEST = "blake3"


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
        **{key: document[key] for key in SINCE_0_3_0 if key in document},
        "shards": receipts,
    }


def write_plan(folder: Path, document: dict) -> None:
    """Write ``plan.json``."""
    write_sealed(folder / PLAN, document, PLAN_SEAL)


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
