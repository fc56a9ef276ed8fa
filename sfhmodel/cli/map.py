"""`sfhmodel map`: cubes of spectra in, maps of star formation histories out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("map")(map_)


def _mapping(help_: str, *names: str):
    return typer.Option(*names, help=help_, rich_help_panel="Mapping")


def map_(
    model: Annotated[str, typer.Argument(help=".keras file, directory of a training run, or name of a preset.")],
    cubes: Annotated[list[Path], typer.Argument(help="FITS cubes: MUSE, MaNGA, CALIFA, KCWI, JWST ...")],
    out: Annotated[Path, typer.Option("--out", help="FITS file of maps; of several cubes, a folder.")],
    plots: Annotated[Path | None, typer.Option(help="Folder for pages of maps, profiles and histories.")] = None,
    redshift: Annotated[
        str | None,
        typer.Option("--redshift", help="Of the galaxy, or a table of those of several; else that in the file."),
    ] = None,
    bins: Annotated[
        str,
        _mapping("spaxel, square:N, sn:TARGET, powerbin:TARGET (S/N per pixel), or a FITS map of bins.", "--bins"),
    ] = "sn:50",
    min_snr: Annotated[float, _mapping("S/N per pixel below which a spaxel is in no bin.", "--min-snr")] = 1.0,
    snr: Annotated[
        str | None, _mapping("FITS image or nGIST's table of S/N of spaxels, to make bins by.", "--snr")
    ] = None,
    velocity: Annotated[
        str,
        _mapping("auto, a number in km/s, or FITS: image, PHANGS or MaNGA MAPS, nGIST maps or tables.", "--velocity"),
    ] = "auto",
    dispersion: Annotated[str | None, _mapping("FITS image of dispersions in km/s.", "--dispersion")] = None,
    covariance: Annotated[
        float | None,
        _mapping("f: errors of N spaxels are 1 + f log10 N times larger; else the instrument's.", "--covariance"),
    ] = None,
    mask: Annotated[str | None, _mapping("FITS image, non-zero = leave out (stars).", "--mask")] = None,
    ebv: Annotated[str | None, _mapping("Foreground E(B-V) in mag: a number or a FITS image.", "--ebv")] = None,
    extinction_curve: Annotated[str, _mapping("F99 or CCM89, R_V = 3.1.", "--extinction-curve")] = "F99",
    image: Annotated[
        list[str] | None, _mapping("BAND=FILE, photometry of a band of the model; one each.", "--image")
    ] = None,
    image_error: Annotated[list[str] | None, _mapping("BAND=FILE, its one sigma.", "--image-error")] = None,
    mask_sky: Annotated[
        bool | None,
        _mapping("Leave out sky lines; by default unless the redshift is 0.", "--mask-sky/--keep-sky"),
    ] = None,
    min_coverage: Annotated[
        float | None, _mapping("Least fraction of the model's pixels with data; what the model was trained for.")
    ] = None,
    resolution_fwhm_aa: Annotated[
        float | None, _mapping("FWHM of the cube's line-spread function; matched to the training spectra's.")
    ] = None,
    resolving_power: Annotated[float | None, _mapping("Wavelength over FWHM, in place of it.")] = None,
    inclination: Annotated[
        float | None, _mapping("Of a disc [deg], for radial profiles in its plane.", "--inclination")
    ] = None,
    position_angle: Annotated[
        float | None, _mapping("Of its major axis [deg], from north through east.", "--position-angle")
    ] = None,
    check: Annotated[
        bool, _mapping("Make each bin's spectrum again from its histories and compare: maps, flag, a page.", "--check")
    ] = False,
    memory_mb: Annotated[float, _mapping("For rows of the cube while they are read.", "--memory-mb")] = 400.0,
    engine: Annotated[
        str, typer.Option("--engine", help="local, or dask for the workers of a Dask cluster.")
    ] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask scheduler, e.g. tcp://node:8786.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the maps if they exist.")] = False,
    log: Annotated[Path | None, typer.Option("--log", help="File that is told what happens, and when.")] = None,
    medium: reading.Medium = None,
    wave_unit: reading.WaveUnit = None,
    flux_unit: reading.FluxUnit = None,
    error_is: reading.ErrorIs = None,
    mask_means: reading.MaskMeans = None,
) -> None:
    """Make maps of star formation histories of cubes; the same command goes on after a kill."""
    from sfhmodel.mapping.log import logged_to
    from sfhmodel.mapping.options import MapOptions
    from sfhmodel.mapping.run import map_cubes

    options = MapOptions(
        bins=bins,
        min_snr=min_snr,
        snr=snr,
        velocity=velocity,
        dispersion=dispersion,
        covariance=covariance,
        mask=mask,
        ebv=ebv,
        extinction_curve=extinction_curve,
        images=_by_band(image, "--image"),
        image_errors=_by_band(image_error, "--image-error"),
        mask_sky=mask_sky,
        min_coverage=min_coverage,
        inclination_deg=inclination,
        position_angle_deg=position_angle,
        check=check,
        resolution_fwhm_aa=resolution_fwhm_aa,
        resolving_power=resolving_power,
        memory_mb=memory_mb,
    )
    options_of_file = reading.read_options(
        spaxel=None,
        medium=medium,
        wave_unit=wave_unit,
        flux_unit=flux_unit,
        error_is=error_is,
        mask_means=mask_means,
        redshift=redshift,
    )
    with logged_to(log):
        outcomes = map_cubes(
            model,
            cubes,
            out,
            options=options,
            reading=options_of_file,
            plots=plots,
            overwrite=overwrite,
            engine=engine,
            scheduler=scheduler,
            show_progress=True,
        )
    for outcome in outcomes:
        print(outcome)
    if not all(outcome.ok for outcome in outcomes):
        raise typer.Exit(1)


def _by_band(words: list[str] | None, option: str) -> dict[str, str]:
    """{band: file} of BAND=FILE."""
    from sfhmodel.errors import ConfigError

    found: dict[str, str] = {}
    for word in words or ():
        band, equals, path = word.partition("=")
        if not (band and equals and path):
            raise ConfigError(f"{option} {word!r}: give BAND=FILE")
        if band in found:
            raise ConfigError(f"{option}: band {band} is given twice")
        found[band] = path
    return found
