"""Predictions held against their spectra: each is made again from its predicted history, and compared."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfhmodel.checking.bank import ResidualBank, load_bank
    from sfhmodel.checking.comparison import check, check_arrays, checked
    from sfhmodel.checking.result import CheckResult

_HOME = {
    "CheckResult": "result",
    "ResidualBank": "bank",
    "check": "comparison",
    "check_arrays": "comparison",
    "checked": "comparison",
    "load_bank": "bank",
}
__all__ = ["CheckResult", "ResidualBank", "check", "check_arrays", "checked", "load_bank"]


def __getattr__(name: str) -> object:
    """Import on first use: predictions that are not checked load nothing of it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"sfhmodel.checking.{_HOME[name]}"), name)
    globals()[name] = value  # later look-ups are direct
    return value
