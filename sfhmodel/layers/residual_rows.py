"""Rows of residuals as text, so that the configuration of a layer holds them and its model needs no file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import numpy as np

from sfhmodel.errors import ConfigError

LARGEST = 0.9  # a residual of -1 would be a spectrum of nothing
_KEYS = ("rows", "pixels", "float16")
_MOST = 10_000_000  # numbers; a model file has at most 50 MB of configuration


def encoded_rows(residual: np.ndarray) -> dict:
    """Residuals (n, n_pixel) as plain data: their shape, and half-precision numbers in base64.

    Raises
    ------
    ConfigError
        No rows, more than 10 million numbers, numbers that are not finite, or larger than 0.9.
    """
    rows = np.asarray(residual)
    if rows.ndim != 2 or not rows.size or rows.size > _MOST:
        raise ConfigError(f"residuals have shape {rows.shape}: need (rows, pixels), from 1 to {_MOST} numbers")
    if not (np.abs(rows) <= LARGEST).all():
        raise ConfigError(f"residuals must be finite and between -{LARGEST} and {LARGEST}")
    text = base64.b64encode(np.ascontiguousarray(rows, dtype="<f2").tobytes()).decode("ascii")
    return {"rows": len(rows), "pixels": rows.shape[1], "float16": text}


def decoded_rows(content: Mapping) -> np.ndarray:
    """(n, n_pixel) float32 of what `encoded_rows` gave.

    Raises
    ------
    ConfigError
        Anything else.
    """
    if isinstance(content, str):
        raise ConfigError(
            f"augmentation residuals: bank {content!r} is a file, which a layer does not read: a training config may "
            "name it, or give sfhmodel.checking.load_bank(...).encoded(wave_aa)"
        )
    if not isinstance(content, Mapping) or set(content) != set(_KEYS):
        raise ConfigError(f"augmentation residuals: bank must be a dict of {', '.join(_KEYS)}, not {content!r:.60}")
    try:
        rows = np.frombuffer(base64.b64decode(content["float16"], validate=True), dtype="<f2")
        rows = rows.reshape(content["rows"], content["pixels"]).astype(np.float32)
    except (TypeError, ValueError, binascii.Error) as error:
        raise ConfigError(f"augmentation residuals: bank is damaged ({error})") from error
    if not rows.size or not (np.abs(rows) <= LARGEST + 1e-3).all():
        raise ConfigError(f"augmentation residuals: bank must hold numbers between -{LARGEST} and {LARGEST}")
    return rows
