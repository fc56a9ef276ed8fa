"""Tiny data sets with known content, written record by record: for tests of what reads them."""

from pathlib import Path

import numpy as np

from sfhsim.generation.files import read_json, write_json
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


def write_dataset(folder: Path, shards=(("train", 70), ("train", 53), ("validation", 20)), n_band=2) -> Path:
    """A data set with these shards (split, number of records); ids count on from one to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    receipts, first = [], 100  # ids of one and of two bytes
    for k, (split, n) in enumerate(shards):
        ids = np.arange(first, first + n)
        first += n
        content = records(ids, n_band)
        lengths = {name: values.shape[1] for name, values in content.items()}
        path = folder / f"{split}-{k}.tfrecord"
        path.write_bytes(RecordEncoder(lengths).encode(ids, content) if n else b"")
        receipts.append({"file": path.name, "split": split, "n_records": n, "bytes": path.stat().st_size})
    features = [{"name": name, "kind": "bytes", "shape": [length]} for name, length in lengths.items()]
    manifest = {
        "format": "sfhsim data set",
        "schema_version": 1,
        "name": "tiny",
        "n_samples": first - 100,
        "splits": {split: {} for split, _ in shards},
        "record": {"features": [{"name": "sample_id", "kind": "int64", "shape": [1]}, *features]},
        "dimensions": {
            "pixel": {"wave_aa": np.linspace(5000.0, 5110.0, N_PIXEL).tolist()},
            "age_bin": {"edges_yr": [0.0, 1e8, 1e9, 1.38e10]},
            "band": [{"name": f"band{k}"} for k in range(n_band)],
            "truth": [{"name": name} for name in TRUTHS],
        },
        "shards": receipts,
    }
    write_json(folder / "manifest.json", manifest)
    return folder


def replace_shard(folder: Path, number: int, content: bytes) -> str:
    """Write other bytes for a shard, as if it had been made so; its name."""
    manifest = read_json(folder / "manifest.json")
    shard = manifest["shards"][number]
    (folder / shard["file"]).write_bytes(content)
    shard["bytes"] = len(content)
    write_json(folder / "manifest.json", manifest)
    return shard["file"]


def ids_of(batch) -> list[int]:
    """Ids of the records of a batch of these data sets."""
    return np.asarray(batch[0]["flux"])[:, 0].astype(int).tolist()
