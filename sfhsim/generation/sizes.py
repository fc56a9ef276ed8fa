"""Sizes and shares as people write them."""

from __future__ import annotations

import re

from sfhsim.errors import DatasetError

_SPLIT_NAMES = ("train", "validation", "test")


def parse_size(text: str) -> int:
    """Bytes of ``128MB``, ``1.5 GB``, ``64MiB`` or a plain number."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*(|k|M|G)(i?)B?\s*", text, flags=re.IGNORECASE)
    try:
        if match is None:
            raise ValueError(text)
        number, prefix, binary = match.groups()
        size = float(number) * (1024 if binary else 1000) ** " KMG".index(prefix.upper() or " ")
    except ValueError:
        raise DatasetError(f"{text!r} is not a size: write e.g. 128MB") from None
    if size < 1:
        raise DatasetError(f"{text!r} is too small for a shard")
    return int(size)


def parse_split(text: str) -> dict[str, float]:
    """Shares of the splits: ``0.9,0.05,0.05`` (train, validation, test) or ``train=0.8,test=0.2``.

    Raises
    ------
    DatasetError
        When it is neither; whether the shares sum to 1 is for the plan to say.
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        if all("=" in part for part in parts):
            pairs = [part.split("=") for part in parts]
            shares = {name.strip(): float(value) for name, value in pairs}
            valid = len(shares) == len(parts) and all(re.fullmatch("[A-Za-z0-9_]+", name) for name in shares)
        else:
            shares = dict(zip(_SPLIT_NAMES, map(float, parts), strict=False))
            valid = len(parts) <= len(_SPLIT_NAMES)
    except ValueError:
        valid = False
    if not valid:
        raise DatasetError(f"{text!r} is not a split: write e.g. 0.9,0.05,0.05 or train=0.8,test=0.2")
    return shares
