"""The `sfhmodel` command: thin commands that parse, call one public function and print."""

from sfhmodel.cli.main import main

__all__ = ["main"]
