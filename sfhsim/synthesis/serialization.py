"""Compiled stages as plain data and back: JSON and arrays, of the types that are named here and no others.

Each stage says in ``STORED`` which of its attributes were compiled; everything else follows from the recipe.
"""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

_PLAIN = (bool, int, float, str, type(None))


class Stored:
    """A stage whose compiled attributes are those named in ``STORED``."""

    STORED: ClassVar[tuple[str, ...]] = ()

    def state(self) -> dict[str, Any]:
        """The compiled attributes by name."""
        return {name: getattr(self, name) for name in self.STORED}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` gave instead of compiling."""
        for name in self.STORED:
            setattr(self, name, state[name])


def to_plain(value: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    """``value`` as plain data; its arrays go into ``arrays`` under names that begin with ``where``."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "US":
            return {"texts": value.tolist()}
        arrays[where] = value
        return {"array": where}
    if isinstance(value, dict):
        plain = {name: to_plain(item, arrays, f"{where}.{name}") for name, item in value.items()}
        return {"dict": plain, "order": list(value)}  # JSON is written with its keys sorted
    name = type(value).__name__
    if is_storable(value):
        fields = _fields(value)
        return {"type": name, "fields": {k: to_plain(v, arrays, f"{where}.{k}") for k, v in fields.items()}}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [to_plain(item, arrays, f"{where}.{k}") for k, item in enumerate(value)]}
    raise TypeError(f"{where}: a {type(value).__name__} cannot be stored; name it in sfhsim.synthesis.serialization")


def from_plain(content: Any, arrays: dict[str, np.ndarray]) -> Any:
    """What `to_plain` was given; KeyError, TypeError or ValueError for other data."""
    if isinstance(content, _PLAIN):
        return content
    if "type" in content:
        fields = {k: from_plain(v, arrays) for k, v in content["fields"].items()}
        return _type(content["type"])(**fields)
    if "dict" in content:
        if sorted(content["order"]) != sorted(content["dict"]):
            raise ValueError("a dict and the order of its keys do not fit")
        return {name: from_plain(content["dict"][name], arrays) for name in content["order"]}
    ((kind, items),) = content.items()
    if kind == "array":
        return arrays[items]
    if kind == "texts":
        return np.array(items)
    return {"list": list, "tuple": tuple}[kind](from_plain(item, arrays) for item in items)


def is_storable(value: Any) -> bool:
    """Whether a value is of a type that is stored as it is."""
    name = type(value).__name__
    return name in _MODULES and type(value) is _type(name)


# the types that are made again, by name; their modules are imported when they are needed
_MODULES = {
    "CompiledTemplates": "sfhsim.synthesis.templates",
    "BandTables": "sfhsim.kernels.bands",
    "BroadeningTables": "sfhsim.kernels.convolution",
    "ConstantLSF": "sfhsim.instrument.lsf",
    "Filter": "sfhsim.instrument.filters",
    "LKL10Lines": "sfhsim.nebular.lkl10",
    "LineGroups": "sfhsim.nebular.scatter",
    "LineProfiles": "sfhsim.synthesis.spectrograph",
    "Lines": "sfhsim.synthesis.detectors",
    "NoLSF": "sfhsim.instrument.lsf",
    "PolynomialLSF": "sfhsim.instrument.lsf",
    "TabulatedLSF": "sfhsim.instrument.lsf",
}


def _type(name: str) -> type:
    return getattr(import_module(_MODULES[name]), name)


def _fields(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value._asdict()
