"""Entry point: assembles the commands, and turns sfhsim's own errors into one clear message."""

from __future__ import annotations

import sys
import warnings

import typer

from sfhsim.cli.dataset import generate, inspect, verify
from sfhsim.cli.filters import filter_app
from sfhsim.cli.library import library_app
from sfhsim.cli.nebular import nebular_app
from sfhsim.cli.plot import plot
from sfhsim.cli.recipe import recipe_app
from sfhsim.cli.spectrum import spectrum
from sfhsim.errors import SfhsimError, SfhsimWarning

app = typer.Typer(
    name="sfhsim",
    help="Synthetic galaxy spectra and photometry, from star formation histories to training records.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(generate)
app.command()(verify)
app.command()(spectrum)
app.command()(plot)
app.command()(inspect)
app.add_typer(recipe_app, name="recipe")
app.add_typer(library_app, name="library")
app.add_typer(nebular_app, name="nebular")
app.add_typer(filter_app, name="filter")


def _show_warning(message, category, filename, lineno, file=None, line=None):
    if issubclass(category, SfhsimWarning):
        print(f"note: {message}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr)


def main() -> None:
    """Run the command line; exits 1 with a message for errors that the user can mend, 130 when interrupted."""
    warnings.showwarning = _show_warning
    try:
        app()
    except SfhsimError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as stop:
        # typer turns Ctrl-C into an exit with this code, without a word
        if isinstance(stop, SystemExit) and stop.code != 130:
            raise
        print("interrupted; what was complete is kept", file=sys.stderr)
        sys.exit(130)
