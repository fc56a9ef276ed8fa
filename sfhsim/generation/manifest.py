"""The plan and the manifest of a data set as plain data, and as files that know their own checksum.

``plan.json`` is written before the first shard: everything that decides the bytes, and what was compiled from it. The
manifest is made of it and of the shards' receipts alone, after the last shard; each can be restored from the other.
"""

from __future__ import annotations

from pathlib import Path

from sfhsim.generation.files import read_sealed, write_sealed
from sfhsim.generation.plan import Plan
from sfhsim.records.dataset import MANIFEST, PLAN
from sfhsim.records.schema import FEATURES, SAMPLE_ID

COMPILED = "compiled.recipe"
PLAN_SEAL = "plan_sha256"
MANIFEST_SEAL = "manifest_sha256"
DIGEST = "blake3"
_SINCE_0_3_0 = ("compiled", "probes")


def plan_document(plan: Plan, description: dict, compiled_blake3: str, probes: dict) -> dict:
    """What ``plan.json`` holds: the plan, the `describe` of its simulator, the digest of the compiled recipe beside it,
    and the probe samples (`sfhsim.generation.probes`)."""
    compiled = {"file": COMPILED, "blake3": compiled_blake3}
    return {"format": "sfhsim plan", "plan": plan.to_dict(), **description, "compiled": compiled, "probes": probes}


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
            "features": [_SAMPLE_ID, *_features(document["feature_lengths"])],
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
    """The `plan_document` that a manifest was built from."""
    lengths = {f["name"]: f["shape"][0] for f in manifest["record"]["features"] if f["name"] != SAMPLE_ID}
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


def write_plan(folder: Path, document: dict) -> None:
    """Write ``plan.json``."""
    write_sealed(folder / PLAN, document, PLAN_SEAL)


def read_plan(folder: Path) -> dict:
    """Read ``plan.json``; DatasetError when it is missing, damaged or was changed."""
    return read_sealed(folder / PLAN, PLAN_SEAL)


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write ``manifest.json``."""
    write_sealed(folder / MANIFEST, manifest, MANIFEST_SEAL)


def read_manifest(folder: Path) -> dict:
    """Read ``manifest.json``; DatasetError when it is missing, damaged or was changed."""
    return read_sealed(folder / MANIFEST, MANIFEST_SEAL)


_SAMPLE_ID = {"name": SAMPLE_ID, "kind": "int64", "shape": [1], "unit": "1", "description": "id of the sample"}


def _features(lengths: dict[str, int]) -> list[dict]:
    return [
        {
            "name": f.name,
            "kind": "bytes, little-endian float32",
            "shape": [lengths[f.name]],
            "dimension": f.dimension,
            "unit": f.unit,
            "description": f.description,
        }
        for f in FEATURES
    ]
