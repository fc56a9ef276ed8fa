"""What of a trained model goes into a new one: weights by name and shape, rows by what they mean, nothing guessed.

layers        of one name and kind; a weight of one shape is carried whole
bands         rows of the photometry by filter name; those of new bands start at 0. A band that is gone is one that is
              always missing: its flag goes into the bias, so that the layer answers as before without it
other rows    of what a dense layer sees, by the layers that make it; places along the spectrum only on the same grid
age bins      heads of other bins are new: of them nothing is guessed
constants     of the inputs where grid and bands are the same (or fitted, where asked for); of the outputs with their
              heads, their limits wide enough for both data; what is usual (novelty) is fitted to the new data
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sfhmodel.errors import ConfigError
from sfhmodel.training.transfer.network_graph import Labels, NetworkGraph

_BIN_HEADS = ("mass", "cumulative_quantiles", "metallicity_quantiles")
CORRECTED = ("cumulative", "metallicity", "summary")


@dataclass(frozen=True)
class Piece:
    """A layer of the new model, and what of it was carried.

    Attributes
    ----------
    name : of the layer.
    parameters, carried : how many it has, and how many of them are the source's.
    said : "carried", or why not all are.
    """

    name: str
    parameters: int
    carried: int
    said: str


@dataclass
class Carried:
    """What `carry` did.

    Attributes
    ----------
    pieces : a row for each layer with weights.
    left_behind : layers of the source without a place, or with more rows than were wanted, and why.
    constants : what was done with the normalisation, by name.
    masks : of the network's variables that were carried, by id: 1 where so, or None for everywhere.
    """

    pieces: list[Piece] = field(default_factory=list)
    left_behind: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    masks: dict[int, np.ndarray | None] = field(default_factory=dict)


def carry(model, source, normalization: str = "carried") -> Carried:
    """Set the weights of a model from those of a trained one.

    Parameters
    ----------
    model : StarFormationModel, its normalisation fitted to the new data; changed.
    source : StarFormationModel, the trained one.
    normalization : of the inputs, "carried" or "fitted".

    Raises
    ------
    ConfigError
        When there is nothing that can be carried.
    """
    found, new, old = Carried(), NetworkGraph(model), NetworkGraph(source)
    same_bins = _same(model.description.age_bin_edges_yr, source.description.age_bin_edges_yr)
    for name, layer in new.layers.items():
        if name in _BIN_HEADS and not same_bins:
            found.pieces.append(Piece(name, layer.count_params(), 0, "new: other age bins"))
        else:
            found.pieces.append(_carry_layer(name, new, old, found))
    taken = {piece.name for piece in found.pieces if piece.carried}
    found.left_behind |= {name: "no place for it" for name in old.layers if name not in taken}
    if not taken:
        raise ConfigError(
            f"nothing of the model to start from can be carried: its layers are {', '.join(old.layers)}, those of the "
            f"new one {', '.join(new.layers)}, and none agree in name and shape; train from nothing"
        )
    _carry_constants(model, source, normalization, same_bins, found)
    return found


def _carry_layer(name: str, new: NetworkGraph, old: NetworkGraph, found: Carried) -> Piece:
    layer, other = new.layers[name], old.layers.get(name)
    n = layer.count_params()
    if other is None:
        return Piece(name, n, 0, "new: the source has none")
    shapes, theirs = ([tuple(v.shape[1:]) for v in each.variables] for each in (layer, other))
    if type(layer).__name__ != type(other).__name__ or shapes != theirs:
        return Piece(name, n, 0, "new: of another shape")
    rows = new.rows(name), old.rows(name)
    if rows[0] is None or rows[1] is None or rows[0] == rows[1]:
        if any(a.shape != b.shape for a, b in zip(layer.variables, other.variables, strict=True)):
            return Piece(name, n, 0, "new: of another shape")
        for variable, value in zip(layer.variables, other.variables, strict=True):
            variable.assign(_array(value))
            found.masks[id(variable)] = None
        return Piece(name, n, n, "carried")
    return _carry_rows(name, rows[0], rows[1], new, old, found)


def _carry_rows(name: str, wanted: Labels, there: Labels, new: NetworkGraph, old: NetworkGraph, found: Carried):
    """Rows of the first weights by their labels; those of no other label start at 0. The other weights whole."""
    layer, other = new.layers[name], old.layers[name]
    place = {label: i for i, label in enumerate(there)}
    to, origin = np.array([(i, place[k]) for i, k in enumerate(wanted) if k in place], dtype=int).reshape(-1, 2).T
    if not to.size:
        return Piece(name, layer.count_params(), 0, f"new: {_lost(there, wanted)}")
    first, *others = layer.variables
    values = [_array(value) for value in other.variables]
    rows, mask = np.zeros(first.shape, np.float32), np.zeros(first.shape, np.float32)
    rows[to], mask[to] = values[0][origin], 1.0
    first.assign(rows)
    found.masks[id(first)] = mask if len(to) < len(wanted) else None
    gone = set(old.flag_rows(name)) - set(new.flag_rows(name))
    if gone and len(values) > 1 and values[1].shape == values[0].shape[1:]:
        values[1] = values[1] + values[0][[old.flag_rows(name)[band] for band in sorted(gone)]].sum(axis=0)
    for variable, value in zip(others, values[1:], strict=True):
        variable.assign(value)
        found.masks[id(variable)] = None
    if len(to) < len(there):
        found.left_behind[name] = f"{len(there) - len(to)} of {len(there)} rows: {_lost(there, wanted)}"
    n_carried = int(mask.sum()) + sum(value.size for value in values[1:])
    said = "carried by name" if len(to) == len(wanted) else f"in part; starting at 0: {_lost(wanted, there)}"
    return Piece(name, layer.count_params(), n_carried, said)


def _lost(labels: Labels, others: Labels) -> str:
    """Of what the rows are that the others lack: bands, inputs, layers."""
    known = set(others)
    names = [_named(label) for label in labels if label not in known]
    return ", ".join(dict.fromkeys(names)) or "none"


def _named(label) -> str:
    kind, where = label[0], label[1]
    if len(label) == 2:
        return f"band {where}"
    return f"{kind} of another grid" if where else str(kind)


def _carry_constants(model, source, normalization: str, same_bins: bool, found: Carried) -> None:
    said = found.constants
    here, there = model.description, source.description
    if normalization == "fitted":
        said["spectrum_normalization"] = said["photometry_normalization"] = "fitted to the data"
    else:
        if _same(here.wave_aa, there.wave_aa):
            _assign(model.spectrum_normalization, source.spectrum_normalization, ("mean", "std"))
            said["spectrum_normalization"] = "carried"
        else:
            said["spectrum_normalization"] = "fitted to the data: another wavelength grid"
        said["photometry_normalization"] = _carry_bands(model, source)
    for name, fits in (("metallicity", same_bins), ("summary", True)):
        said[name] = "carried, with limits that hold both data" if fits else "fitted to the data: other age bins"
        if fits:
            mine, theirs = getattr(model, name), getattr(source, name)
            _assign(mine, theirs, ("mean", "std"))
            mine.lowest.assign(np.minimum(_array(mine.lowest), _array(theirs.lowest)))
            mine.highest.assign(np.maximum(_array(mine.highest), _array(theirs.highest)))
    said["novelty"] = "fitted to the data"


def _carry_bands(model, source) -> str:
    mine, theirs = model.photometry_normalization, source.photometry_normalization
    names, known = model.description.band_names, source.description.band_names
    pairs = [(i, known.index(name)) for i, name in enumerate(names) if name in known]
    if not pairs:
        return "fitted to the data: no band of the source"
    to, origin = np.array(pairs).T
    for name in ("mean", "std"):
        values = _array(getattr(mine, name))
        values[to] = _array(getattr(theirs, name))[origin]
        getattr(mine, name).assign(values)
    new = [name for name in names if name not in known]
    return f"carried; fitted to the data: {', '.join(new)}" if new else "carried"


def _assign(mine, theirs, names) -> None:
    for name in names:
        getattr(mine, name).assign(_array(getattr(theirs, name)))


def _array(variable) -> np.ndarray:
    return np.array(variable.numpy())


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=0.0)
