"""Data sets of mixtures: the same bytes from workers, after kills and repairs; the manifest tells the worlds."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_dataset import N_SAMPLES, SHARD_BYTES, contents

from sfhsim import Dataset, MixtureSimulator, Simulator, generate_dataset, repair_dataset, verify_dataset
from sfhsim.errors import DatasetError

WORLDS = [
    {"name": "first"},
    {
        "name": "second",
        "weight": 0.5,
        "override": {"metallicity": {"form": "constant"}, "histories": [{"family": "dense_basis", "n_quantiles": 2}]},
    },
]


@pytest.fixture(scope="module")
def mixture(recipe_content, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("mixture") / "many.yaml"
    path.write_text(yaml.safe_dump({**recipe_content, "name": "many", "worlds": WORLDS}))
    return path


@pytest.fixture(scope="module")
def whole(mixture, installed, tmp_path_factory) -> Path:
    """The data set, made in one go in this process."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFHSIM_HOME", str(installed))
        _make(mixture, folder)
    return folder


def _make(mixture, folder, **options):
    return generate_dataset(str(mixture), N_SAMPLES, folder, seed=7, shard_bytes=SHARD_BYTES, **options)


def test_worker_processes_make_the_same_bytes(mixture, whole, tmp_path):
    _make(mixture, tmp_path / "d", workers=2)
    assert contents(tmp_path / "d") == contents(whole)


def test_killed_at_random_moments(mixture, command_environment, tmp_path):
    program = Path(__file__).with_name("killed_again_and_again.py")
    arguments = [mixture, 7, 600, 6000, tmp_path / "d", 10, 2]
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)], capture_output=True, text=True, env=command_environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["halfway"] >= 2


def test_what_was_lost_is_made_again(mixture, whole, tmp_path):
    _make(mixture, tmp_path / "d")
    shard = next((tmp_path / "d").glob("train-*"))
    shard.unlink()
    (tmp_path / "d" / "compiled.recipe").write_bytes(b"lost")
    assert {problem.file for problem in verify_dataset(tmp_path / "d").problems} == {shard.name, "compiled.recipe"}
    report = repair_dataset(tmp_path / "d")
    assert report.ok
    assert report.repaired == ["compiled.recipe", shard.name]
    assert contents(tmp_path / "d") == contents(whole)


def test_records_are_those_of_the_worlds_own_recipes(mixture, whole):
    dataset = Dataset(whole)
    assert dataset.world_names == ["first", "second"]
    assert "worlds      first 66.7%, second 33.3%" in dataset.describe()
    simulator = Simulator.from_recipe(str(mixture), seed=7)
    assert isinstance(simulator, MixtureSimulator)
    arrays = dataset.arrays()
    world = arrays["truth"][:, dataset.truth_names.index("world")].astype(int)
    np.testing.assert_array_equal(world, simulator.world_index(arrays["sample_id"]))
    for k, own in enumerate(simulator.worlds):
        alone = Simulator.from_recipe(own.recipe, seed=7)
        expected = alone.batch(arrays["sample_id"][world == k])
        for name in ("spectrum", "mass_fraction", "metallicity", "photometry"):
            np.testing.assert_array_equal(arrays[name][world == k], getattr(expected, name))
    record = dataset.sample(int(arrays["sample_id"][world == 1][0]))
    assert dataset.describe_sample(record).splitlines()[0].endswith(", world second")


def test_the_manifest_names_the_worlds_their_libraries_and_fingerprints(mixture, whole):
    manifest = Dataset(whole).manifest
    simulator = Simulator.from_recipe(str(mixture), seed=7)
    assert manifest["fingerprint"] == simulator.fingerprint()
    assert [world["name"] for world in manifest["recipe"]["worlds"]] == ["first", "second"]
    told = manifest["dimensions"]["world"]
    assert [world["fingerprint"] for world in told] == [world.fingerprint() for world in simulator.worlds]
    assert all(world["library"]["checksum"] == manifest["library"]["checksum"] for world in told)
    truths = {truth["name"]: truth for truth in manifest["dimensions"]["truth"]}
    assert truths["metallicity.z_start"]["worlds"] == ["first"]
    assert {f"spectrum of world {name}" for name in ("first", "second")} <= manifest["probes"]["blake3"].keys()


def test_worlds_that_no_record_tells_of_are_found(whole):
    from sfhsim.records.manifest import check_manifest

    manifest = Dataset(whole).manifest
    manifest["dimensions"]["truth"][-1]["name"] = "other"
    with pytest.raises(DatasetError, match="it lists worlds, but its records do not tell which they are of"):
        check_manifest(manifest, whole / "manifest.json")


def test_other_weights_are_another_data_set(recipe_content, whole, tmp_path):
    worlds = [WORLDS[0] | {"weight": 2.0}, WORLDS[1]]
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({**recipe_content, "name": "many", "worlds": worlds}))
    with pytest.raises(DatasetError, match="holds another data set; different: the recipe, its library or the sfhsim"):
        _make(tmp_path / "other.yaml", whole)


def test_a_worker_that_makes_other_bytes_in_any_world_is_found(mixture, whole, tmp_path, monkeypatch):
    """Probes cover every world, however few of the first samples are of it."""
    from sfhsim.generation.probes import check_probes, probes_of

    simulator = Simulator.from_recipe(str(mixture), seed=7)
    expected = probes_of(simulator)
    check_probes(simulator, expected, "the data set")
    second = simulator.worlds[1]
    batch = second.batch

    def changed(ids):
        made = batch(ids)
        made.mass_fraction[:, 0] += 0.01
        return made

    monkeypatch.setattr(second, "batch", changed)
    with pytest.raises(DatasetError, match="mass_fraction of world second of samples 0-7 differ"):
        check_probes(simulator, expected, "the data set")
