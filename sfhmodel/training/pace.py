"""How long a step takes here, and how many epochs fit into a time: so that the learning rate has come down by then."""

from __future__ import annotations

import time

from sfhmodel.errors import ConfigError
from sfhmodel.training.checkpoints import assign_values, copied_values
from sfhmodel.training.config import TrainingConfig
from sfhmodel.training.monitor import StepMonitor
from sfhmodel.training.nonfinite import checked
from sfhmodel.training.optimisation import make_optimizer

_FEWEST_STEPS, _MEASURE_S = 8, 4.0
_FEWEST_EPOCHS = 10  # if the steps of an epoch are free: fewer points would make no curve
_MARGIN = 0.05  # for the unevenness of a shared machine


def fit_to_minutes(config: TrainingConfig, source, model, validation, began: float) -> TrainingConfig:
    """The config with epochs (and steps, where left open) such that the run ends ``config.minutes`` after ``began``.

    The model trains for some steps, which are not kept.

    Parameters
    ----------
    config : with ``minutes``.
    source : of batches.
    model : with its normalisation; its variables are as before afterwards.
    validation : function that gives the validation batches.
    began : `time.perf_counter` of the start.

    Raises
    ------
    ConfigError
        Without minutes, and when not even one epoch fits.
    """
    minutes = config.minutes
    if minutes is None:
        raise ConfigError("there are no minutes to fit the epochs into: give minutes, or epochs")
    state = copied_values(model.variables)
    trial = config.replaced(minutes=None, epochs=1, steps_per_epoch=10**6, warmup_steps=0)
    model.compile(optimizer=make_optimizer(trial), jit_compile=jit_option(config))
    overhead_began = time.perf_counter()
    step_s = _step_seconds(model, source, trial, _FEWEST_STEPS)
    compile_s = time.perf_counter() - overhead_began - _FEWEST_STEPS * step_s
    if _FEWEST_STEPS * step_s < _MEASURE_S:
        step_s = _step_seconds(model, source, trial, int(_MEASURE_S / step_s))
    model.evaluate(checked(validation()), steps=len(validation()), verbose=0)
    validation_began = time.perf_counter()
    model.evaluate(checked(validation()), steps=len(validation()), verbose=0)
    validation_s = time.perf_counter() - validation_began
    assign_values(model.variables, state)
    # once more to compile, once more through the validation data to calibrate
    left_s = (60.0 * minutes) * (1.0 - _MARGIN) - (time.perf_counter() - began) - compile_s - 2.0 * validation_s
    return _settled(config, source.default_steps(config.batch_size), left_s, step_s, validation_s)


def jit_option(config: TrainingConfig):
    """What ``model.compile`` takes as ``jit_compile``."""
    import keras

    if keras.backend.backend() == "jax":  # without it, JAX compiles each operation alone
        return "auto"
    if config.jit_compile is not None:
        return config.jit_compile
    if keras.backend.backend() != "tensorflow":
        return "auto"
    import tensorflow as tf

    # on a CPU, XLA draws the augmentation's random numbers many times slower
    return "auto" if tf.config.list_physical_devices("GPU") else False


def _step_seconds(model, source, config: TrainingConfig, steps: int) -> float:
    monitor = StepMonitor(None, config.batch_size)
    model.fit(
        checked(source.training(config, 0)),
        epochs=1,
        steps_per_epoch=steps + 1,
        shuffle=False,
        verbose=0,
        callbacks=[monitor],
    )
    return monitor.seconds * config.batch_size / max(monitor.spectra, 1)


def _settled(config: TrainingConfig, default_steps: int, left_s: float, step_s: float, validation_s: float):
    steps = config.steps_per_epoch or min(default_steps, max(int(left_s / step_s / _FEWEST_EPOCHS), 1))
    epoch_s = steps * step_s + validation_s
    epochs = int(left_s / epoch_s)
    if epochs < 1:
        raise ConfigError(
            f"{config.minutes:g} minutes are too few: start, compilation and calibration leave "
            f"{max(left_s, 0.0):.0f} s to train, and an epoch of {steps} steps takes {epoch_s:.1f} s here; "
            "allow more, or use fewer steps_per_epoch or a smaller batch_size"
        )
    return config.replaced(epochs=epochs, steps_per_epoch=steps)
