"""`sfhmodel residuals`: files of observed spectra in, a bank of residuals for the training out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(residuals)


def residuals(
    files: Annotated[list[Path], typer.Argument(help="Files of spectra: FITS, ECSV, ASCII, npz, HDF5.")],
    model: Annotated[str, typer.Option("--model", help=".keras file, directory of a training run, or preset.")],
    out: Annotated[Path, typer.Option("--out", help="Bank to write: .npz.")],
    redshift: reading.Redshift = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the bank if it exists.")] = False,
    layout: reading.LayoutName = None,
    medium: reading.Medium = None,
    wave_unit: reading.WaveUnit = None,
    flux_unit: reading.FluxUnit = None,
    wave_column: reading.WaveColumn = None,
    flux_column: reading.FluxColumn = None,
    error_column: reading.ErrorColumn = None,
    mask_column: reading.MaskColumn = None,
    error_is: reading.ErrorIs = None,
    mask_means: reading.MaskMeans = None,
    spaxel: reading.Spaxel = None,
) -> None:
    """Collect what observed spectra have and the spectra of their predicted histories have not, to train with."""
    from sfhmodel.inference.residual_files import residual_bank

    options = reading.read_options(
        layout=layout,
        medium=medium,
        wave_unit=wave_unit,
        flux_unit=flux_unit,
        wave_column=wave_column,
        flux_column=flux_column,
        error_column=error_column,
        mask_column=mask_column,
        error_is=error_is,
        mask_means=mask_means,
        redshift=redshift,
        spaxel=spaxel,
    )
    outcome = residual_bank(model, files, out, options=options, overwrite=overwrite, show_progress=True)
    print(outcome)
    if not outcome.ok:
        raise typer.Exit(1)
