"""Records of a split by place and id: read in any order, a batch at a time, and no further than asked."""

import numpy as np
import pytest
from records_to_learn import N_AGE_BIN, N_PIXEL, write_dataset

from sfhmodel.data import SplitRecords, TrainingData
from sfhmodel.errors import InputError, TrainingDataError

SHARDS = (("train", 40), ("validation", 20), ("train", 25))  # records are numbered from 100 on, in this order


@pytest.fixture
def data(tmp_path):
    return TrainingData(write_dataset(tmp_path / "set", SHARDS))


def numbers(batches) -> list[list[int]]:
    """The numbers that the records carry in their first pixel."""
    return [batch.inputs["flux"][:, 0].astype(int).tolist() for batch in batches]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_batches_hold_the_records_at_the_places_asked(tmp_path, precision):
    records = SplitRecords(TrainingData(write_dataset(tmp_path / "set", SHARDS, precision=precision)), "train")
    assert len(records) == 65
    found = numbers(records.batches([39, 40, 0, 64, 40], 2))
    assert found == [[139, 160], [100, 184], [160]]
    assert list(records.batches([], 2)) == []


def test_batches_are_inputs_truths_and_ids(data):
    records = SplitRecords(data, "train")
    batch = next(records.batches(range(50), 50))
    np.testing.assert_array_equal(batch.sample_id, records.sample_id[:50])
    assert set(batch.inputs) == {"flux", "flux_error", "mask", "magnitudes", "magnitude_errors"}
    assert batch.inputs["mask"].shape == (50, N_PIXEL)
    assert batch.truths["mass_fraction"].shape == (50, N_AGE_BIN)
    ids = [record["sample_id"] for part in data.parts("train") for record in data.records(part.shard)]
    assert records.sample_id.tolist() == ids


def test_ids_are_found_in_the_order_asked_and_others_named(data):
    records = SplitRecords(data, "validation")
    ids = records.sample_id
    assert records.places([ids[7], ids[2], ids[7]]) == [7, 2]
    assert records.places([]) == []
    elsewhere = int(SplitRecords(data, "train").sample_id[0])
    with pytest.raises(
        InputError, match=f"no sample {elsewhere}, 10000 in split 'validation'.*with samples {ids[0]}, "
    ):
        records.places([ids[0], elsewhere, 10_000])


def test_a_limit_looks_at_no_shard_beyond(data):
    parts = data.parts("train")
    parts[1].path.unlink()
    records = SplitRecords(data, "train", 40)
    assert numbers(records.batches(range(40), 25)) == [list(range(100, 125)), list(range(125, 140))]
    with pytest.raises(TrainingDataError, match=parts[1].path.name):
        SplitRecords(data, "train")
    with pytest.raises(TrainingDataError, match=parts[1].path.name):
        list(SplitRecords(data, "train", 41).batches([40], 1))


def test_damage_is_named_when_its_batch_is_reached(data):
    path = data.parts("train")[1].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    batches = SplitRecords(data, "train").batches(range(65), 40)
    assert len(next(batches).sample_id) == 40
    with pytest.raises(TrainingDataError, match=f"{path.name}.*damaged"):
        next(batches)
