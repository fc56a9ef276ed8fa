"""`sfhsim cube`: a mock cube with its true maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def cube(
    model: Annotated[str, typer.Argument(help="Built-in description (disc) or YAML file.")] = "disc",
    out: Annotated[Path, typer.Option("--out", help="Cube to write, .fits.")] = Path("cube.fits"),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the description, e.g. galaxy.redshift=0.01; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of stars and noise.")] = 0,
    truth: Annotated[Path | None, typer.Option(help="File of true maps; NAME-truth.fits by default.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder for an image in each band of the recipe.")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="Picture of the cube: .png, .pdf, .svg.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace files that exist.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print every key with its meaning, and make nothing.")] = False,
) -> None:
    """Make a mock cube as MUSE's (DATA, STAT, DQ) of a galaxy whose maps are known, and those maps."""
    from sfhsim.cubes import load_cube_model, make_cube
    from sfhsim.recipe import documented_yaml

    described = load_cube_model(model, settings or [])
    if show:
        print(documented_yaml(described), end="")
        return
    if plot_file is not None:
        from sfhsim.plots import check_picture_path

        check_picture_path(plot_file)  # before the cube is written
    made = make_cube(described, out, seed=seed, truth=truth, images=images, overwrite=overwrite, show_progress=True)
    print(f"cube: {made.cube}")
    print(f"truth: {made.truth}")
    for image in made.images:
        print(f"image: {image}")
    if plot_file is not None:
        from sfhsim.plots import plot_cube

        print(f"picture: {plot_cube(made.cube, made.truth, plot_file)}")
