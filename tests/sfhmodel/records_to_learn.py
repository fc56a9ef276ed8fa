"""Tiny data sets with known content, written record by record: for tests of what reads them."""

from pathlib import Path

import numpy as np
from blake3 import blake3

from sfhsim.generation.files import read_sealed
from sfhsim.generation.manifest import MANIFEST_SEAL, build_manifest, plan_document, write_manifest
from sfhsim.generation.plan import Plan
from sfhsim.records.encoder import RecordEncoder

N_PIXEL, N_AGE_BIN = 12, 3
TRUTHS = (
    "total_mass_msun",
    "mean_log10_age_yr_mass",
    "mean_log10_age_yr_light",
    "mean_metallicity_mass",
    "mean_metallicity_light",
    "a_v_mag",
    "sfr_100myr_msun_yr",
)


def records(ids, n_band=2) -> dict[str, np.ndarray]:
    """Features of records; the first pixel of the spectrum is the id, so that records can be told apart."""
    rng = np.random.default_rng(5)
    n = len(ids)
    arrays = {
        "spectrum": rng.normal(size=(n, N_PIXEL)),
        "spectrum_error": np.zeros((n, N_PIXEL)),
        "photometry": np.where(rng.random((n, n_band)) < 0.2, np.nan, 20.0),
        "photometry_error": np.full((n, n_band), 0.05),
        "mass_fraction": rng.dirichlet(np.ones(N_AGE_BIN), n),
        "metallicity": rng.uniform(1e-3, 0.03, (n, N_AGE_BIN)),
        "truth": rng.random((n, len(TRUTHS))),
    }
    arrays["spectrum"][:, 0] = ids
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def write_dataset(
    folder: Path, shards=(("train", 70), ("train", 53), ("validation", 20)), n_band=2, precision="float32"
) -> Path:
    """A data set with these shards (split, number of records); ids count on from one to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    receipts, first = [], 100  # ids of one and of two bytes
    for k, (split, n) in enumerate(shards):
        ids = np.arange(first, first + n)
        content = records(ids, n_band)
        lengths = {name: values.shape[1] for name, values in content.items()}
        path = folder / f"{split}-{k}.tfrecord"
        path.write_bytes(RecordEncoder(lengths, precision).encode(ids, content) if n else b"")
        receipts.append(
            {
                "file": path.name,
                "split": split,
                "first_id": first,
                "stop_id": first + max(n, 1),
                "n_records": n,
                "bytes": path.stat().st_size,
                "blake3": blake3(path.read_bytes()).hexdigest(),
            }
        )
        first += max(n, 1)
    n_samples = sum(n for _, n in shards)
    names = list(dict.fromkeys(split for split, _ in shards))
    plan = Plan("made up", 0, n_samples, dict.fromkeys(names, 1 / len(names)), 70, precision)
    document = plan_document(
        plan,
        {
            "schema_version": 1,
            "sfhsim_version": "0",
            "versions": {},
            "fingerprint": "made up",
            "basis_tolerance": 0.0,
            "feature_lengths": lengths,
            "dimensions": {
                "pixel": {"wave_aa": np.linspace(5000.0, 5110.0, N_PIXEL).tolist()},
                "age_bin": {"edges_yr": [0.0, 1e8, 1e9, 1.38e10]},
                "band": [{"name": f"band{k}"} for k in range(n_band)],
                "truth": [{"name": name} for name in TRUTHS],
            },
            "library": {"name": "made up", "checksum": "0"},
            "recipe": {"name": "tiny", "description": ""},
            "notes": [],
        },
    )
    write_manifest(folder, build_manifest(document, receipts))
    return folder


def change_manifest(folder: Path, change) -> None:
    """Write ``change(manifest)`` for the manifest, sealed as if it had been made so."""
    write_manifest(folder, change(read_sealed(folder / "manifest.json", MANIFEST_SEAL)))


def replace_shard(folder: Path, number: int, content: bytes) -> str:
    """Write other bytes for a shard, as if it had been made so; its name."""
    names = []

    def change(manifest: dict) -> dict:
        shard = manifest["shards"][number]
        (folder / shard["file"]).write_bytes(content)
        shard["bytes"] = len(content)
        names.append(shard["file"])
        return manifest

    change_manifest(folder, change)
    return names[0]


def ids_of(batch) -> list[int]:
    """Ids of the records of a batch of these data sets."""
    return np.asarray(batch[0]["flux"])[:, 0].astype(int).tolist()
