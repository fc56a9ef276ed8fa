"""Watching steps: the first loss that is not finite, its batch saved, rates counted. On a small model of this file."""

import keras
import numpy as np
import pytest

from sfhmodel.training.monitor import StepMonitor
from sfhmodel.training.nonfinite import checked, poisoned, stop

N_STEP, BATCH = 6, 4


def _batch(rng) -> tuple[dict, dict]:
    inputs = {"flux": rng.normal(size=(BATCH, 5)).astype(np.float32)}
    truths = {"mass_fraction": rng.dirichlet(np.ones(3), BATCH).astype(np.float32)}
    return inputs, truths


@pytest.fixture
def batches() -> list:
    rng = np.random.default_rng(1)
    return [_batch(rng) for _ in range(N_STEP)]


class IgnoresWhatIsNotFinite(keras.Model):
    """Predicts mass fractions; like any model, it ignores flux that is not finite."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs):
        return {"mass_fraction": self.dense(keras.ops.nan_to_num(inputs["flux"]))}


@pytest.fixture
def model() -> keras.Model:
    model = IgnoresWhatIsNotFinite()
    model.compile(optimizer="sgd", loss={"mass_fraction": "mse"}, jit_compile=False)
    return model


def _fit(model, batches):
    monitor = StepMonitor(None, BATCH)
    model.fit(checked(iter(batches)), steps_per_epoch=N_STEP, epochs=1, verbose=0, shuffle=False, callbacks=[monitor])
    return monitor


def test_finite_steps_are_counted(model, batches):
    monitor = _fit(model, batches)
    assert monitor.bad_step is None
    assert monitor.spectra == (N_STEP - 1) * BATCH
    assert monitor.seconds > 0.0


@pytest.mark.parametrize("where", ["flux", "mass_fraction"])
@pytest.mark.parametrize("step", [0, 3])
def test_the_step_of_a_bad_batch_is_found(model, batches, where, step):
    part = batches[step][0] if where == "flux" else batches[step][1]
    part[where][1, 2] = np.nan
    assert _fit(model, batches).bad_step == step


def test_validation_finds_it_too(model, batches):
    batches[2][0]["flux"][0, 0] = np.inf
    monitor = StepMonitor(None, BATCH)
    model.evaluate(checked(iter(batches)), steps=N_STEP, verbose=0, callbacks=[monitor])
    assert monitor.bad_step == 2


def test_poison_is_only_for_the_bad_row(batches):
    inputs, truths = batches[0]
    inputs["flux"][2, 1] = -np.inf
    before = truths["mass_fraction"].copy()
    _, found = poisoned(inputs, truths)
    assert np.isnan(found["mass_fraction"][2]).all()
    np.testing.assert_array_equal(np.delete(found["mass_fraction"], 2, 0), np.delete(before, 2, 0))
    np.testing.assert_array_equal(truths["mass_fraction"], before)


def test_the_saved_batch_and_its_error(tmp_path, batches):
    inputs, truths = batches[0]
    inputs["flux"][[0, 3], 1] = np.nan
    error = stop(tmp_path / "bad.npz", batches[0], "training", 7, 12, "Epoch 6 is kept")
    assert "the training loss is not finite in epoch 7, step 12" in str(error)
    assert "not finite: inputs/flux in row 0, 3; mend" in str(error)
    assert str(error).endswith("Epoch 6 is kept")
    with np.load(tmp_path / "bad.npz") as saved:
        np.testing.assert_array_equal(saved["inputs/flux"], inputs["flux"])
        np.testing.assert_array_equal(saved["truths/mass_fraction"], truths["mass_fraction"])
        assert (saved["epoch"], saved["step"]) == (7, 12)


def test_a_finite_batch_means_divergence(tmp_path, batches):
    error = stop(tmp_path / "bad.npz", batches[0], "training", 1, 1, "No epoch is kept")
    assert "the training diverged: lower learning_rate" in str(error)
