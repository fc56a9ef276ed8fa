"""`sfhmodel predict`: files of spectra in, a table and pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(predict)


def _preparing(help_: str, *names: str):
    return typer.Option(*names, help=help_, rich_help_panel="Preparing")


@reading.reads_spectra
def predict(
    model: Annotated[str, typer.Argument(help=".keras file, directory of a training run, or name of a preset.")],
    inputs: Annotated[list[Path], typer.Argument(help="Files of spectra: FITS, ECSV, ASCII, npz, HDF5.")],
    out: Annotated[Path, typer.Option("--out", help="Table to write: .ecsv, .fits or .npz.")],
    plots: Annotated[Path | None, typer.Option(help="Folder for one picture per spectrum.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Make each spectrum again from its history and compare: columns, pictures.")
    ] = False,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Also so many joint samples of the posterior, to TABLE-samples.fits.")
    ] = None,
    posterior: Annotated[
        Path | None, typer.Option(help="File of `posterior train`, of this model, for --samples.")
    ] = None,
    magnitudes: Annotated[
        str | None,
        typer.Option(help="Table (a row per spectrum; columns BAND, BAND_error, name), or BAND=mag[:error],..."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the table if it exists.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Spectra the model takes at a time.")] = 512,
    backend: Annotated[
        str, typer.Option(help="onnx (the light graph beside the model), keras, or auto: the first that is there.")
    ] = "auto",
    mask_sky: Annotated[
        bool | None,
        _preparing("Mask sky lines and telluric bands; by default where a redshift is given.", "--mask-sky/--keep-sky"),
    ] = None,
    min_coverage: Annotated[
        float | None, _preparing("Least fraction of the model's pixels with data; what the model was trained for.")
    ] = None,
    velocity_dispersion_kms: Annotated[
        float | None, _preparing("Of the observed stars; broadened to the training spectra's.")
    ] = None,
    resolution_fwhm_aa: Annotated[
        float | None, _preparing("FWHM of the observed line-spread function; matched to the training spectra's.")
    ] = None,
    resolving_power: Annotated[float | None, _preparing("Wavelength over FWHM, in place of it.")] = None,
    *,
    options,
) -> None:
    """Recover star formation and metallicity histories of observed spectra."""
    from sfhmodel.errors import ConfigError
    from sfhmodel.inference.from_files import predict_files
    from sfhmodel.spectra.options import PreparationSettings

    if (samples is None) != (posterior is None):
        raise ConfigError("samples need both --samples N and --posterior FLOW, a file of `sfhmodel posterior train`")

    settings = PreparationSettings(
        mask_sky=mask_sky,
        min_coverage=min_coverage,
        velocity_dispersion_kms=velocity_dispersion_kms,
        resolution_fwhm_aa=resolution_fwhm_aa,
        resolving_power=resolving_power,
    )
    sampling = None
    if posterior is not None and samples is not None:
        from sfhmodel.posterior.files import FileSampling, SamplesOutcome

        if backend == "onnx":
            raise ConfigError("samples need --backend keras or auto: the light graph does not give what a flow takes")
        sampled = out.with_name(f"{out.stem}-samples.fits")
        sampling = FileSampling(model, posterior, sampled, n=samples, overwrite=overwrite)
        backend = "keras"
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
        backend=backend,
        check=check,
        on_piece=None if sampling is None else sampling.take,
        show_progress=True,
    )
    print(outcome)
    if sampling is not None and (found := sampling.finish(show_progress=True)) is not None:
        print(SamplesOutcome(found, sampling.out))
    if not outcome.ok:
        raise typer.Exit(1)
