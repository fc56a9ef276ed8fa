"""`sfhsim generate` and `sfhsim inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def generate(
    recipe: Annotated[str, typer.Argument(help="Built-in name or YAML file.")],
    n: Annotated[int, typer.Option("-n", "--n-samples", min=1, help="Galaxies in the data set.")],
    out: Annotated[Path, typer.Option("--out", help="Directory of the data set.")],
    seed: Annotated[int, typer.Option(min=0, help="With the recipe, decides every sample.")] = 0,
    shard_size: Annotated[str, typer.Option(help="Size aimed at for one shard, e.g. 128MB.")] = "128MB",
    plots: Annotated[bool, typer.Option(help="Add pictures of what is inside.")] = False,
) -> None:
    """Make a data set of TFRecord shards and a manifest; goes on where it was interrupted."""
    from sfhsim.generation import generate_dataset, parse_size

    summary = generate_dataset(recipe, n, out, seed=seed, shard_bytes=parse_size(shard_size), show_progress=True)
    print(summary)
    if plots:
        from sfhsim.plots import plot_dataset

        for path in plot_dataset(out):
            print(f"picture: {path}")


def inspect(
    dataset: Annotated[Path, typer.Argument(help="Directory of a data set.")],
    sample: Annotated[int | None, typer.Option(help="Id of a sample to print and draw.")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="Where to draw the sample (PNG).")] = None,
) -> None:
    """What a data set holds, and one of its samples."""
    from sfhsim.records import Dataset

    opened = Dataset(dataset)
    print(opened.describe())
    record = opened.sample(sample) if sample is not None else next(iter(opened))
    print(opened.describe_sample(record))
    if plot_file is not None:
        from sfhsim.plots import plot_record

        print(f"picture: {plot_record(opened, record, plot_file)}")
