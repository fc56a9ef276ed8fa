"""Entry point: assembles the commands, and names the extra that is missing."""

from __future__ import annotations

import sys

from sfhmodel.cli import (
    adapt,
    build,
    demo,
    evaluate,
    export,
    inspect,
    posterior,
    predict,
    recalibrate,
    residuals,
    train,
)
from sfhmodel.cli import map as map_command
from sfhmodel.cli.quiet import tensorflow_keeps_quiet
from sfhmodel.errors import SfhmodelError, SfhmodelWarning
from sfhsim.command_line import command_line, run
from sfhsim.errors import SfhsimError, SfhsimWarning

app = command_line(
    "sfhmodel",
    "Star formation and metallicity histories from spectra and photometry, with honest uncertainties.",
)
for _command in (
    train,
    adapt,
    recalibrate,
    evaluate,
    predict,
    posterior,
    map_command,
    inspect,
    residuals,
    export,
    build,
    demo,
):
    _command.register(app)

_EXTRA = ("keras", "tensorflow", "jax", "jaxlib")


def main() -> None:
    """Run the command line; exits as `sfhsim.command_line.run` says, and with 1 when an extra is not installed."""
    tensorflow_keeps_quiet()
    try:
        run(app, (SfhmodelError, SfhsimError), (SfhmodelWarning, SfhsimWarning))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print(
            f"error: {error.name} is not installed: install it with `pip install 'sfhsim[model]'`; to predict with a "
            "preset or another model that has a light graph, 'sfhsim[light]' will do",
            file=sys.stderr,
        )
        sys.exit(1)
