"""`sfhmodel build`: a model that ships, from nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def build(
    name: Annotated[str, typer.Argument(help="Name of a definition, or the path of one.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="For everything; an interrupted build goes on.")],
    minutes: Annotated[float | None, typer.Option(help="Of training; the definition's when absent.")] = None,
    records: Annotated[int | None, typer.Option(min=1, help="Galaxies of the data set; the definition's.")] = None,
    install: Annotated[bool, typer.Option("--install", help="Register the model under its name.")] = False,
) -> None:
    """Build a model from its definition: worlds, data set, training, uncertainties on unseen worlds, and a card."""
    from sfhmodel import building, presets

    content = building.definition(name)
    try:
        model = building.build(name, out, minutes=minutes, records=records)
    except KeyboardInterrupt as interrupt:
        print(interrupt or "interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
    if install:
        presets.install(model, Path(name).stem, description=content["description"], overwrite=True)
    print(model)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(build)
