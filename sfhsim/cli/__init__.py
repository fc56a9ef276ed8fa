"""The `sfhsim` command: thin commands that parse, call one public function and print."""

from sfhsim.cli.main import main

__all__ = ["main"]
