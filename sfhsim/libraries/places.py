"""Where installed libraries live: outside the package, in the user's data directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_home() -> Path:
    """$SFHSIM_HOME, or ``sfhsim`` in the platform's user data directory. Nothing is created."""
    chosen = os.environ.get("SFHSIM_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "sfhsim"


def libraries_home() -> Path:
    """The folder of installed native libraries."""
    return data_home() / "libraries"
