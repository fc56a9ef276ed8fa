"""The graph of a network: layers by names that hold in every session, what they see, and what their rows mean.

A branch is what sees one kind of input alone: ``spectrum``, ``photometry`` or ``noise``. The ``heads`` make the raw
outputs, the ``decoder`` is what remains. So every architecture has them, a plug-in's too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable

import keras
import numpy as np

from sfhmodel.architectures.network_spec import CHANNELS
from sfhmodel.errors import ConfigError

Labels = list[Hashable]

PHOTOMETRY_KINDS = ("colour", "missing", "error")  # of each band, in the order of `PhotometryNormalization`
_MISSING = PHOTOMETRY_KINDS[1]
_NOT_HEADS = ("latent", "attention")


class NetworkGraph:
    """Layers of a model's network.

    Parameters
    ----------
    model : StarFormationModel

    Attributes
    ----------
    layers : with weights, by name; names that Keras made up are numbered anew in each model.
    """

    def __init__(self, model):
        self._network, self._bands, self._grid = model.network, model.description.band_names, _grid(model)
        self._names = _names(self._network.layers)
        self.layers = {self._names[id(layer)]: layer for layer in self._network.layers if layer.variables}
        self._producers = {id(t): layer for layer in self._network.layers for t in _outputs(layer)}
        self._inputs = {id(tensor): name for name, tensor in self._network.input.items()}

    def branches(self) -> dict[str, list[str]]:
        """Names of the layers of each branch."""
        outputs = {name: tensor for name, tensor in self._network.output.items() if name not in _NOT_HEADS}
        heads = {id(layer) for tensor in outputs.values() for layer in self._joined(tensor)}
        found: dict[str, list[str]] = {"spectrum": [], "photometry": [], "noise": [], "decoder": [], "heads": []}
        seen: dict[int, set[str]] = {}
        for layer in self._network.layers:
            seen[id(layer)] = self._kinds_seen(layer, seen)
            if layer.variables:
                kinds = seen[id(layer)]
                branch = "heads" if id(layer) in heads else kinds.copy().pop() if len(kinds) == 1 else "decoder"
                found[branch].append(self._names[id(layer)])
        return {branch: names for branch, names in found.items() if names}

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Names of the layers that these names of branches or layers mean.

        Raises
        ------
        ConfigError
            A name that is neither; those that are there are listed.
        """
        branches, chosen = self.branches(), []
        for name in names:
            if name not in branches and name not in self.layers:
                raise ConfigError(
                    f"there is no layer or branch {name!r} to freeze: the branches are {', '.join(branches)}, the "
                    f"layers {', '.join(self.layers)}"
                )
            chosen += branches.get(name, [name])
        return list(dict.fromkeys(chosen))

    def rows(self, name: str) -> Labels | None:
        """What the rows of a layer's first weights stand for, where a data set decides; None where they are features.

        Labels are equal in two models where the rows mean the same in both.
        """
        layer = self.layers[name]
        if type(layer).__name__ == "TokenPosition":
            n = layer.variables[0].shape[0]
            return [("token", self._grid, n, i) for i in range(n)]
        return self._labels(layer.input) if isinstance(layer, keras.layers.Dense) else None

    def flag_rows(self, name: str) -> dict[str, int]:
        """Of a dense layer that sees the photometry itself: the row of each band's flag that it is missing."""
        labels = self.rows(name) or []
        return {label[1]: i for i, label in enumerate(labels) if isinstance(label, tuple) and label[:1] == (_MISSING,)}

    def _joined(self, tensor) -> list:
        """The layers that make a tensor, behind those that only put parts together."""
        producer = self._producers[id(tensor)]
        if not isinstance(producer, keras.layers.Concatenate):
            return [producer]
        return [layer for part in keras.tree.flatten(producer.input) for layer in self._joined(part)]

    def _kinds_seen(self, layer, seen: dict[int, set[str]]) -> set[str]:
        if isinstance(layer, keras.layers.InputLayer):
            return {_kind(self._inputs[id(layer.output)])}
        try:
            tensors = keras.tree.flatten(layer.input)
        except (AttributeError, ValueError):  # of a layer that is used several times
            return {"spectrum", "photometry"}
        return set().union(*(seen[id(self._producers[id(tensor)])] for tensor in tensors))

    def _labels(self, tensor) -> Labels:
        size, producer = tensor.shape[-1], self._producers[id(tensor)]
        if isinstance(producer, keras.layers.InputLayer):
            given = self._inputs[id(tensor)]
            if given == "photometry":
                return [(kind, band) for kind in PHOTOMETRY_KINDS for band in self._bands]
            return [(given, self._grid if given in CHANNELS else "", size, i) for i in range(size)]
        if isinstance(producer, keras.layers.Dropout):  # a run may have another rate
            return self._labels(producer.input)
        if isinstance(producer, keras.layers.Concatenate):
            return [label for part in keras.tree.flatten(producer.input) for label in self._labels(part)]
        # what was flattened has places along the spectrum
        grid = self._grid if isinstance(producer, keras.layers.Flatten) else ""
        return [(self._names[id(producer)], grid, size, i) for i in range(size)]


def _kind(input_name: str) -> str:
    return "spectrum" if input_name in CHANNELS else input_name


def _grid(model) -> str:
    """That tells wavelength grids apart."""
    return hashlib.sha256(np.round(model.description.wave_aa, 4).tobytes()).hexdigest()


def _outputs(layer) -> list:
    return keras.tree.flatten(layer.output)


def _names(layers) -> dict[int, str]:
    """Name of each layer by its id."""
    names: dict[int, str] = {}
    counts: dict[str, int] = {}
    for layer in layers:
        kind = re.sub(r"_\d+$", "", layer.name)
        if kind.replace("_", "") != type(layer).__name__.lower():
            names[id(layer)] = layer.name
            continue
        n = counts[kind] = counts.get(kind, 0) + 1  # Keras counts on from one model to the next
        names[id(layer)] = kind if n == 1 else f"{kind}_{n - 1}"
    return names
