"""Keys like ``galaxy.redshift`` that reach into nested mappings."""

from __future__ import annotations


def set_key(content: dict, dotted: str, value: object) -> None:
    """Set ``a.b.c`` in nested mappings, the inner ones as copies.

    Raises
    ------
    ValueError
        What is on the way to the last key is no mapping.
    """
    *outer, last = dotted.split(".")
    for key in outer:
        inner = content.get(key)
        if inner is not None and not isinstance(inner, dict):
            raise ValueError(f"{key} is {inner!r}, which has no keys")
        content[key] = dict(inner or {})
        content = content[key]
    content[last] = value
