"""A data set on disk: its manifest and its records, read without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records.example import decode_example
from sfhsim.records.schema import SAMPLE_ID, SCHEMA_VERSION
from sfhsim.records.tfrecord import read_records

MANIFEST = "manifest.json"
PLAN = "plan.json"


class Dataset:
    """A finished data set.

    Parameters
    ----------
    folder
        Directory that holds ``manifest.json`` and the shards.

    Raises
    ------
    DatasetError
        When there is no manifest, it is damaged, or its schema is another version.
    """

    def __init__(self, folder: str | Path):
        from sfhsim.generation.files import read_json

        self.folder = Path(folder)
        path = self.folder / MANIFEST
        if not path.is_file():
            raise DatasetError(
                f"{self.folder} holds no {MANIFEST}: it is not a data set, or its generation has not finished"
            )
        self.manifest = read_json(path)
        version = self.manifest.get("schema_version")
        if version != SCHEMA_VERSION:
            raise DatasetError(
                f"{path} has schema version {version}, this sfhsim reads {SCHEMA_VERSION}: "
                "read it with the sfhsim version named in its manifest, or generate it anew"
            )

    def __len__(self) -> int:
        return self.manifest["n_samples"]

    @property
    def wave_aa(self) -> np.ndarray:
        """(n_pixel,) observed wavelengths of the spectra."""
        return np.asarray(self.manifest["dimensions"]["pixel"]["wave_aa"])

    @property
    def age_bin_edges_yr(self) -> np.ndarray:
        """(n_age_bin + 1,) edges of the label bins."""
        return np.asarray(self.manifest["dimensions"]["age_bin"]["edges_yr"])

    @property
    def truth_names(self) -> list[str]:
        """Names of the scalar truths, in order."""
        return [truth["name"] for truth in self.manifest["dimensions"]["truth"]]

    @property
    def band_names(self) -> list[str]:
        """Names of the photometric bands, in order."""
        return [band["name"] for band in self.manifest["dimensions"]["band"]]

    def shards(self, split: str | None = None) -> list[Path]:
        """Paths of the shards, of one split or of all."""
        known = self.manifest["splits"]
        if split is not None and split not in known:
            raise DatasetError(f"no split {split!r} in {self.folder}: it has {', '.join(known)}")
        return [self.folder / s["file"] for s in self.manifest["shards"] if split is None or s["split"] == split]

    def __iter__(self) -> Iterator[dict]:
        for path in self.shards():
            for message in read_records(path):
                yield decode_example(message)

    def arrays(self, split: str | None = None, limit: int | None = None) -> dict[str, np.ndarray]:
        """The first ``limit`` records (all by default) of a split, stacked: each (n, length), ids (n,)."""
        rows: list[dict] = []
        for path in self.shards(split):
            for message in read_records(path):
                if limit is not None and len(rows) >= limit:
                    break
                rows.append(decode_example(message))
        if not rows:
            raise DatasetError(f"no records in split {split!r} of {self.folder}")
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def sample(self, sample_id: int) -> dict:
        """The record with this id."""
        for shard in self.manifest["shards"]:
            if shard["first_id"] <= sample_id < shard["stop_id"]:
                for message in read_records(self.folder / shard["file"]):
                    record = decode_example(message)
                    if record[SAMPLE_ID] == sample_id:
                        return record
        raise DatasetError(f"no sample {sample_id} in {self.folder}: ids run from 0 to {len(self) - 1}")

    def describe(self) -> str:
        """A few lines on what the data set holds."""
        m = self.manifest
        pixels = self.wave_aa
        splits = ", ".join(f"{name} {s['n_records']}" for name, s in m["splits"].items())
        size_mb = sum(s["bytes"] for s in m["shards"]) / 1e6
        return "\n".join(
            [
                f"{m['name']}: {m['n_samples']} samples ({splits}) in {len(m['shards'])} shards, {size_mb:.1f} MB",
                f"  recipe      {m['recipe']['description'] or m['name']}",
                f"  library     {m['library']['name']} (sha256 {m['library']['checksum'][:12]})",
                f"  spectrum    {pixels.size} pixels, {pixels[0]:g}-{pixels[-1]:g} A",
                f"  photometry  {', '.join(self.band_names) or 'none'}",
                f"  labels      {self.age_bin_edges_yr.size - 1} age bins, {len(self.truth_names)} truths",
                f"  made by     sfhsim {m['sfhsim_version']}, seed {m['seed']}, schema {m['schema_version']}",
            ]
        )

    def describe_sample(self, record: dict) -> str:
        """The labels and truths of one record, for people."""
        edges_myr = self.age_bin_edges_yr / 1e6
        lines = [f"sample {record[SAMPLE_ID]}"]
        lines += [
            f"  {low:7.0f} - {high:7.0f} Myr   mass fraction {fraction:8.5f}   Z {z:8.6f}"
            for low, high, fraction, z in zip(
                edges_myr[:-1], edges_myr[1:], record["mass_fraction"], record["metallicity"], strict=True
            )
        ]
        lines += [f"  {name:32s} {v:.6g}" for name, v in zip(self.truth_names, record["truth"], strict=True)]
        lines += [
            f"  {name:32s} {m:.3f} +- {e:.3f} mag"
            for name, m, e in zip(self.band_names, record["photometry"], record["photometry_error"], strict=True)
        ]
        return "\n".join(lines)
