"""Entry point: assembles the commands, and turns the project's own errors into one clear message."""

from __future__ import annotations

import os
import sys
import warnings

import typer

from sfhmodel.cli import evaluate, export, predict, train
from sfhmodel.errors import SfhmodelError, SfhmodelWarning
from sfhsim.errors import SfhsimError, SfhsimWarning

app = typer.Typer(
    name="sfhmodel",
    help="Star formation and metallicity histories from spectra and photometry, with honest uncertainties.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (train, evaluate, predict, export):
    _command.register(app)

_EXTRA = ("keras", "tensorflow", "jax", "jaxlib")


def _show_warning(message, category, filename, lineno, file=None, line=None):
    if issubclass(category, SfhmodelWarning | SfhsimWarning):
        print(f"note: {message}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr)


def main() -> None:
    """Run the command line; exits 1 with a message for errors that the user can mend, 130 when interrupted."""
    warnings.showwarning = _show_warning
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up chatter
    try:
        app()
    except (SfhmodelError, SfhsimError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print(f"error: {error.name} is not installed: install it with `pip install 'sfhsim[model]'`", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as stop:
        # typer turns Ctrl-C into an exit with this code, without a word
        if isinstance(stop, SystemExit) and stop.code != 130:
            raise
        print("interrupted; what was complete is kept", file=sys.stderr)
        sys.exit(130)
