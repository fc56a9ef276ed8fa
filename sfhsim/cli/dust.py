"""``sfhsim dust``: the models of infrared dust emission, and templates that have to be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

dust_app = typer.Typer(help="Infrared dust emission: what there is, and installing templates.", no_args_is_help=True)


@dust_app.command("list")
def list_models() -> None:
    """List the models of dust emission, and whether their templates are here."""
    from sfhsim.dust import DUST_EMISSIONS
    from sfhsim.errors import SfhsimError

    for model in DUST_EMISSIONS:
        names = ", ".join(parameter.name for parameter in model.parameters)
        try:
            wave_aa = model.wave_aa
        except SfhsimError as error:
            typer.echo(f"{model.name:24s} missing  {names}: {error}")
        else:
            typer.echo(f"{model.name:24s} ready    {names}; {wave_aa[0] / 1e4:g}-{wave_aa[-1] / 1e4:g} um")


@dust_app.command("install")
def install(
    name: Annotated[str, typer.Argument(help="What to install: dale_2014.")],
    source: Annotated[
        Path, typer.Option("--from", help="spectra.0.00AGN.dat as Dale et al. (2014) publish it, or a folder with it.")
    ],
) -> None:
    """Install templates of dust emission from a file of their authors."""
    from sfhsim.dust.dale_install import install_dale

    if name != "dale_2014":
        raise typer.BadParameter(f"unknown dust templates {name!r}; there are: dale_2014")
    typer.echo(f"installed {install_dale(source)}")
