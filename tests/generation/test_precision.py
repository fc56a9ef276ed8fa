"""Data sets of precision float16: half the disk, the same numbers, made, resumed, verified and repaired alike."""

import numpy as np
import pytest
from miniature import miniature_library, miniature_recipe
from small_dataset import N_SAMPLES, contents

from sfhsim import Dataset, Simulator, generate_dataset
from sfhsim.errors import DatasetError
from sfhsim.generation import repair_dataset, verify_dataset
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.manifest import MANIFEST_SEAL
from sfhsim.records.plan_document import PLAN_SEAL
from sfhsim.records.tfrecord import read_records
from sfhsim.sealed import read_json, write_sealed

SHARD_BYTES = 9_000  # a dozen records


@pytest.fixture(scope="module")
def halves(make, tmp_path_factory) -> dict[str, bytes]:
    """The files of the data set with precision float16."""
    folder = tmp_path_factory.mktemp("halves") / "d"
    make(folder, precision="float16", shard_bytes=SHARD_BYTES)
    return contents(folder)


@pytest.fixture
def dataset16(halves, tmp_path):
    folder = tmp_path / "halves"
    for name, content in halves.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_they_hold_the_numbers_of_float32_at_half_the_size(dataset, dataset16):
    whole, half = Dataset(dataset), Dataset(dataset16)
    assert (whole.precision, half.precision) == ("float32", "float16")
    assert (whole.manifest["schema_version"], half.manifest["schema_version"]) == (1, 2)
    ids = []
    for split in whole.manifest["splits"]:
        expected, got = whole.arrays(split), half.arrays(split)
        ids += got["sample_id"].tolist()
        assert set(got) == set(expected)
        for name, values in expected.items():
            if name not in ("spectrum", "spectrum_error"):
                np.testing.assert_array_equal(got[name], values)
        lost = np.abs(got["spectrum"] - expected["spectrum"])
        assert (lost <= 5e-4 * np.abs(expected["spectrum"])).all()
        assert (lost <= 0.1 * expected["spectrum_error"]).all()
        np.testing.assert_allclose(got["spectrum_error"], expected["spectrum_error"], rtol=5e-4)
    assert sorted(ids) == list(range(N_SAMPLES))
    record = half.sample(31)
    np.testing.assert_array_equal(record["spectrum"], next(r for r in half if r["sample_id"] == 31)["spectrum"])
    sizes = [sum(shard["bytes"] for shard in opened.manifest["shards"]) for opened in (half, whole)]
    assert sizes[0] < sizes[1] - 300 * N_SAMPLES  # of 400 bytes, for spectra of 100 pixels


@pytest.mark.parametrize(
    "noise", [{"model": "poisson", "snr": 5000.0}, {"model": "constant", "snr": 1e6}, {"model": "none"}]
)
def test_bright_lines_and_any_signal_to_noise_are_held(noise, tmp_path):
    """Of star-forming galaxies with lines of the embedded Cloudy grids."""
    kinematics = {"velocity_dispersion_kms": 10.0, "redshift": 0.002}
    recipe = recipe_from_dict(miniature_recipe(noise=noise, kinematics=kinematics))
    batch = Simulator(recipe, miniature_library(), seed=1).batch(range(32)).features()
    encoder = RecordEncoder({name: values.shape[1] for name, values in batch.items()}, "float16")
    (tmp_path / "a.tfrecord").write_bytes(encoder.encode(np.arange(32), batch))
    got = encoder.decode(list(read_records(tmp_path / "a.tfrecord")))
    lost = np.abs(got["spectrum"].astype(np.float64) - batch["spectrum"])
    assert np.max(batch["spectrum"].max(axis=1) / np.median(batch["spectrum"], axis=1)) > 10
    assert (lost <= 5e-4 * np.abs(batch["spectrum"].astype(np.float64))).all()
    if noise["model"] == "none":
        assert not got["spectrum_error"].any()
    else:
        assert (lost <= 0.1 * batch["spectrum_error"].astype(np.float64)).all()
        np.testing.assert_allclose(got["spectrum_error"], batch["spectrum_error"], rtol=5e-4)


def test_the_manifest_says_how_each_feature_is_stored(dataset, dataset16):
    dtypes = [
        {f["name"]: (f["dtype"], f["shape"]) for f in Dataset(folder).manifest["record"]["features"]}
        for folder in (dataset, dataset16)
    ]
    assert {dtype for name, (dtype, _) in dtypes[0].items() if name != "sample_id"} == {"float32"}
    assert set(dtypes[1]) - set(dtypes[0]) == {
        "spectrum_scale",
        "spectrum_correction_index",
        "spectrum_correction",
    }
    assert dtypes[1]["spectrum"] == ("float16", dtypes[0]["spectrum"][1])
    assert dtypes[1]["spectrum_scale"] == ("float32", [2])
    assert dtypes[1]["spectrum_correction_index"] == ("int32", [None])
    assert dtypes[1]["truth"] == dtypes[0]["truth"]


def test_bytes_do_not_depend_on_workers(recipe, halves, tmp_path):
    options = {"seed": 7, "shard_bytes": SHARD_BYTES, "workers": 2, "precision": "float16"}
    generate_dataset(str(recipe), N_SAMPLES, tmp_path / "d", **options)
    assert contents(tmp_path / "d") == halves


def test_damage_is_found_and_repaired(dataset16, halves):
    assert verify_dataset(dataset16).ok
    first, second, third = sorted(dataset16.glob("train*"))[:3]
    first.write_bytes(first.read_bytes()[:-100])
    content = bytearray(second.read_bytes())
    content[500] ^= 1
    second.write_bytes(content)
    third.unlink()
    (dataset16 / "manifest.json").unlink()
    broken = ["manifest.json", first.name, second.name, third.name]
    assert [problem.file for problem in verify_dataset(dataset16).problems] == broken
    assert repair_dataset(dataset16).repaired == broken
    assert contents(dataset16) == halves


def test_missing_shards_are_made_again(make, dataset16, halves):
    sorted(dataset16.glob("train*"))[1].unlink()
    assert 0 < make(dataset16, precision="float16", shard_bytes=SHARD_BYTES).n_made < 20
    assert contents(dataset16) == halves


def test_another_precision_in_the_same_folder_is_refused(make, dataset, uninterrupted):
    with pytest.raises(DatasetError, match=r"different: .*precision \(float32 there, float16 wanted\)"):
        make(dataset, precision="float16")
    assert contents(dataset) == uninterrupted


def test_an_unknown_precision_is_refused(make, tmp_path):
    with pytest.raises(DatasetError, match="no precision 'float64': there are float32, float16"):
        make(tmp_path / "d", precision="float64")
    assert not (tmp_path / "d").exists()


def test_data_sets_of_before_are_read_and_verified(dataset):
    """As versions before 0.3 wrote them: no word of precision and types."""
    expected = Dataset(dataset).arrays()
    for name, seal in (("manifest.json", MANIFEST_SEAL), ("plan.json", PLAN_SEAL)):
        content = read_json(dataset / name)
        del content["plan"]["precision"]
        for feature in content.get("record", {}).get("features", []):
            del feature["dtype"]
        write_sealed(dataset / name, content, seal)
    assert verify_dataset(dataset).ok
    got = Dataset(dataset)
    assert got.precision == "float32"
    np.testing.assert_array_equal(got.arrays()["spectrum"], expected["spectrum"])
