"""`sfhsim generate`, `sfhsim verify` and `sfhsim inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

_Workers = Annotated[str, typer.Option(help="Worker processes, one core each: a number, or auto.")]
_EngineName = Annotated[str, typer.Option("--engine", help="local, or dask for the workers of a Dask cluster.")]
_Scheduler = Annotated[str | None, typer.Option(help="Address of the Dask scheduler, e.g. tcp://node:8786.")]


def generate(
    recipe: Annotated[str, typer.Argument(help="Built-in name or YAML file.")],
    n: Annotated[int, typer.Option("-n", "--n-samples", min=1, help="Galaxies in the data set.")],
    out: Annotated[Path, typer.Option("--out", help="Directory of the data set.")],
    seed: Annotated[int, typer.Option(min=0, help="With the recipe, decides every sample.")] = 0,
    shard_size: Annotated[str, typer.Option(help="Size aimed at for one shard, e.g. 128MB.")] = "128MB",
    split: Annotated[
        str, typer.Option(help="Shares of train, validation, test; or e.g. train=0.8,test=0.2.")
    ] = "0.9,0.05,0.05",
    precision: Annotated[
        str, typer.Option(help="Of the spectra in the records: float32, or float16 for half the size.")
    ] = "float32",
    workers: _Workers = "auto",
    engine: _EngineName = "local",
    scheduler: _Scheduler = None,
    plots: Annotated[bool, typer.Option(help="Add pictures of what is inside.")] = False,
) -> None:
    """Make a data set of TFRecord shards and a manifest; goes on where it was interrupted."""
    from sfhsim.generation import generate_dataset, parse_size, parse_split

    summary = generate_dataset(
        recipe,
        n,
        out,
        seed=seed,
        shard_bytes=parse_size(shard_size),
        split=parse_split(split),
        precision=precision,
        workers=_local_workers(workers, engine),
        engine=engine,
        scheduler=scheduler,
        show_progress=True,
    )
    print(summary)
    if plots:
        from sfhsim.plots import plot_dataset

        for path in plot_dataset(out):
            print(f"picture: {path}")


def verify(
    dataset: Annotated[Path, typer.Argument(help="Directory of a data set.")],
    repair: Annotated[bool, typer.Option("--repair", help="Make again exactly what is broken, bit for bit.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workers: _Workers = "auto",
    engine: _EngineName = "local",
    scheduler: _Scheduler = None,
) -> None:
    """Check every checksum, count and id of a data set; exits 1 when something is broken."""
    from sfhsim.generation import repair_dataset, verify_dataset

    if repair:
        report = repair_dataset(
            dataset,
            workers=_local_workers(workers, engine),
            engine=engine,
            scheduler=scheduler,
            show_progress=not as_json,
        )
    else:
        report = verify_dataset(dataset, show_progress=not as_json)
    print(json.dumps(report.to_dict(), indent=1) if as_json else report)
    if not report.ok:
        raise typer.Exit(1)


def _local_workers(workers: str, engine: str) -> str | None:
    """A Dask cluster brings its own workers; a number asked for beside it is for `open_engine` to refuse."""
    return None if engine == "dask" and workers == "auto" else workers


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
