"""`sfhmodel export`: a TensorFlow SavedModel, or a light ONNX graph, of a run or model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run_or_model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="Run directory, .keras file or preset.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to make; of onnx a file, by default beside the model, for predict.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="savedmodel or onnx.")] = "savedmodel",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
) -> None:
    """Write a SavedModel that needs TensorFlow alone, or the light ONNX graph that predict starts fastest with."""
    from sfhmodel.errors import ConfigError
    from sfhmodel.export import export as export_model
    from sfhmodel.export import export_onnx

    if format_ not in ("savedmodel", "onnx"):
        raise ConfigError(f"no format {format_!r}: choose savedmodel or onnx")
    if format_ == "onnx":
        path = export_onnx(run_or_model, out, overwrite=overwrite)
        print(f"{path}: light graph, with answers equal to Keras'; `sfhmodel predict` uses it where it lies beside")
        return
    if out is None:
        raise ConfigError("a SavedModel is a folder: name the one to make with --out")
    folder = export_model(run_or_model, out, overwrite=overwrite)
    print(f"{folder}: SavedModel with signatures predict, predict_wavelengths, describe; see {folder / 'README.txt'}")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(export)
