"""Generation: the same bytes however they are made, and clear errors that keep what is whole."""

import errno
import json
import os
import subprocess
import sys
from itertools import chain

import numpy as np
import pytest
from small_dataset import N_SAMPLES, SHARD_BYTES, contents

from sfhsim import Dataset, Simulator, generate_dataset
from sfhsim.errors import DatasetError, LibraryError, MissingDataError, RecipeError
from sfhsim.generation import parse_size, parse_split
from sfhsim.generation.engines import count_workers
from sfhsim.generation.folder import sole_writer


@pytest.mark.parametrize("workers", [1, 3])
def test_bytes_do_not_depend_on_the_number_of_workers(recipe, uninterrupted, tmp_path, workers):
    done = generate_dataset(str(recipe), N_SAMPLES, tmp_path / "d", seed=7, shard_bytes=SHARD_BYTES, workers=workers)
    assert contents(tmp_path / "d") == uninterrupted
    assert (done.n_made, done.n_samples) == (N_SAMPLES, N_SAMPLES)


def test_records_do_not_depend_on_shards_or_size_of_the_set(make, simulator, dataset, tmp_path):
    make(tmp_path / "other", n_samples=60, shard_bytes=4000, split={"all": 1.0})
    small, large = Dataset(tmp_path / "other"), Dataset(dataset)
    for k in (0, 31, 59):
        for name, values in small.sample(k).items():
            np.testing.assert_array_equal(values, large.sample(k)[name])
    alone = simulator.batch([31]).features()
    for name, values in alone.items():
        np.testing.assert_array_equal(small.sample(31)[name], values[0])


def test_every_sample_is_there_once_in_its_split(dataset):
    opened = Dataset(dataset)
    ids = {split: opened.arrays(split)["sample_id"].tolist() for split in opened.manifest["splits"]}
    assert sorted(chain(*ids.values())) == list(range(N_SAMPLES))
    assert {name: len(i) for name, i in ids.items()} == {
        name: s["n_records"] for name, s in opened.manifest["splits"].items()
    }


def test_a_finished_set_is_kept_and_the_note_of_its_progress_is_right(make, dataset, uninterrupted):
    done = make(dataset)
    assert done.n_made == 0
    assert f"({N_SAMPLES} were there already)" in str(done)
    assert contents(dataset) == uninterrupted


def test_only_what_is_missing_is_made(make, dataset, uninterrupted):
    missing = sorted(dataset.glob("train*"))[1]
    missing.unlink()
    (dataset / f".{missing.name}.0123.partial").write_bytes(b"of a run that was killed")
    before = {p.name: p.stat().st_mtime_ns for p in dataset.glob("*.tfrecord")}
    done = make(dataset)
    assert 0 < done.n_made < 20
    assert contents(dataset) == uninterrupted
    assert all((dataset / file).stat().st_mtime_ns == time for file, time in before.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_samples": N_SAMPLES + 1}, "does not grow in place: make the larger one in a new directory"),
        ({"split": {"train": 1.0}}, "different: split"),
        ({"shard_bytes": 8000}, "records_per_shard"),
    ],
)
def test_another_plan_in_the_same_folder_is_refused(make, dataset, uninterrupted, changes, message):
    with pytest.raises(DatasetError, match=message):
        make(dataset, **changes)
    assert contents(dataset) == uninterrupted


def test_another_seed_or_recipe_in_the_same_folder_is_refused(recipe_content, installed, dataset, uninterrupted):
    from sfhsim.recipe.loading import recipe_from_dict

    changed = recipe_from_dict(recipe_content | {"kinematics": {"velocity_dispersion_kms": 210.0, "redshift": 0.002}})
    with pytest.raises(DatasetError, match="the recipe, its library or the sfhsim version"):
        generate_dataset(changed, N_SAMPLES, dataset, seed=7, shard_bytes=SHARD_BYTES)
    with pytest.raises(DatasetError, match=r"seed \(7 there, 8 wanted\)"):
        generate_dataset(recipe_from_dict(recipe_content), N_SAMPLES, dataset, seed=8, shard_bytes=SHARD_BYTES)
    assert contents(dataset) == uninterrupted


def test_a_damaged_plan_says_how_to_restore_it(make, dataset):
    (dataset / "plan.json").write_text("{")
    with pytest.raises(DatasetError, match="verify .* --repair"):
        make(dataset)
    (dataset / "plan.json").unlink()
    with pytest.raises(DatasetError, match=r"plan.json is missing: `sfhsim verify .* --repair`"):
        make(dataset)


def test_places_that_cannot_be_used(make, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="is a file"):
        make(tmp_path / "file")
    with pytest.raises(DatasetError, match="is a file, or in one"):
        make(tmp_path / "file" / "below")
    with pytest.raises(DatasetError, match="already holds other files \\(file\\)"):
        make(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DatasetError, match="no permission to write"):
        make(tmp_path / "new")


def test_two_runs_in_one_folder_are_refused(make, dataset, uninterrupted):
    with sole_writer(dataset), pytest.raises(DatasetError, match=rf"process {os.getpid()} on .* is writing in"):
        make(dataset)
    make(dataset)
    assert contents(dataset) == uninterrupted


