"""How a command line of the project looks and runs: its own errors and warnings become one clear line each."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import typer

from sfhsim.plugins import load_plugin, take_options

_PLUGIN_HELP = (
    "Every command takes --plugin MODULE (or FILE.py): code of yours that registers families, imported first."
)


def command_line(name: str, description: str) -> typer.Typer:
    """An application without commands yet, that shows its help when it is called without arguments."""
    return typer.Typer(
        name=name,
        help=description,
        epilog=_PLUGIN_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )


def run(app: Callable[[], None], mendable: tuple[type[Exception], ...], noted: tuple[type[Warning], ...]) -> None:
    """Run a typer application; exits 1 with a message for errors that the user can mend, 130 when interrupted.

    ``--plugin MODULE`` is taken from wherever it stands among the arguments (`sfhsim.plugins`).

    Parameters
    ----------
    app : to call.
    mendable : errors that are raised on purpose.
    noted : warnings that are for the user, and shown without their place in the code.
    """

    def show_warning(message, category, filename, lineno, file=None, line=None):
        if issubclass(category, noted):
            print(f"note: {message}", file=sys.stderr)
        else:
            print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr)

    warnings.showwarning = show_warning
    try:
        arguments, plugins = take_options(sys.argv[1:])
        sys.argv[1:] = arguments
        for plugin in plugins:
            load_plugin(plugin)
        app()
    except mendable as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as stop:
        # typer turns Ctrl-C into an exit with this code, without a word
        if isinstance(stop, SystemExit) and stop.code != 130:
            raise
        print("interrupted; what was complete is kept", file=sys.stderr)
        sys.exit(130)
