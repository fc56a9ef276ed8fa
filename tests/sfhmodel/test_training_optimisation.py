"""Learning rate and weight decay against their definitions."""

import keras
import numpy as np
import pytest

from sfhmodel.errors import ConfigError
from sfhmodel.training import TrainingConfig
from sfhmodel.training.optimisation import learning_rate_schedule, make_optimizer


@pytest.mark.parametrize(("schedule", "final"), [("cosine", 0.1), ("constant", 1.0)])
def test_learning_rate_of_each_step(schedule, final):
    config = TrainingConfig(
        epochs=2, steps_per_epoch=20, warmup_steps=10, learning_rate=0.02, schedule=schedule, final_fraction=0.1
    )
    rate = learning_rate_schedule(config)
    found = [float(rate(step)) for step in range(41)]
    share = (np.arange(10, 41) - 10) / 30
    after = final + (1 - final) * 0.5 * (1 + np.cos(np.pi * share))
    assert found[0] == pytest.approx(0.002)
    assert np.diff(found[:11]) == pytest.approx(np.full(10, found[1] - found[0]))
    assert found[10:] == pytest.approx(0.02 * after)


def test_without_warm_up_the_first_step_has_the_peak():
    config = TrainingConfig(epochs=1, steps_per_epoch=9, warmup_steps=0, learning_rate=0.02)
    assert float(learning_rate_schedule(config)(0)) == pytest.approx(0.02)


def test_a_warm_up_without_an_end_is_an_error():
    config = TrainingConfig(warmup_steps=9).model_copy(update={"epochs": 1, "steps_per_epoch": 9})
    with pytest.raises(ConfigError, match="warmup_steps 9 leaves nothing of 1 epochs of 9 steps"):
        learning_rate_schedule(config)


def test_kernels_decay_and_biases_do_not():
    config = TrainingConfig(
        epochs=1, steps_per_epoch=9, warmup_steps=0, learning_rate=0.1, weight_decay=0.5, schedule="constant"
    )
    dense = keras.layers.Dense(2, bias_initializer="ones")
    dense.build((None, 3))
    kernel, bias = dense.kernel.numpy(), dense.bias.numpy()
    make_optimizer(config).apply([np.zeros_like(kernel), np.zeros_like(bias)], [dense.kernel, dense.bias])
    np.testing.assert_allclose(dense.kernel.numpy(), kernel * (1.0 - 0.1 * 0.5), rtol=1e-6)
    np.testing.assert_array_equal(dense.bias.numpy(), bias)


def test_a_schedule_needs_settled_epochs_and_steps():
    with pytest.raises(ConfigError, match="epochs and steps_per_epoch are not decided yet"):
        learning_rate_schedule(TrainingConfig(epochs=3))
