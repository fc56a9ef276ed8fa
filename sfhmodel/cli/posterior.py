"""`sfhmodel posterior train` and `sample`: joint samples of history, metallicity and dust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfhmodel.cli import reading

posterior = typer.Typer(help="Joint posterior samples: train a flow on a model's features, sample for spectra.")
Model = Annotated[str, typer.Argument(metavar="MODEL", help="Run directory, .keras file or preset.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(posterior, name="posterior")


@posterior.command()
def train(
    model: Model,
    dataset: Annotated[Path, typer.Argument(help="Data set on the model's grid, bins and bands.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FLOW", help="npz file to write; what was interrupted goes on.")
    ],
    steps: Annotated[int, typer.Option(min=1, help="Of the optimiser.")] = 12_000,
    records: Annotated[int, typer.Option(min=200, help="Galaxies to learn from, at most.")] = 200_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Galaxies in a step.")] = 256,
    learning_rate: Annotated[float, typer.Option(help="At the start of the cosine.")] = 1.5e-3,
    of: Annotated[
        str, typer.Option(help="histories (mass fractions, Z, A_V), or the parameters of the data set's recipe.")
    ] = "histories",
    couplings: Annotated[int, typer.Option(min=1, help="Layers of the flow.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and order.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Train a flow for a model, whose weights stay as they are."""
    from sfhmodel.posterior import flow_config, train_posterior

    config = flow_config(
        of=of, steps=steps, records=records, batch_size=batch_size, learning_rate=learning_rate, couplings=couplings,
        seed=seed,
    )  # fmt: skip
    found = train_posterior(model, dataset, out, config, overwrite=overwrite, show_progress=True)
    print(f"{out}: negative log likelihood {found.about['nll']:.3f} of validation galaxies")


@posterior.command()
@reading.reads_spectra
def sample(
    model: Model,
    flow: Annotated[Path, typer.Argument(metavar="FLOW", help="File of `posterior train`.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of spectra.")],
    out: Annotated[Path, typer.Option("--out", help="FITS file of samples and of quantities that follow.")],
    samples: Annotated[int, typer.Option("--samples", min=1, help="Of each spectrum.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples.")] = 0,
    correct: Annotated[
        bool,
        typer.Option("--correct", help="Weigh samples of parameters by the likelihood of the simulator, until right."),
    ] = False,
    magnitudes: Annotated[
        str | None,
        typer.Option(help="Table (a row per spectrum; columns BAND, BAND_error, name), or BAND=mag[:error],..."),
    ] = None,
    windows: Annotated[
        list[str] | None, typer.Option("--sfr-window", help="Of lookback time, e.g. 0-100Myr; may repeat.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    *,
    options,
) -> None:
    """Samples of the posterior for observed spectra; those that cannot be used are named and left out."""
    from sfhmodel.posterior.files import sample_files

    outcome = sample_files(
        model, flow, files, out, n=samples, seed=seed, windows=windows or ["0-100Myr"], correct=correct,
        magnitudes=magnitudes, options=options, overwrite=overwrite, show_progress=True,
    )  # fmt: skip
    print(outcome)
    if not outcome.ok:
        raise typer.Exit(1)