def test_one_writer_of_a_folder(tmp_path):
    holder = rf"another process \(process {os.getpid()} on .*\) is writing in"
    with sole_writer(tmp_path), pytest.raises(DatasetError, match=holder), sole_writer(tmp_path):
        pass
    with pytest.raises(DatasetError, match="cannot use .*nowhere for a data set"), sole_writer(tmp_path / "nowhere"):
        pass
    with pytest.raises(ZeroDivisionError), sole_writer(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_whole_shards(make, tmp_path, uninterrupted, monkeypatch):
    real, calls = os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(
            DatasetError, match=r"cannot write .*\.tfrecord.*: No space left on device; what was complete"
        ):
            make(tmp_path / "d")
    kept = contents(tmp_path / "d")
    assert len([name for name in kept if name.endswith(".tfrecord")]) >= 3
    assert all(uninterrupted[name] == content for name, content in kept.items())
    make(tmp_path / "d")
    assert contents(tmp_path / "d") == uninterrupted


def test_a_recipe_that_fails_leaves_nothing(tmp_path, recipe_content):
    from sfhsim.recipe.loading import recipe_from_dict

    with pytest.raises(RecipeError, match="no recipe"):
        generate_dataset("absent", 10, tmp_path / "d")
    absent = recipe_from_dict(recipe_content | {"library": "absent"})
    for workers in (None, 1):
        with pytest.raises(MissingDataError, match="absent"):
            generate_dataset(absent, 10, tmp_path / "d", workers=workers)
    assert not (tmp_path / "d").exists()


def test_errors_of_workers_arrive_as_they_are(recipe, tmp_path, monkeypatch, installed):
    broken = tmp_path / "home"
    folder = broken / "libraries" / "miniature.ssplib"
    folder.mkdir(parents=True)
    (folder / "library.json").write_text("{")
    monkeypatch.setenv("SFHSIM_HOME", str(broken))
    with pytest.raises(LibraryError, match="library.json is damaged"):
        generate_dataset(str(recipe), 10, tmp_path / "d", workers=2)


def test_a_library_in_memory_only_is_enough_for_workers(simulator, uninterrupted, tmp_path):
    from miniature import miniature_library

    changed = Simulator(simulator.recipe, miniature_library(flux=2 * miniature_library().flux), seed=7)
    generate_dataset(changed, 10, tmp_path / "there", workers=1)
    generate_dataset(changed, 10, tmp_path / "here")
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    plain = Simulator(simulator.recipe, miniature_library(), seed=7)
    assert changed.fingerprint() != plain.fingerprint()
    with pytest.raises(DatasetError, match="made with seed 7, not 8"):
        generate_dataset(changed, 10, tmp_path / "d", seed=8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "spark"}, "no engine 'spark'"),
        ({"scheduler": "tcp://nowhere:1"}, "needs the engine dask"),
        ({"workers": 0}, "positive number or auto"),
        ({"workers": "many"}, "positive number or auto"),
        ({"engine": "dask", "workers": 2}, "decides the number of workers"),
        ({"n_samples": 0}, "at least one sample"),
    ],
)
def test_choices_that_do_not_fit(make, tmp_path, options, message):
    with pytest.raises(DatasetError, match=message):
        make(tmp_path / "d", **options)


def test_automatic_workers_are_as_many_as_cores_or_memory_allow(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**30 // 4096}.get)
    assert count_workers("auto") == 1
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**36 // 4096}.get)
    assert count_workers("auto") == 16
    assert count_workers("3") == 3


def test_sizes_and_splits_as_people_write_them():
    assert [parse_size(text) for text in ("128MB", "1.5 GB", "64MiB", "77")] == [128_000_000, 1_500_000_000, 2**26, 77]
    assert parse_split("0.8, 0.2") == {"train": 0.8, "validation": 0.2}
    assert parse_split("a=0.5,b=0.5") == {"a": 0.5, "b": 0.5}
    for text in ("lots", "-1MB", "0"):
        with pytest.raises(DatasetError, match="size|too small"):
            parse_size(text)
    for text in ("a", "a=1,a=0", "1,2,3,4", "a=b", "a/b=1", "a=1=2"):
        with pytest.raises(DatasetError, match="is not a split"):
            parse_split(text)


def test_the_command_line(recipe, uninterrupted, tmp_path, command_environment):
    folder = tmp_path / "d"
    options = f"-n {N_SAMPLES} --seed 7 --shard-size {SHARD_BYTES} --split 0.9,0.05,0.05 --workers 1"

    def sfhsim(*arguments):
        command = [sys.executable, "-c", "from sfhsim.cli import main; main()", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=command_environment)

    made = sfhsim("generate", recipe, *options.split(), "--out", folder)
    assert made.returncode == 0, made.stderr
    assert f"{N_SAMPLES} samples in {len(list(folder.glob('*.tfrecord')))} shards" in made.stdout
    assert contents(folder) == uninterrupted
    spoilt = next(folder.glob("test*"))
    spoilt.unlink()
    found = sfhsim("verify", folder, "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["problems"] == [{"file": spoilt.name, "what": "is missing"}]
    mended = sfhsim("verify", folder, "--repair", "--workers", "1")
    assert mended.returncode == 0, mended.stderr
    assert f"{spoilt.name}: repaired" in mended.stdout
    assert contents(folder) == uninterrupted
