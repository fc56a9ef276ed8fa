"""`train`: a run from its data and config to a calibrated model file, or on from where it was interrupted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from sfhmodel.errors import ConfigError, TrainingDataError
from sfhmodel.training.checkpoints import Arrays, Progress, load_checkpoint
from sfhmodel.training.config import DEFAULT_EPOCHS, TrainingConfig
from sfhmodel.training.directory import MODEL, read_summary, run_directory, store_config, stored_config
from sfhmodel.training.distribution import devices
from sfhmodel.training.finish import finish, new_model, summarized
from sfhmodel.training.sources import open_source
from sfhmodel.training.transfer.config import FEWEST_STEPS, OF_SOURCE


def train(
    dataset_or_recipe: str | Path,
    out: str | Path,
    config: TrainingConfig | None = None,
    *,
    resume: bool = True,
    show_progress: bool = False,
) -> dict:
    """Train a model in a run directory; goes on where an earlier, interrupted call with the same config stopped.

    Parameters
    ----------
    dataset_or_recipe : directory of a data set of sfhsim, a recipe (name or YAML file) to simulate from meanwhile, or
        an npz file of labelled galaxies (`sfhmodel.data.labelled`).
    out : run directory; made, or of the same run.
    config : of the run; all defaults where None. With ``transfer`` it starts from a trained model, whose weights are
        carried where they fit; the run keeps its start, and goes on without that model.
    resume : if not, a directory that holds a run already is an error.
    show_progress : on the terminal.

    Returns
    -------
    dict
        The content of ``summary.json``. Of a finished run it is returned as it is, and nothing is done.

    Raises
    ------
    ConfigError
        An impossible config, a directory that belongs to something else or to another run; of a transfer another
        architecture, nothing to carry, an unknown or new layer to freeze.
    ModelFileError
        The model to start from is missing or damaged.
    TrainingDataError
        Data that are missing, unfinished, damaged or of another schema.
    TrainingError
        A loss that is not finite (the batch is saved), or a disk that refuses.
    KeyboardInterrupt
        With a message that says how to go on.
    """
    began = time.perf_counter()
    config, out = config or TrainingConfig(), Path(out)
    _check_config(config)
    source = open_source(dataset_or_recipe, config.seed)
    config = config.fitted_to(source.n_train)
    with contextlib.ExitStack() as stack:
        on_devices = contextlib.ExitStack()
        found = stack.enter_context(on_devices).enter_context(devices(config.distribution, config.batch_size))
        _check_data(config, source)
        stack.enter_context(run_directory(out, found.writes))
        stored = stored_config(out, config, source.description)
        if stored is not None and not resume:
            raise ConfigError(f"{out} holds a run already: choose another directory, or let it go on")
        if stored is not None and stored.transfer is not None:
            _check_source(out, stored.transfer.source)
        if stored is not None and (summary := read_summary(out)) is not None:
            if show_progress:
                print(f"{out} has finished already: nothing to do (its model is {out / MODEL})")
            return summary
        stack.enter_context(_precision(config.precision))
        try:
            progress, best, config = _train(out, config, stored, source, found, show_progress, began)
            on_devices.close()  # what follows is for one device
            if not found.writes:
                return summarized(config, source, progress, found.n_replicas, {}, 0)
            return finish(out, config, source, progress, best, found)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"interrupted; the same command goes on from the last checkpoint in {out}"
            ) from None


def _train(out, config, stored, source, found, show_progress, began) -> tuple[Progress, Arrays, TrainingConfig]:
    from sfhmodel.training.display import TrainingDisplay
    from sfhmodel.training.loop import Job, run_epochs

    if config.transfer is None:
        model, start = new_model(config, source), None
        _check_monitor(config.monitor, model)
        with source.explained_errors():
            if stored is None or load_checkpoint(out) is None:
                model.fit_normalization(source.sample(config))
    else:
        model, start, config = _transferred(out, config, stored, source, show_progress and found.writes)
    with source.explained_errors():
        settled = stored or _settle(config, source, found, model, began)
    if stored is None and found.writes:
        if start is not None:
            from sfhmodel.training.transfer.start import save_start

            save_start(out, start)
        store_config(out, settled, source.description)
    config = settled
    display = TrainingDisplay(config.epochs, config.steps_per_epoch) if show_progress and found.writes else None
    with display or contextlib.nullcontext():
        progress, best = run_epochs(Job(out, config, source, found, display, began), model)
    return progress, best, config


def _transferred(out, config, stored, source, show_progress: bool):
    """A model at the start of a run from a trained one, that start, and the config with what the source decides."""
    from sfhmodel.training.transfer.origin import open_origin, settled_by
    from sfhmodel.training.transfer.start import begin, load_start, new_start, table

    if stored is not None:
        model, start = new_model(stored, source), load_start(out)
    else:
        origin = open_origin(config.transfer.source)
        config = config.replaced(**settled_by(origin, config.model_dump()))
        model = new_model(config, source)
        _check_monitor(config.monitor, model)
        with source.explained_errors():
            model.fit_normalization(source.sample(config))
        start = new_start(model, origin, config.transfer)
        if show_progress:
            print(table(start.said))
    begin(model, start, config.transfer)
    return model, start, config


def _check_source(out: Path, name: str) -> None:
    from sfhmodel.training.transfer.origin import check_unchanged
    from sfhmodel.training.transfer.start import load_start

    check_unchanged(name, load_start(out).said["sha256"], out)


def _settle(config: TrainingConfig, source, found, model, began: float) -> TrainingConfig:
    """The config with epochs and steps decided."""
    if config.minutes is None:
        return config.replaced(
            epochs=config.epochs or DEFAULT_EPOCHS,
            steps_per_epoch=config.steps_per_epoch or _default_steps(config, source),
        )
    from sfhmodel.training.pace import fit_to_minutes

    def validation():
        return source.validation(config.batch_size, config.validation_records, found.n_replicas > 1)

    return fit_to_minutes(config, source, model, validation, began)


def _default_steps(config: TrainingConfig, source) -> int:
    """One pass at most; of a transfer to few data several."""
    fewest = 1 if config.transfer is None else FEWEST_STEPS
    return max(source.default_steps(config.batch_size), fewest)


def _check_config(config: TrainingConfig) -> None:
    """What is cheap to find wrong before anything is made."""
    from sfhmodel import architectures

    if config.transfer is None or config.architecture != OF_SOURCE:
        architectures.builder(config.architecture)
    if config.minutes is not None and config.epochs is not None:
        raise ConfigError(
            f"minutes {config.minutes:g} and epochs {config.epochs}: give one of them, it decides the other"
        )
    if config.minutes is not None and config.distribution == "multi_worker":
        raise ConfigError("minutes cannot be measured by several workers alike: give epochs")


def _check_monitor(monitored: str, model) -> None:
    names = {"loss", *(metric.name for metric in model.metrics)}
    if monitored.removeprefix("val_") not in names:
        known = ", ".join(f"val_{name}" for name in sorted(names))
        raise ConfigError(f"there is no metric {monitored!r} to monitor: choose from {known}, or without val_")


def _check_data(config: TrainingConfig, source) -> None:
    """That there is enough to train, validate and calibrate with, before the time is spent."""
    from sfhmodel.calibration import MIN_SAMPLES

    source.default_steps(config.batch_size)
    n = source.n_validation(config.calibration_records)
    if n < MIN_SAMPLES and config.transfer is None:  # after a transfer no coverage is promised then
        raise TrainingDataError(
            f"{n} validation records are too few to calibrate uncertainties: at least {MIN_SAMPLES} are needed; raise "
            "calibration_records, or give the data set a larger validation split"
        )


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    """Models built in the block compute in this precision."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
