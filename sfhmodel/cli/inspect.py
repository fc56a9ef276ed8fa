"""`sfhmodel inspect`: what would be read of a file of spectra; no model is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading


@reading.reads_spectra
def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files of spectra: FITS, ECSV, ASCII, npz, HDF5.")],
    plot: Annotated[Path | None, typer.Option("--plot", help="Picture of the first spectra: .png, .pdf, .svg.")] = None,
    *,
    options,
) -> None:
    """Say what would be read of files: layout, axis, units, errors, mask, redshift, S/N and coverage."""
    from sfhmodel.errors import InputError
    from sfhmodel.spectra.inspection import inspect_file, plot_inspections

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
