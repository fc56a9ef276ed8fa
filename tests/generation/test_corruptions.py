"""Hundreds of random corruptions: every reader gives the right content or its own error, and `verify` finds them."""

import numpy as np
import pytest
from corruptions import spoil
from small_dataset import contents

from sfhsim import Dataset
from sfhsim.errors import DatasetError
from sfhsim.generation import verify_dataset

N_SAMPLES, N_CASES, N_BLOCKS = 40, 44, 8  # 352 corruptions
INPUTS = {"flux": "spectrum", "flux_error": "spectrum_error"}
TRUTHS = ("mass_fraction", "metallicity", "truth")


@pytest.fixture(scope="module")
def originals(make, tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """The files of a data set of each precision."""
    files = {}
    for precision in ("float32", "float16"):
        folder = tmp_path_factory.mktemp(precision) / "d"
        make(
            folder, n_samples=N_SAMPLES, shard_bytes=9_000, precision=precision, split={"train": 0.7, "validation": 0.3}
        )
        files[precision] = contents(folder)
    return files


def _put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _content(dataset) -> dict[str, np.ndarray]:
    """All that a data set says of itself and holds."""
    rows = {f"{split} {k}": v for split in ("train", "validation") for k, v in dataset.arrays(split).items()}
    one_by_one = {f"iterated {k}": np.stack([row[k] for row in dataset]) for k in ("sample_id", "spectrum", "truth")}
    told = {
        "wave_aa": dataset.wave_aa,
        "edges": dataset.age_bin_edges_yr,
        "names": np.array([*dataset.truth_names, *dataset.band_names, str(len(dataset))]),
    }
    return rows | one_by_one | told


def _learnt(folder, backend) -> dict[str, np.ndarray]:
    """All that a training would see of a data set."""
    from sfhmodel.data import TrainingData, batches
    from sfhmodel.data.diagnosis import explained_errors

    data = TrainingData(folder)
    seen = {"wave_aa": data.description.wave_aa, "edges": data.description.age_bin_edges_yr}
    for split in ("train", "validation"):
        with explained_errors(data, split):
            got = list(batches(data, split, 16, shuffle=False, backend=backend))
        for name in INPUTS:
            seen[f"{split} {name}"] = np.concatenate([inputs[name] for inputs, _ in got])
        for name in TRUTHS:
            seen[f"{split} {name}"] = np.concatenate([truths[name] for _, truths in got])
    return seen


def _same(got, expected) -> bool:
    if set(got) != set(expected):
        return False
    return all(np.array_equal(got[name], values, equal_nan=name != "names") for name, values in expected.items())


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("block", range(N_BLOCKS // 2))
def test_nothing_is_believed_unchecked(originals, tmp_path, precision, block):
    from sfhmodel.errors import TrainingDataError

    files = originals[precision]
    whole = _put(tmp_path / "whole", files)
    content, learnt = _content(Dataset(whole)), _learnt(whole, "numpy")
    assert _same(_learnt(whole, "tensorflow"), learnt)
    shards = {name: raw for name, raw in files.items() if name.endswith(".tfrecord")}
    refused = 0
    for case in range(N_CASES):
        folder = _put(tmp_path / str(case), files)
        what = spoil(folder, np.random.default_rng([block, case, len(precision), precision == "float16"]))
        what = f"case {case}: {what}"
        changed = contents(folder) != files
        try:
            assert _same(_content(Dataset(folder)), content), what
        except DatasetError:
            assert changed, what
            refused += 1
        try:
            backend = "tensorflow" if case % 11 == 0 else "numpy"
            assert _same(_learnt(folder, backend), learnt), what
        except TrainingDataError:
            assert changed, what
        try:
            report = verify_dataset(folder)
            assert not report.ok or all((folder / name).read_bytes() == raw for name, raw in shards.items()), what
        except DatasetError:
            assert changed, what
    assert refused > N_CASES / 3
