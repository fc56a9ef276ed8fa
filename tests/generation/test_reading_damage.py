"""Readers of a damaged data set: an error that names the shard and what to do, never fewer or other records."""

import itertools
import json
import shutil

import numpy as np
import pytest
from small_dataset import N_SAMPLES

from sfhsim import Dataset
from sfhsim.errors import DatasetError
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.manifest import MANIFEST_SEAL
from sfhsim.records.plan_document import PLAN_SEAL
from sfhsim.records.random_access import RecordFile
from sfhsim.sealed import content_sha256, read_sealed, write_sealed


def _shards(folder):
    return sorted(folder.glob("train*"))


def _records(path) -> list[bytes]:
    """The framed records of a shard."""
    raw = path.read_bytes()
    with RecordFile(path) as file:
        ends = [0, *(start + length + 4 for start, length in file._places)]
    return [raw[start:stop] for start, stop in itertools.pairwise(ends)]


def _swap(folder):
    first, second = _shards(folder)[1:3]
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)


DAMAGE = {
    "cut at a record": (
        lambda f: _shards(f)[2].write_bytes(b"".join(_records(_shards(f)[2])[:-1])),
        "bytes instead of .*: it was truncated or replaced",
    ),
    "empty": (lambda f: _shards(f)[2].write_bytes(b""), "has 0 bytes instead of"),
    "doubled": (lambda f: _shards(f)[2].write_bytes(_shards(f)[2].read_bytes() * 2), "bytes instead of"),
    "missing": (lambda f: _shards(f)[2].unlink(), "is missing"),
    "a folder": (lambda f: ((s := _shards(f)[2]).unlink(), s.mkdir()), "bytes instead of|cannot be read"),
    "swapped": (_swap, "other samples than planned|bytes instead of"),
    "copied over": (
        lambda f: shutil.copy(_shards(f)[1], _shards(f)[2]),
        "other samples than planned|bytes instead of",
    ),
    "a record twice": (
        lambda f: _shards(f)[2].write_bytes(b"".join((r := _records(_shards(f)[2]))[:3] + r[2:3] + r[4:])),
        "holds other samples than planned",
    ),
    "records in another order": (
        lambda f: _shards(f)[2].write_bytes(b"".join((r := _records(_shards(f)[2]))[:1] + r[2:0:-1] + r[3:])),
        "holds other samples than planned",
    ),
    "a flipped bit": (
        lambda f: _shards(f)[2].write_bytes((b := _shards(f)[2].read_bytes())[:-9] + bytes([b[-9] ^ 1]) + b[-8:]),
        "is damaged: record .*: its checksum is wrong",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_shards_are_named(dataset, damage, message):
    sample = int(Dataset(dataset).arrays("train")["sample_id"][-1])
    shard = _shards(dataset)[2].name
    (last,) = [s for s in Dataset(dataset).manifest["shards"] if s["file"] == shard]
    inside = last["stop_id"] - 1
    damage(dataset)
    named = rf"shard train-.* of .*({message}).*; `sfhsim verify .* --repair` makes it anew"
    opened = Dataset(dataset)
    for read in (list, Dataset.arrays, lambda d: d.arrays("train"), lambda d: d.sample(inside)):
        with pytest.raises(DatasetError, match=named):
            read(opened)
    assert len(opened.arrays("validation")["sample_id"]) == opened.manifest["splits"]["validation"]["n_records"]
    assert opened.sample(sample)["sample_id"] == sample


def test_records_are_counted(dataset):
    """Of a file that changed after it was checked."""
    shard = _shards(dataset)[2]
    records = _records(shard)
    for content, count in (
        (records[:-1], f"{len(records) - 1} records instead of {len(records)}"),
        (records * 2, f"more than {len(records)} records"),
    ):
        shard.write_bytes(b"".join(records))
        opened = Dataset(dataset)
        opened.check()
        shard.write_bytes(b"".join(content))
        next(s for s in opened.manifest["shards"] if s["file"] == shard.name)["bytes"] = shard.stat().st_size
        for read in (list, lambda d: d.arrays("train")):
            with pytest.raises(DatasetError, match=f"{shard.name} of .* has {count}; `sfhsim verify"):
                read(opened)


def test_a_shard_that_cannot_hold_its_samples_is_named(dataset):
    """A manifest that agrees with itself, but not with the shares of its splits."""
    (dataset / "plan.json").unlink()
    manifest = read_sealed(dataset / "manifest.json", MANIFEST_SEAL)
    manifest["plan"]["split"] = {"train": 0.8, "validation": 0.1, "test": 0.1}
    write_sealed(dataset / "manifest.json", manifest, MANIFEST_SEAL)
    with pytest.raises(
        DatasetError, match="^the manifest of .* contradicts itself: shard train-.* holds .* samples of its split, not"
    ):
        Dataset(dataset).arrays()


def test_records_of_other_lengths_are_named(dataset):
    """Sound records of the right ids, as another recipe would make them."""
    shard = _shards(dataset)[2]
    manifest = read_sealed(dataset / "manifest.json", MANIFEST_SEAL)
    entry = next(s for s in manifest["shards"] if s["file"] == shard.name)
    ids = [record["sample_id"] for record in Dataset(dataset).records(entry)]
    lengths = {f["name"]: f["shape"][0] for f in manifest["record"]["features"] if f["name"] != "sample_id"}
    lengths["truth"] -= 1
    arrays = {name: np.ones((len(ids), length)) for name, length in lengths.items()}
    shard.write_bytes(RecordEncoder(lengths).encode(np.array(ids), arrays))
    entry["bytes"] = shard.stat().st_size
    write_sealed(dataset / "manifest.json", manifest, MANIFEST_SEAL)
    with pytest.raises(DatasetError, match=rf"sample {ids[0]}: feature 'truth' has {lengths['truth']} values"):
        Dataset(dataset).arrays()


# -- the manifest ----------------------------------------------------------------------------------------------------


def _reseal(folder, change, name="manifest.json", seal=MANIFEST_SEAL):
    content = read_sealed(folder / name, seal)
    write_sealed(folder / name, change(content) or content, seal)


def _shard_entry(**changes):
    return lambda m: m["shards"][1].update(changes)


CONTRADICTIONS = {
    "n_samples": (lambda m: m.update(n_samples=149), "n_samples or seed are not those of the plan"),
    "seed": (lambda m: m.update(seed=8), "n_samples or seed are not those of the plan"),
    "name": (lambda m: m.update(name="other"), "its name is 'other', that of its recipe 'small'"),
    "splits": (lambda m: m["splits"].pop("test"), "the splits are not those of the plan"),
    "precision": (lambda m: m["plan"].update(precision="float16"), "precision float16 is not that of schema version 1"),
    "wave_aa": (lambda m: m["dimensions"]["pixel"]["wave_aa"].reverse(), "wave_aa does not increase"),
    "edges_yr": (lambda m: m["dimensions"]["age_bin"]["edges_yr"].reverse(), "edges_yr does not increase"),
    "pixels": (lambda m: m["dimensions"]["pixel"]["wave_aa"].pop(), "feature 'spectrum.*' has shape"),
    "truths": (lambda m: m["dimensions"]["truth"].pop(), "feature 'truth' has shape"),
    "features": (lambda m: m["record"]["features"].append(m["record"]["features"][2]), "a feature is listed twice"),
    "shard gone": (lambda m: m["shards"].pop(), "the shards of split 'test' are not as many"),
    "shard twice": (lambda m: m["shards"].append(m["shards"][0]), "hold the same samples, or samples in reverse order"),
    "order": (lambda m: m["shards"].reverse(), "hold the same samples, or samples in reverse order"),
    "split of a shard": (_shard_entry(split="dev"), "is of split 'dev', which there is not"),
    "records of a shard": (_shard_entry(n_records=10**6), "cannot hold 1000000 records"),
    "bytes of a shard": (_shard_entry(bytes=0), "cannot hold"),
    "one record less": (_shard_entry(n_records=3), "hold not as many records"),
    "file of another": (lambda m: m["shards"][1].update(file=m["shards"][0]["file"]), "a shard is listed twice"),
    "plan": (lambda m: m["plan"].update(records_per_shard=5), "is of another data set than the plan beside it"),
    "unit of a recipe": (lambda m: m["recipe"].update(seed=3), "is of another data set than the plan beside it"),
    "wavelengths": (
        lambda m: m["dimensions"]["pixel"].update(wave_aa=[1.05 * w for w in m["dimensions"]["pixel"]["wave_aa"]]),
        "is of another data set than the plan beside it",
    ),
}

STRUCTURE = {
    "no shards": (lambda m: m.pop("shards"), "shards: Field required"),
    "shards not a list": (lambda m: m.update(shards={}), "shards: Input should be a valid list"),
    "a list": (lambda m: m.update(plan=[]), "plan: Input should be"),
    "a negative count": (_shard_entry(n_records=-1), "shards.1.n_records: .*greater than or equal to 0"),
    "a fraction": (_shard_entry(first_id=0.5), "shards.1.first_id: .*valid integer"),
    "true": (lambda m: m.update(n_samples=True), "n_samples: .*valid integer"),
    "not a number": (lambda m: m["dimensions"]["pixel"]["wave_aa"].__setitem__(0, float("nan")), "wave_aa.0: .*finite"),
    "a huge number": (lambda m: m.update(n_samples=10**400), "n_samples: "),
    "null": (lambda m: m.update(dimensions=None), "dimensions: Input should be"),
    "no bins": (lambda m: m["dimensions"]["age_bin"].update(edges_yr=[0.0]), "edges_yr: .*at least 2"),
    "above": (_shard_entry(file="../other/train.tfrecord"), "shards.1.file: String should match"),
    "absolute": (_shard_entry(file="/tmp/train.tfrecord"), "shards.1.file: String should match"),
    "hidden": (_shard_entry(file="..tfrecord"), "shards.1.file: String should match"),
    "line break": (_shard_entry(file="a.tfrecord\n"), "shards.1.file: String should match"),
    "another kind of file": (lambda m: m.update(format="sfhsim plan"), "format: Input should be 'sfhsim data set'"),
    "no receipts": (lambda m: m.pop("notes"), "has no 'notes'"),
}


@pytest.mark.parametrize(
    ("change", "message"), {**CONTRADICTIONS, **STRUCTURE}.values(), ids=CONTRADICTIONS | STRUCTURE
)
def test_an_edited_manifest_is_refused_even_with_its_seal_made_anew(dataset, change, message):
    edited = json.loads((dataset / "manifest.json").read_text())
    change(edited)
    (dataset / "manifest.json").write_text(json.dumps(edited))
    with pytest.raises(
        DatasetError, match=r"was changed after it was written: .*; `sfhsim verify .*, and with --repair"
    ):
        Dataset(dataset)
    del edited[MANIFEST_SEAL]
    (dataset / "manifest.json").write_text(json.dumps({**edited, MANIFEST_SEAL: content_sha256(edited, MANIFEST_SEAL)}))
    with pytest.raises(DatasetError, match=rf"({message}).*; `sfhsim verify .*, and with --repair restores it"):
        Dataset(dataset)


def test_another_schema_version_is_named(dataset):
    for version in (3, "1", None, [1]):
        _reseal(dataset, lambda m, version=version: m.update(schema_version=version))
        with pytest.raises(DatasetError, match="has schema version .*, this sfhsim reads 1, 2: read it with"):
            Dataset(dataset)


def test_a_plan_that_is_damaged_or_gone_is_no_obstacle(dataset):
    expected = Dataset(dataset).arrays()["spectrum"]
    _reseal(dataset, lambda d: d.pop("plan"), "plan.json", PLAN_SEAL)
    np.testing.assert_array_equal(Dataset(dataset).arrays()["spectrum"], expected)
    (dataset / "plan.json").write_text("[" * 100_000)
    np.testing.assert_array_equal(Dataset(dataset).arrays()["spectrum"], expected)
    (dataset / "plan.json").unlink()
    assert len(Dataset(dataset).arrays()["spectrum"]) == N_SAMPLES


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000, '{"a": ' * 3000 + "1" + "}" * 3000, "1" * 5000])
def test_what_is_no_manifest_is_refused(dataset, text):
    (dataset / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match=r"manifest.json .*; `sfhsim verify .* tells more"):
        Dataset(dataset)
