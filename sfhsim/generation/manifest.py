"""The manifest: all that is needed to read a data set and to make it again, beside the shards."""

from __future__ import annotations

from sfhsim.generation.plan import Plan
from sfhsim.records.schema import FEATURES, SAMPLE_ID, SCHEMA_VERSION


def build_manifest(simulator, plan: Plan, shard_records: list[dict]) -> dict:
    """The manifest of a finished data set.

    Parameters
    ----------
    simulator : the Simulator that made it.
    plan : which samples it holds.
    shard_records : for each shard: file, split, first_id, stop_id, n_records, bytes, sha256.
    """
    import numba
    import numpy

    import sfhsim
    from sfhsim.recipe import recipe_to_dict

    dimensions = simulator.dimensions()
    lengths = simulator.feature_lengths()
    splits = {
        split: {
            "n_records": sum(s["n_records"] for s in shard_records if s["split"] == split),
            "n_shards": sum(s["split"] == split for s in shard_records),
            "share": share,
        }
        for split, share in plan.split.items()
    }
    library = simulator.library
    return {
        "format": "sfhsim data set",
        "schema_version": SCHEMA_VERSION,
        "sfhsim_version": sfhsim.__version__,
        "versions": {"numpy": numpy.__version__, "numba": numba.__version__},
        "name": simulator.recipe.name,
        "n_samples": plan.n_samples,
        "seed": plan.seed,
        "plan": plan.to_dict(),
        "splits": splits,
        "record": {
            "message": "tf.train.Example",
            "compression": "none",
            "features": [
                {
                    "name": SAMPLE_ID,
                    "kind": "int64",
                    "shape": [1],
                    "unit": "1",
                    "description": "id of the sample",
                },
                *(
                    {
                        "name": f.name,
                        "kind": "bytes, little-endian float32",
                        "shape": [lengths[f.name]],
                        "dimension": f.dimension,
                        "unit": f.unit,
                        "description": f.description,
                    }
                    for f in FEATURES
                ),
            ],
        },
        "dimensions": dimensions,
        "library": {
            "name": library.name,
            "checksum": library.checksum,
            "imf": library.imf,
            "source": library.source,
            "licence": library.licence,
            "citation": library.citation,
        },
        "recipe_fingerprint": plan.fingerprint,
        "recipe": recipe_to_dict(simulator.recipe),
        "notes": list(simulator.notes),
        "shards": shard_records,
    }
