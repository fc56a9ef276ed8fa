"""`sfhmodel evaluate`: metrics and a report of a model on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run_or_model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="Run directory, .keras file or preset.")],
    dataset: Annotated[Path, typer.Argument(help="Directory of the data set.")],
    out: Annotated[Path, typer.Option("--out", metavar="REPORT", help="Directory of the report to make or replace.")],
    split: Annotated[str, typer.Option(help="Split of the data set to evaluate on.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many records of the split.")] = None,
    samples: Annotated[str, typer.Option(help="Ids of galaxies to show, e.g. 12,47.")] = "",
    random: Annotated[int, typer.Option(min=0, help="How many galaxies to show that are drawn at random.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of that draw.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Galaxies given to the model at once.")] = 256,
) -> None:
    """Measure a model on a data set; write metrics.json, a self-contained report.html and its figures."""
    from sfhmodel.evaluation import evaluate as evaluate_model
    from sfhmodel.evaluation.folder import PAGE
    from sfhmodel.evaluation.progress import shown_progress
    from sfhmodel.evaluation.report_tables import headline

    with shown_progress() as progress:
        metrics = evaluate_model(
            run_or_model,
            dataset,
            out,
            split,
            limit,
            samples=sample_ids(samples),
            random=random,
            seed=seed,
            batch_size=batch_size,
            progress=progress,
        )
    for what, value in headline(metrics):
        print(f"{what:<46s} {value}")
    print(f"report: {out / PAGE}")


def sample_ids(text: str) -> list[int]:
    """Of a list like "12,47"; ConfigError where it is none."""
    from sfhmodel.errors import ConfigError

    try:
        return [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise ConfigError(f"--samples {text!r}: give ids of records separated by commas, e.g. 12,47") from None


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(evaluate)
