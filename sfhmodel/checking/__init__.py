"""Predictions held against their spectra: each is made again from its predicted history, and compared."""

from sfhmodel.checking.comparison import check, check_arrays, checked
from sfhmodel.checking.result import CheckResult

__all__ = ["CheckResult", "check", "check_arrays", "checked"]
