"""Quantiles are in order whatever the network and the calibration say."""

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sfhmodel.layers.quantiles import CumulativeQuantiles, OrderedQuantiles

N, N_BIN, N_LEVEL, N_GROUP = 3, 4, 5, 2
EXAMPLES = settings(max_examples=40, derandomize=True, deadline=None, database=None)


def arrays(*shape, largest):
    size = int(np.prod(shape))
    numbers = st.floats(-largest, largest, width=32)
    return st.lists(numbers, min_size=size, max_size=size).map(lambda x: np.array(x, dtype=np.float32).reshape(shape))


def answers(layer, raw, correction):
    groups = np.eye(N_GROUP, dtype=np.float32)[np.arange(N) % N_GROUP]
    layer.correction.assign(correction)
    return keras.ops.convert_to_numpy(layer(raw, groups))


@EXAMPLES
@given(raw=arrays(N, N_BIN * N_LEVEL, largest=50.0), correction=arrays(N_GROUP, N_BIN, N_LEVEL, largest=20.0))
def test_quantiles_of_summaries(raw, correction):
    layer = OrderedQuantiles(N_BIN, N_LEVEL, N_GROUP)
    layer.build(raw.shape)
    layer.lowest.assign(np.full((N_BIN, 1), -30.0))
    layer.highest.assign(np.full((N_BIN, 1), 30.0))
    quantiles = answers(layer, raw, correction)
    assert quantiles.shape == (N, N_BIN, N_LEVEL)
    assert (np.diff(quantiles, axis=2) >= 0.0).all()
    assert (np.abs(quantiles) <= 30.0).all()


@EXAMPLES
@given(raw=arrays(N, N_BIN * N_LEVEL, largest=50.0), correction=arrays(N_GROUP, N_BIN, N_LEVEL, largest=1.0))
def test_quantiles_of_the_cumulative_mass(raw, correction):
    layer = CumulativeQuantiles(N_BIN, N_LEVEL, N_GROUP)
    layer.build(raw.shape)
    quantiles = answers(layer, raw, correction)
    assert quantiles.shape == (N, N_BIN, N_LEVEL)
    assert (np.diff(quantiles, axis=1) >= 0.0).all()
    assert (np.diff(quantiles, axis=2) >= 0.0).all()
    assert (quantiles >= 0.0).all()
    assert (quantiles[:, -1] == 1.0).all()
