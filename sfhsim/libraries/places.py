"""Where installed libraries and what is kept to save time live: in the user's data and cache directories."""

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


def cache_home() -> Path:
    """$SFHSIM_CACHE, or ``sfhsim`` in the platform's user cache directory: what may be deleted at any time."""
    chosen = os.environ.get("SFHSIM_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sfhsim"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sfhsim"


def libraries_home() -> Path:
    """The folder of installed native libraries."""
    return data_home() / "libraries"
