"""`sfhmodel recalibrate`: a model with uncertainties set on other galaxies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def recalibrate(
    run_or_model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="Run directory, .keras file or preset.")],
    dataset_or_recipe: Annotated[
        str, typer.Argument(metavar="DATASET|NPZ|RECIPE", help="Galaxies on the model's grid, bins and bands.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="MODEL", help="The .keras file to write.")],
    split: Annotated[str, typer.Option(help="Split of a data set; what the model did not learn from.")] = (
        "validation"
    ),
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many galaxies.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Set intervals and novelty limits of a model anew on labelled galaxies; its weights stay."""
    from sfhmodel.training.recalibration import recalibrate as recalibrate_model

    found = recalibrate_model(run_or_model, dataset_or_recipe, out, split=split, limit=limit, overwrite=overwrite)
    print(f"{out}: {found['said']}")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(recalibrate)
