"""`sfhmodel residuals`: files of observed spectra in, a bank of residuals for the training out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(residuals)


@reading.reads_spectra
def residuals(
    files: Annotated[list[Path], typer.Argument(help="Files of spectra: FITS, ECSV, ASCII, npz, HDF5.")],
    model: Annotated[str, typer.Option("--model", help=".keras file, directory of a training run, or preset.")],
    out: Annotated[Path, typer.Option("--out", help="Bank to write: .npz.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the bank if it exists.")] = False,
    *,
    options,
) -> None:
    """Collect what observed spectra have and the spectra of their predicted histories have not, to train with."""
    from sfhmodel.inference.residual_files import residual_bank

    outcome = residual_bank(model, files, out, options=options, overwrite=overwrite, show_progress=True)
    print(outcome)
    if not outcome.ok:
        raise typer.Exit(1)
