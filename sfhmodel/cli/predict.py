"""`sfhmodel predict`: files of spectra in, a table and pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_READING, _PREPARING = "Reading", "Preparing"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(predict)


def _reading(help_: str, *names: str):
    return typer.Option(*names, help=help_, rich_help_panel=_READING)


def _preparing(help_: str, *names: str):
    return typer.Option(*names, help=help_, rich_help_panel=_PREPARING)


def predict(
    model: Annotated[str, typer.Argument(help=".keras file, directory of a training run, or name of a preset.")],
    inputs: Annotated[list[Path], typer.Argument(help="Files of spectra: FITS, ECSV, ASCII, npz, HDF5.")],
    out: Annotated[Path, typer.Option("--out", help="Table to write: .ecsv, .fits or .npz.")],
    plots: Annotated[Path | None, typer.Option(help="Folder for one picture per spectrum.")] = None,
    redshift: Annotated[float | None, typer.Option(help="Of all spectra; else that in the file, else 0.")] = None,
    magnitudes: Annotated[
        str | None,
        typer.Option(help="Table (a row per spectrum; columns BAND, BAND_error, name), or BAND=mag[:error],..."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the table if it exists.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Spectra the model takes at a time.")] = 512,
    layout: Annotated[str | None, _reading("sdss, manga, cube, fits-table, fits-1d, arrays, text.")] = None,
    medium: Annotated[str | None, _reading("Of the wavelengths: air or vacuum.")] = None,
    wave_unit: Annotated[str | None, _reading("Angstrom, nm, um, log10 or ln of Angstrom.")] = None,
    wave_column: Annotated[str | None, _reading("Name, or number from 1 on.")] = None,
    flux_column: Annotated[str | None, _reading("Name, or number from 1 on.")] = None,
    error_column: Annotated[str | None, _reading("Name, or number from 1 on.")] = None,
    mask_column: Annotated[str | None, _reading("Name, or number from 1 on.")] = None,
    error_is: Annotated[str | None, _reading("error, variance or inverse_variance.")] = None,
    mask_means: Annotated[str, _reading("What 1 in a mask means: use or ignore.")] = "use",
    spaxel: Annotated[str | None, _reading("x,y of a cube, from 0 on; else the sum of all.")] = None,
    mask_sky: Annotated[
        bool | None,
        _preparing("Mask sky lines and telluric bands; by default where a redshift is given.", "--mask-sky/--keep-sky"),
    ] = None,
    min_coverage: Annotated[float, _preparing("Least fraction of the model's pixels with data.")] = 0.5,
    velocity_dispersion_kms: Annotated[
        float | None, _preparing("Of the observed stars; broadened to the training spectra's.")
    ] = None,
    resolution_fwhm_aa: Annotated[float | None, _preparing("FWHM of the observed line-spread function.")] = None,
) -> None:
    """Recover star formation and metallicity histories of observed spectra."""
    from sfhmodel.inference.from_files import predict_files
    from sfhmodel.spectra.options import ReadOptions
    from sfhmodel.spectra.settings import PreparationSettings

    options = ReadOptions(
        layout=layout,
        medium=medium,
        wave_unit=wave_unit,
        wave_column=wave_column,
        flux_column=flux_column,
        error_column=error_column,
        mask_column=mask_column,
        error_is=error_is,
        mask_means=mask_means,
        redshift=redshift,
        spaxel=_spaxel(spaxel),
    )
    settings = PreparationSettings(
        mask_sky=mask_sky,
        min_coverage=min_coverage,
        velocity_dispersion_kms=velocity_dispersion_kms,
        resolution_fwhm_aa=resolution_fwhm_aa,
    )
    outcome = predict_files(
        model,
        inputs,
        out,
        plots=plots,
        magnitudes=magnitudes,
        options=options,
        settings=settings,
        overwrite=overwrite,
        batch_size=batch_size,
        show_progress=True,
    )
    print(outcome)
    if not outcome.ok:
        raise typer.Exit(1)


def _spaxel(text: str | None) -> tuple[int, int] | None:
    from sfhmodel.errors import InputError

    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise InputError(f"--spaxel {text!r}: give two whole numbers, x,y")
    return int(parts[0]), int(parts[1])
