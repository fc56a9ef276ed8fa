"""Every kind of damage is found, named, and repaired to the very bytes that were there."""

import json
import re
import shutil

import pytest
from small_dataset import N_SAMPLES, contents

from sfhsim.errors import DatasetError, MissingDataError
from sfhsim.generation import repair_dataset, verify_dataset
from sfhsim.sealed import read_sealed, write_sealed


def _flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def _edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=1) + "\n")


def _swap(folder):
    first, second = sorted(folder.glob("train*"))[:2]
    spare = first.with_suffix(".spare")
    first.rename(spare)
    second.rename(first)
    spare.rename(second)


def _shard(folder):
    return sorted(folder.glob("train*"))[2]


DAMAGE = {
    "flipped bit in the data": (lambda d: _flip(_shard(d), 700), "record 0: the checksum of the data is wrong"),
    "flipped bit in a checksum": (lambda d: _flip(_shard(d), -1), "the checksum of the data is wrong"),
    "flipped bit in a length": (lambda d: _flip(_shard(d), 1), "the checksum of its length is wrong"),
    "truncated": (lambda d: _shard(d).write_bytes(_shard(d).read_bytes()[:-9]), "bytes instead of"),
    "a record too many": (
        lambda d: _shard(d).write_bytes(_shard(d).read_bytes() + _shard(d).read_bytes()[:1600]),
        "bytes instead of",
    ),
    "empty": (lambda d: _shard(d).write_bytes(b""), "has 0 bytes instead of"),
    "deleted": (lambda d: _shard(d).unlink(), "is missing"),
}


def test_a_sound_data_set_is_sound(dataset, uninterrupted):
    report = verify_dataset(dataset)
    assert report.ok
    assert (report.n_records, report.problems, report.repaired) == (N_SAMPLES, [], [])
    assert "sound" in str(report)
    assert repair_dataset(dataset).to_dict() == report.to_dict()
    assert contents(dataset) == uninterrupted


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_shard_is_named_and_repaired(dataset, uninterrupted, damage, message):
    name = _shard(dataset).name
    damage(dataset)
    report = verify_dataset(dataset)
    assert [problem.file for problem in report.problems] == [name]
    assert message in report.problems[0].what
    assert name in str(report)
    others = {p: p.stat().st_mtime_ns for p in dataset.iterdir() if p.is_file() and p.name != name}
    repaired = repair_dataset(dataset)
    assert (repaired.ok, repaired.repaired) == (True, [name])
    assert contents(dataset) == uninterrupted
    assert all(path.stat().st_mtime_ns == time for path, time in others.items())


def test_shards_that_changed_places_are_found_and_repaired(dataset, uninterrupted):
    _swap(dataset)
    names = [path.name for path in sorted(dataset.glob("train*"))[:2]]
    assert [problem.file for problem in verify_dataset(dataset).problems] == names
    assert repair_dataset(dataset).repaired == names
    assert contents(dataset) == uninterrupted


def test_a_sound_shard_of_another_simulator_is_found(make, dataset, simulator, uninterrupted, tmp_path):
    from sfhsim import Simulator

    make(tmp_path / "other", recipe=Simulator(simulator.recipe, simulator.library, seed=8))
    name = _shard(dataset).name
    shutil.copy(tmp_path / "other" / name, dataset / name)
    (problem,) = verify_dataset(dataset).problems
    assert problem.file == name
    assert "though every record is sound" in problem.what
    repair_dataset(dataset)
    assert contents(dataset) == uninterrupted


