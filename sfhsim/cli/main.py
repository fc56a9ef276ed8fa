"""Entry point: assembles the commands."""

from __future__ import annotations

from sfhsim.cli.cube import cube
from sfhsim.cli.dataset import generate, inspect, verify
from sfhsim.cli.dust import dust_app
from sfhsim.cli.filters import filter_app
from sfhsim.cli.library import library_app
from sfhsim.cli.nebular import nebular_app
from sfhsim.cli.plot import plot
from sfhsim.cli.recipe import recipe_app
from sfhsim.cli.spectrum import spectrum
from sfhsim.command_line import command_line, run
from sfhsim.errors import SfhsimError, SfhsimWarning

app = command_line(
    "sfhsim",
    "Synthetic galaxy spectra and photometry, from star formation histories to training records.",
)
app.command()(generate)
app.command()(verify)
app.command()(spectrum)
app.command()(plot)
app.command()(cube)
app.command()(inspect)
app.add_typer(recipe_app, name="recipe")
app.add_typer(library_app, name="library")
app.add_typer(nebular_app, name="nebular")
app.add_typer(dust_app, name="dust")
app.add_typer(filter_app, name="filter")


def main() -> None:
    """Run the command line; exits as `sfhsim.command_line.run` says."""
    run(app, (SfhsimError,), (SfhsimWarning,))
