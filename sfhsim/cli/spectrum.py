"""`sfhsim spectrum`: one galaxy, to a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def spectrum(
    recipe: Annotated[str, typer.Argument(help="Built-in name or YAML file.")] = "demo",
    sample: Annotated[int, typer.Option(min=0, help="Id of the sample.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="With the recipe and the id, decides the galaxy.")] = 0,
    out: Annotated[Path, typer.Option("--out", help="Table to write: .ecsv or .fits.")] = Path("spectrum.ecsv"),
    plot_file: Annotated[
        Path | None, typer.Option("--plot", help="Picture of the components: .png, .pdf, .svg.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the table if it exists.")] = False,
) -> None:
    """Simulate one galaxy: its spectrum, components and parameters as ECSV or FITS, and a picture."""
    from sfhsim import make_simulator
    from sfhsim.synthesis.galaxy_table import write_galaxy_table

    if plot_file is not None:
        from sfhsim.plots import check_picture_path

        check_picture_path(plot_file)  # before the table is written
    simulator = make_simulator(recipe, seed=seed)
    print(f"table: {write_galaxy_table(simulator, sample, out, overwrite=overwrite)}")
    if plot_file is not None:
        from sfhsim.plots import plot_galaxy

        print(f"picture: {plot_galaxy(simulator, sample, plot_file)}")
