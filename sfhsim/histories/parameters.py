"""Named parameters, with units and bounds, of histories, metallicity histories and dust laws.

A batch is a mapping from parameter name to a number (the same for every galaxy) or an array with one row a
galaxy. ``resolve`` turns it into contiguous (n,) or (n, size) arrays, fills in the defaults and refuses
what cannot be.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.errors import RecipeError


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family.

    Attributes
    ----------
    name, unit, description : str
        ``unit`` is "" for a pure number.
    default : float or None
        None where the parameter must be given.
    minimum, maximum : float
        Inclusive bounds.
    size : int or None
        Values per galaxy: 1 for a number, None for a vector of any length.
    nan_means : str
        What NaN stands for; NaN is refused where this is "".
    """

    name: str
    unit: str
    description: str
    default: float | None = None
    minimum: float = -np.inf
    maximum: float = np.inf
    size: int | None = 1
    nan_means: str = ""


def batch_size(*values: ArrayLike) -> int:
    """Number of galaxies that numbers and (n,) arrays stand for: their one length beyond 1.

    Raises
    ------
    RecipeError
        Where two lengths disagree.
    """
    lengths = sorted({np.shape(value)[0] for value in values if np.ndim(value) > 0} - {1})
    if len(lengths) > 1:
        raise RecipeError(f"the parameters of one batch have different lengths: {lengths}")
    return lengths[0] if lengths else 1


def resolve(
    parameters: Sequence[Parameter], params: Mapping[str, ArrayLike], where: str, n: int | None = None
) -> dict[str, np.ndarray]:
    """Every parameter as a C-contiguous float64 array, (n,) or (n, size); the inputs are not modified.

    Parameters
    ----------
    parameters : the family's declaration.
    params : values by name; a number or (1,) stands for the whole batch, and so does (size,) for a vector.
    where : what the parameters belong to, for the messages.
    n : number of galaxies; the longest parameter's where None.

    Raises
    ------
    RecipeError
        For an unknown, missing, out-of-bounds, NaN or wrongly shaped parameter, naming it and the galaxy.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in params:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise RecipeError(f"{where} has no parameter {name!r}{hint}; it takes {sorted(known)}")
    if n is None:
        n = batch_size(*(v for k, v in params.items() if np.ndim(v) == (1 if known[k].size == 1 else 2)))
    return {name: _resolve_one(parameter, params, where, n) for name, parameter in known.items()}


def _resolve_one(parameter: Parameter, params: Mapping[str, ArrayLike], where: str, n: int) -> np.ndarray:
    label = f"{where}: {parameter.name}"
    given = params.get(parameter.name, parameter.default)
    if given is None:
        unit = f" in {parameter.unit}" if parameter.unit else ""
        raise RecipeError(f"{label} must be given: {parameter.description}{unit}")
    value = np.asarray(given, dtype=np.float64)
    if parameter.size == 1:
        if value.ndim > 1 or value.size not in (1, n):
            raise RecipeError(f"{label} has shape {value.shape}; expected a number or ({n},)")
        value = np.broadcast_to(value.reshape(-1), (n,))
    else:
        width = parameter.size or (value.shape[-1] if value.ndim else 0)
        if value.ndim not in (1, 2) or value.shape[-1] != width or value.reshape(-1, width).shape[0] not in (1, n):
            size = parameter.size or "k"
            raise RecipeError(f"{label} has shape {value.shape}; expected ({size},) or ({n}, {size})")
        value = np.broadcast_to(value.reshape(-1, width), (n, width))
    _check_values(parameter, value, label)
    return np.array(value, order="C")  # a copy: read-only views would make numba compile anew


def _check_values(parameter: Parameter, value: np.ndarray, label: str) -> None:
    good = (value >= parameter.minimum) & (value <= parameter.maximum)
    if parameter.nan_means:
        good |= np.isnan(value)
    if good.all():
        return
    where = tuple(int(i) for i in np.argwhere(~good)[0])
    unit = f" {parameter.unit}" if parameter.unit else ""
    raise RecipeError(
        f"{label} = {value[where]:g}{unit} of galaxy {where[0]} is outside "
        f"[{parameter.minimum:g}, {parameter.maximum:g}]: {parameter.description}"
    )
