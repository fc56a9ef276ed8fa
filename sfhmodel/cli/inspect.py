"""`sfhmodel inspect`: what would be read of a file of spectra; no model is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files of spectra: FITS, ECSV, ASCII, npz, HDF5.")],
    plot: Annotated[Path | None, typer.Option("--plot", help="Picture of the first spectra: .png, .pdf, .svg.")] = None,
    redshift: reading.Redshift = None,
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
    """Say what would be read of files: layout, axis, units, errors, mask, redshift, S/N and coverage."""
    from sfhmodel.errors import InputError
    from sfhmodel.spectra.inspection import inspect_file, plot_inspections

    options = reading.read_options(
        redshift=redshift,
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
        spaxel=spaxel,
    )
    found, failed = [], False
    for path in files:
        try:
            found.append(inspect_file(path, options))
        except InputError as error:
            print(f"error: {error}")
            failed = True
        else:
            print(found[-1])
    if plot is not None and found:
        print(f"picture: {plot_inspections(found, plot)}")
    if failed:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(inspect)
