"""`sfhmodel train`: a model from a data set or a recipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def train(
    dataset_or_recipe: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|RECIPE|NPZ", help="Data set, recipe (name or YAML) to simulate live, or labelled galaxies."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Run directory; an interrupted run goes on.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="RUN|MODEL", help="Start from a trained run, .keras file or preset."),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option("--freeze", help="With --from: branch (spectrum, photometry, ...) or layer that stays as it is."),
    ] = None,
    pull: Annotated[
        float | None, typer.Option(help="With --from: strength of the pull back to the start; 0 for none.")
    ] = None,
    architecture: Annotated[str | None, typer.Option(help="attention, branched, or a plug-in's.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML file of the training config.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key of the config; dots reach deeper.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Choose the number of epochs that fits into this time.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Spectra in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, data order and augmentation.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, mixed_bfloat16 or mixed_float16.")] = None,
    distribution: Annotated[str | None, typer.Option(help="none, data_parallel or multi_worker.")] = None,
    no_augmentation: Annotated[
        bool, typer.Option("--no-augmentation", help="Train on the records as they are.")
    ] = False,
) -> None:
    """Train a model, from nothing or from a trained one: config, checkpoints, logs, model go into a run directory."""
    from sfhmodel.training import config_from_dict
    from sfhmodel.training import train as train_model
    from sfhmodel.training.config import apply_settings, read_mapping, set_key

    content = apply_settings(read_mapping(config) if config else {}, settings or [])
    options = {
        "architecture": architecture,
        "epochs": epochs,
        "minutes": minutes,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "precision": precision,
        "distribution": distribution,
        "augmentation": False if no_augmentation else None,
    }
    content |= {key: value for key, value in options.items() if value is not None}
    for key, value in (("source", source), ("freeze", freeze or None), ("pull", pull)):
        if value is not None:
            set_key(content, f"transfer.{key}", value, f"--{'from' if key == 'source' else key}")
    try:
        summary = train_model(
            dataset_or_recipe, out, config_from_dict(content, "the training config"), show_progress=True
        )
    except KeyboardInterrupt as interrupt:
        print(interrupt or "interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
    print(
        f"{out}: {summary['architecture']}, {summary['parameters']} parameters, {summary['epochs']} epochs; "
        f"best epoch {summary['best_epoch']} with val_loss {summary['best']['val_loss']:.4f}"
    )
    if said := summary.get("calibration", {}).get("said"):
        print(f"intervals: {said}")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(train)