@pytest.mark.parametrize("name", ["manifest.json", "plan.json"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: _edit(p, lambda c: c["library"].update(source="elsewhere")), "changed after it was written"),
        (lambda p: _edit(p, lambda c: c["plan"].update(n_samples=3)), "changed after it was written"),
        (lambda p: p.write_text(p.read_text()[:-30]), "is damaged"),
        (lambda p: p.write_text("[]"), "is damaged"),
        (lambda p: p.unlink(), "is missing"),
    ],
)
def test_an_edited_manifest_or_plan_is_found_and_repaired(dataset, uninterrupted, name, damage, message):
    damage(dataset / name)
    (problem,) = verify_dataset(dataset).problems
    assert problem.file == name
    assert message in problem.what
    assert repair_dataset(dataset).repaired == [name]
    assert contents(dataset) == uninterrupted


@pytest.mark.parametrize(("name", "seal"), [("manifest.json", "manifest_sha256"), ("plan.json", "plan_sha256")])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("dimensions"), "dimensions: Field required"),
        (lambda c: c.update(plan=[]), "plan: Input should be"),
        (lambda c: c["plan"].update(n_samples=-1), "plan.n_samples: "),
        (
            lambda c: c["plan"].update(split={"train": 0.5, "validation": 0.0, "test": 0.0}),
            "must be positive and sum to 1",
        ),
        (lambda c: c.update(basis_tolerance="small"), "basis_tolerance: "),
        (lambda c: c["dimensions"]["truth"].pop(), "truth|feature_lengths"),
        (lambda c: c.update(schema_version=2), "schema version 2|schema_version"),
    ],
)
def test_structural_damage_is_found_and_repaired_even_with_a_new_seal(
    dataset, uninterrupted, name, seal, change, message
):
    content = read_sealed(dataset / name, seal)
    change(content)
    write_sealed(dataset / name, content, seal)
    (problem,) = verify_dataset(dataset).problems
    assert problem.file == name
    assert re.search(message, problem.what)
    assert repair_dataset(dataset).repaired == [name]
    assert contents(dataset) == uninterrupted


@pytest.mark.parametrize(
    "change", [{"n_records": -1}, {"bytes": "many"}, {"file": "other.tfrecord"}, {"first_id": None}]
)
def test_a_receipt_that_is_none_is_not_believed(dataset, uninterrupted, change):
    (dataset / "manifest.json").unlink()
    receipt = dataset / ".receipts" / f"{_shard(dataset).name}.json"
    write_sealed(receipt, read_sealed(receipt, "receipt_sha256") | change, "receipt_sha256")
    assert verify_dataset(dataset).problems[1].what == "has no receipt to be checked against"
    assert repair_dataset(dataset).ok
    assert contents(dataset) == uninterrupted


def test_an_edited_manifest_does_not_hide_a_damaged_shard(dataset, uninterrupted):
    name = _shard(dataset).name
    _flip(_shard(dataset), 700)
    _edit(dataset / "manifest.json", lambda c: c["shards"][0].update(blake3="0" * 64))
    assert {problem.file for problem in verify_dataset(dataset).problems} == {"manifest.json", name}
    assert repair_dataset(dataset).repaired == ["manifest.json", name]
    assert contents(dataset) == uninterrupted


def test_a_manifest_of_another_data_set_is_found(make, dataset, uninterrupted, tmp_path):
    make(tmp_path / "other", n_samples=40)
    shutil.copy(tmp_path / "other" / "manifest.json", dataset)
    (problem,) = verify_dataset(dataset).problems
    assert problem.what == "is of another data set than plan.json"
    repair_dataset(dataset)
    assert contents(dataset) == uninterrupted


def test_manifest_and_a_receipt_gone(dataset, uninterrupted):
    (dataset / "manifest.json").unlink()
    (dataset / ".receipts" / f"{_shard(dataset).name}.json").unlink()
    problems = {problem.file: problem.what for problem in verify_dataset(dataset).problems}
    assert problems == {
        "manifest.json": "is missing",
        _shard(dataset).name: "has no receipt to be checked against",
    }
    assert repair_dataset(dataset).ok
    assert contents(dataset) == uninterrupted


def test_a_copy_without_hidden_files_is_sound(dataset):
    shutil.rmtree(dataset / ".receipts")
    assert verify_dataset(dataset).ok


