"""`sfhmodel demo`: a preset at work on observed galaxies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="For the table and the pictures.")],
    backend: Annotated[str, typer.Option(help="onnx, keras or auto, as of predict.")] = "auto",
) -> None:
    """Predict two galaxies of SDSS with the preset phangs-muse-hst; offline, a simulated one."""
    from sfhmodel.demonstration import demonstrate

    outcome = demonstrate(out, backend=backend)
    print(outcome)
    if not outcome.ok:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(demo)
