"""`adapt`: from a trained network and observed spectra to an adapted one, or on from where it was interrupted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from sfhmodel.adaptation.config import AdaptationConfig, adaptation_config, adaptation_yaml
from sfhmodel.adaptation.observed import Observed, read_observed
from sfhmodel.errors import ConfigError
from sfhmodel.spectra import PreparationSettings, ReadOptions
from sfhmodel.training.checkpoints import Arrays, Checkpoint, Progress, copied_values, load_checkpoint, save_checkpoint
from sfhmodel.training.directory import CONFIG, DESCRIPTION, MODEL, read_summary, run_directory
from sfhmodel.training.files import write_json, write_text
from sfhmodel.training.sources import open_source
from sfhmodel.training.transfer.origin import open_origin

_REFERENCE = 4096  # galaxies of each kind that weights and transport are set by


def adapt(
    run: str | Path,
    targets: Sequence[str | Path],
    out: str | Path,
    config: AdaptationConfig | None = None,
    *,
    dataset: str | Path | None = None,
    options: ReadOptions | None = None,
    settings: PreparationSettings | None = None,
    show_progress: bool = False,
) -> dict:
    """Adapt a trained network to observed spectra; goes on where an earlier, interrupted call of the same stopped.

    Parameters
    ----------
    run : directory of a training run, .keras file, or preset.
    targets : files of spectra as `sfhmodel.load` predicts for, or directories of data sets, whose labels are ignored.
    out : directory of the adaptation; made, or of the same.
    config : all defaults where None.
    dataset : data set or recipe of the simulated galaxies; that of the run where None.
    options, settings : of reading and preparation of files.
    show_progress : on the terminal.

    Returns
    -------
    dict
        The content of ``summary.json``; of one that has finished it is returned as it is.

    Raises
    ------
    ConfigError
        An impossible config; a directory that belongs to something else; a network without shared features; no data
        set where the run names none that is there.
    ModelFileError, InputError, TrainingDataError
        From the model, the spectra and the data set.
    TrainingError
        A loss that is not finite, or a disk that refuses.
    KeyboardInterrupt
        With a message that says how to go on.
    """
    from sfhmodel.adaptation.model import shared_latent

    began = time.perf_counter()
    config, out = config or AdaptationConfig(), Path(out)
    simulated_from = _data_of(run, dataset)
    origin = open_origin(run)
    core = origin.model
    shared_latent(core)
    simulated = open_source(simulated_from, config.seed)
    core.description.check_same(simulated.description)
    observed = read_observed(
        core,
        targets,
        most=config.observed_records,
        seed=config.seed,
        options=options,
        settings=settings,
        show_progress=show_progress,
    )
    if show_progress:
        for where, what in (*observed.notes, *observed.problems):
            print(f"note: {what if where in what else f'{where}: {what}'}")
    of = {
        "model": origin.label,
        "model_sha256": origin.sha256,
        "data": str(simulated_from),
        "data_sha256": simulated.description.dataset_sha256,
        "observed": len(observed),
        "observed_sha256": observed.sha256,
    }
    with run_directory(out):
        stored = _check_same_run(out, config, of)
        if stored and (summary := read_summary(out)) is not None:
            if show_progress:
                print(f"{out} has finished already: nothing to do (its model is {out / MODEL})")
            return summary
        if not stored:
            write_json(out / DESCRIPTION, core.description.to_dict())
            write_text(out / CONFIG, adaptation_yaml(config, of))
        try:
            return _adapt(out, config, core, simulated, observed, of, show_progress, began)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"interrupted; the same command goes on from the last checkpoint in {out}"
            ) from None


def _adapt(out, config, core, simulated, observed: Observed, of, show_progress, began) -> dict:
    from sfhmodel.adaptation.finish import finish
    from sfhmodel.adaptation.model import AdaptingModel
    from sfhmodel.adaptation.source import AdaptationSource
    from sfhmodel.training.display import TrainingDisplay
    from sfhmodel.training.distribution import Devices
    from sfhmodel.training.loop import Job, run_epochs

    training = config.training()
    source = AdaptationSource(simulated, *observed.parted(config.held_out, config.seed))
    model = AdaptingModel(core, config)
    with source.explained_errors():
        model.refer_to(
            source.reference(training, _REFERENCE), {name: v[:_REFERENCE] for name, v in source.observed.items()}
        )
        _begin(out, training, source, model, show_progress)
    display = TrainingDisplay(config.epochs, config.steps_per_epoch) if show_progress else None
    with display or contextlib.nullcontext():
        progress, best = run_epochs(Job(out, training, source, Devices(), display, began), model)
    about = {"observed": of["observed"], "targets": [list(target) for target in observed.targets], "of": of["model"]}
    return finish(out, config, source, model, progress, best, about)


def _begin(out: Path, training, source, model, show_progress: bool) -> None:
    """The state before the first step as a checkpoint that the epochs have to beat; taken up where it is there."""
    from sfhmodel.training.checkpoints import assign_values
    from sfhmodel.training.pace import jit_option

    checkpoint = load_checkpoint(out)
    if checkpoint is None:
        model.compile(jit_compile=jit_option(training))
        model.balance()
        batches = source.validation(training.batch_size, training.validation_records)
        found = model.evaluate(batches_of(batches), steps=len(batches), verbose=0)
        model.start.assign([found["supervised"], found["selection"]])
        state: Arrays = copied_values(model.variables)
        save_checkpoint(out, Checkpoint(Progress(best_value=found["selection"]), state, [], state))
        if show_progress:
            print(
                f"before: loss on simulated galaxies {found['supervised']:.4f}, discrepancy {found['selection']:.4f}; "
                f"effective share of weighted galaxies {found['effective_share']:.2f}"
            )
    elif not checkpoint.progress.epoch:
        assign_values(model.variables, checkpoint.model)


def batches_of(batches: list):
    """A generator, as `fit` and `evaluate` take batches of their own."""
    yield from batches


def _data_of(run: str | Path, dataset: str | Path | None) -> str | Path:
    """Where the simulated galaxies come from."""
    if dataset is not None:
        return dataset
    summary = read_summary(Path(run)) if Path(run).is_dir() else None
    data = (summary or {}).get("data")
    if data is None:
        raise ConfigError(f"{run} does not say what it was trained on: give the data set or recipe with --dataset")
    from sfhsim.recipe import builtin_names

    if data not in builtin_names() and not Path(data).exists():
        raise ConfigError(f"{run} was trained on {data}, which is not there: give a data set or recipe with --dataset")
    return data


def _check_same_run(out: Path, config: AdaptationConfig, of: dict) -> bool:
    """Whether the directory holds this adaptation already; ConfigError where it holds another."""
    if not (out / CONFIG).exists():
        return False
    choose = "choose another directory, or delete this one"
    try:
        content = yaml.safe_load((out / CONFIG).read_text("utf-8"))
        before = content.pop("of")
        there = adaptation_config(content, str(out / CONFIG))
    except (OSError, yaml.YAMLError, KeyError, AttributeError, TypeError) as error:
        raise ConfigError(f"{out} holds no adaptation ({error!r}), but something else: {choose}") from error
    other = [key for key in AdaptationConfig.model_fields if getattr(there, key) != getattr(config, key)]
    other += [key for key in of if before.get(key) != of[key]]
    if other:
        raise ConfigError(f"{out} holds another adaptation; different: {', '.join(other)}. To keep both, {choose}")
    return True
