"""`sfhsim plot`: pictures of a recipe's galaxies or of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plot(
    what: Annotated[str, typer.Argument(help="A recipe (built-in name or YAML file) or the directory of a data set.")],
    out: Annotated[Path, typer.Option("--out", help="Directory of the pictures.")] = Path("plots"),
    seed: Annotated[int, typer.Option(min=0, help="For a recipe: of its samples.")] = 0,
) -> None:
    """Families of histories, a spectrum with its components; for a data set: spectra, histories, labels, truths."""
    from sfhsim import make_simulator
    from sfhsim.plots import plot_dataset, plot_galaxy, plot_histories

    if _is_data_set(what):
        pictures = plot_dataset(what, out)
    else:
        simulator = make_simulator(what, seed=seed)
        pictures = [
            plot_histories(simulator, out / "histories.png"),
            plot_galaxy(simulator, 0, out / "spectrum.png"),
        ]
    for picture in pictures:
        print(f"picture: {picture}")


def _is_data_set(what: str) -> bool:
    """A directory, unless it only happens to bear the name of a built-in recipe."""
    from sfhsim.recipe import builtin_names
    from sfhsim.records.schema import MANIFEST

    return (Path(what) / MANIFEST).is_file() or (Path(what).is_dir() and what not in builtin_names())
