"""Tiny data sets with known content, written record by record: for tests of what reads them."""

from pathlib import Path

import numpy as np
from blake3 import blake3

from sfhsim import Dataset
from sfhsim.generation.manifest import build_manifest, plan_document, write_manifest
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.manifest import MANIFEST_SEAL
from sfhsim.records.plan import Plan, in_split
from sfhsim.sealed import read_sealed

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
    """Features of records; the first pixel of the spectrum is their number, so that they can be told apart."""
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


def split_for(counts: dict[str, int]) -> dict[str, float]:
    """Shares of splits that give each this many of the samples."""
    places = np.sort(np.arange(sum(counts.values()), dtype=np.uint64) * np.uint64(2654435769) % np.uint64(1 << 32))
    ends = np.cumsum(list(counts.values()))
    edges = [0.0, *((places[k - 1] + places[k]) / 2 / 2.0**32 for k in ends[:-1] if k < places.size)]
    edges += [1.0] * (1 + len(counts) - len(edges))
    return dict(zip(counts, np.diff(edges).tolist(), strict=True))


def write_dataset(
    folder: Path, shards=(("train", 70), ("train", 53), ("validation", 20)), n_band=2, precision="float32"
) -> Path:
    """A data set with these shards (split, number of records), whose records are numbered from 100 on."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {split: sum(n for other, n in shards if other == split) for split, _ in shards}
    share, n_samples = split_for(counts), sum(counts.values())
    everything = np.arange(n_samples, dtype=np.uint64)
    left = {split: everything[in_split(everything, split, share)] for split in share}
    receipts, first, starts = [], 100, dict.fromkeys(share, 0)
    for k, (split, n) in enumerate(shards):
        ids, left[split] = left[split][:n], left[split][n:]
        stop_id = int(left[split][0]) if left[split].size else n_samples
        content = records(np.arange(first, first + n), n_band)
        lengths = {name: values.shape[1] for name, values in content.items()}
        path = folder / f"{split}-{k}.tfrecord"
        path.write_bytes(RecordEncoder(lengths, precision).encode(ids, content) if n else b"")
        receipts.append(
            {
                "file": path.name,
                "split": split,
                "first_id": starts[split],
                "stop_id": stop_id,
                "n_records": n,
                "bytes": path.stat().st_size,
                "blake3": blake3(path.read_bytes()).hexdigest(),
            }
        )
        first, starts[split] = first + n, stop_id
    plan = Plan("made up", 0, n_samples, share, 70, precision)
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
        compiled_blake3="0" * 64,
        probes={},
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


def sample_ids(folder: Path, number: int) -> np.ndarray:
    """Ids of the samples of a shard."""
    dataset = Dataset(folder)
    return dataset.ids(dataset.manifest["shards"][number])


def ids_of(batch) -> list[int]:
    """Numbers of the records of a batch of these data sets."""
    return np.asarray(batch[0]["flux"])[:, 0].astype(int).tolist()
