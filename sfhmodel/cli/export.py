"""`sfhmodel export`: a TensorFlow SavedModel of a run or model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run_or_model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="Run directory or .keras file.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
) -> None:
    """Write a SavedModel that needs TensorFlow alone, with .keras file, description and README."""
    from sfhmodel.export import export as export_model

    folder = export_model(run_or_model, out, overwrite=overwrite)
    print(f"{folder}: SavedModel with signatures predict, predict_wavelengths, describe; see {folder / 'README.txt'}")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(export)