def test_a_file_too_many_is_named_and_left(dataset):
    (dataset / "extra.tfrecord").write_bytes(b"mine")
    _shard(dataset).unlink()
    report = repair_dataset(dataset)
    assert [problem.file for problem in report.problems] == ["extra.tfrecord"]
    assert not report.ok
    assert (dataset / "extra.tfrecord").read_bytes() == b"mine"


def test_without_manifest_and_plan_there_is_nothing_to_trust(dataset, tmp_path):
    with pytest.raises(DatasetError, match="is not a data set"):
        verify_dataset(tmp_path)
    for name in ("manifest.json", "plan.json"):
        (dataset / name).write_text("{}")
    with pytest.raises(DatasetError, match="Neither can be restored from the other"):
        repair_dataset(dataset)


def test_a_library_that_is_not_installed_stops_the_repair(dataset, monkeypatch, tmp_path):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("SFHSIM_CACHE", str(tmp_path / "empty"))
    (dataset / "compiled.recipe").unlink()
    with pytest.raises(MissingDataError, match="no stellar library 'miniature'"):
        repair_dataset(dataset)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "its digest does not fit its content"),
        (lambda path: path.write_bytes(b""), "its digest does not fit its content"),
    ],
)
def test_a_damaged_compiled_recipe_is_found_and_repaired(dataset, uninterrupted, damage, message):
    damage(dataset / "compiled.recipe")
    (problem,) = verify_dataset(dataset).problems
    assert problem.file == "compiled.recipe"
    assert message in problem.what
    assert repair_dataset(dataset).repaired == ["compiled.recipe"]
    assert contents(dataset) == uninterrupted


def test_a_compiled_recipe_of_another_data_set_is_found_and_repaired(dataset, uninterrupted, simulator):
    from sfhsim import Simulator
    from sfhsim.synthesis.compiled_recipe import write_compiled

    other = Simulator(simulator.recipe, simulator.library, basis_tolerance=0.0)
    write_compiled(other.compiled(), dataset / "compiled.recipe")
    (problem,) = verify_dataset(dataset).problems
    assert problem.what == "is of another data set: it was replaced"
    repair_dataset(dataset)
    assert contents(dataset) == uninterrupted


def test_a_library_is_not_needed_for_a_repair(dataset, uninterrupted, monkeypatch, tmp_path):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "empty"))
    _shard(dataset).unlink()
    assert repair_dataset(dataset).ok
    assert contents(dataset) == uninterrupted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"library": {"checksum": "0" * 64, "name": "miniature"}}, "another version of the library miniature"),
        ({"sfhsim_version": "0.0.1"}, "was made with sfhsim 0.0.1, this is"),
        ({"compiled": {"file": "compiled.recipe", "blake3": "0" * 64}}, "other filters, families or versions"),
    ],
)
def test_another_origin_stops_the_repair(dataset, changes, message):
    from sfhsim.generation.manifest import write_plan
    from sfhsim.records.plan_document import read_plan

    (dataset / "manifest.json").unlink()
    document = read_plan(dataset)
    changed = {"fingerprint": "other", "plan": document["plan"] | {"fingerprint": "other"}}
    write_plan(dataset, document | changed | changes)
    _shard(dataset).unlink()
    (dataset / "compiled.recipe").write_bytes(b"spoilt")
    before = contents(dataset)
    with pytest.raises(DatasetError, match=message):
        repair_dataset(dataset)
    assert contents(dataset) == before


def test_a_repair_that_comes_out_different_is_refused(dataset):
    from sfhsim.generation.manifest import read_manifest, write_manifest

    manifest = read_manifest(dataset)
    manifest["shards"][0]["blake3"] = "0" * 64
    write_manifest(dataset, manifest)
    before = contents(dataset)
    with pytest.raises(DatasetError, match="came out different from what was recorded"):
        repair_dataset(dataset)
    assert contents(dataset) == before
