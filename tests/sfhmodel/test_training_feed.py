"""Batches of one epoch after another come from one pass through the data, and are those of their steps."""

import numpy as np
import pytest
from records_to_learn import ids_of, write_dataset

from sfhmodel.data import batches
from sfhmodel.training.config import config_from_dict
from sfhmodel.training.feed import TrainingFeed
from sfhmodel.training.sources import DatasetSource

BATCH = 16


class CountedSource(DatasetSource):
    """Opens its training records with one of the implementations, and counts how often."""

    def __init__(self, folder, backend):
        super().__init__(folder)
        self.backend, self.opened = backend, []

    def training(self, config, step):
        self.opened.append(step)
        epoch, skip = divmod(step, self._steps_in_pass(BATCH))
        order = {"seed": config.seed, "epoch": epoch, "skip": skip, "endless": True, "drop_remainder": True}
        return batches(self.data, "train", BATCH, backend=self.backend, **order)


@pytest.mark.parametrize("backend", ["tensorflow", "numpy"])
def test_epochs_go_on_where_the_last_one_ended(tmp_path, backend):
    source = CountedSource(write_dataset(tmp_path / "tiny"), backend)
    config = config_from_dict({"batch_size": BATCH, "seed": 3})
    feed, found = TrainingFeed(source, config), []
    for step, n in ((0, 5), (5, 5), (10, 9), (19, 1)):  # over ends of passes, which have 7 steps
        part = [ids_of(batch) for batch in feed.steps(step, n)]
        assert len(part) == n
        found += part
    assert source.opened == [0]
    endless = iter(source.training(config, 0))
    np.testing.assert_array_equal(found, [ids_of(next(endless)) for _ in range(20)])


@pytest.mark.parametrize("backend", ["tensorflow", "numpy"])
def test_other_steps_are_opened_anew(tmp_path, backend):
    source = CountedSource(write_dataset(tmp_path / "tiny"), backend)
    config = config_from_dict({"batch_size": BATCH, "seed": 3})
    feed = TrainingFeed(source, config)
    first = [ids_of(batch) for batch in feed.steps(4, 3)]
    again = [ids_of(batch) for batch in feed.steps(4, 3)]
    np.testing.assert_array_equal(first, again)
    assert source.opened == [4, 4]
