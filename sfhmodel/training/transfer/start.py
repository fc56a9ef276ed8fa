"""Where a run begins that starts from a trained model; kept in the run, so that it can go on without that model.

start.npz       values of the model's variables, masks of those carried in part, the source's calibration
transfer.json   source and its sha256, what was carried, new, left behind and frozen, sha256 of start.npz
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import ConfigError, TrainingError
from sfhmodel.files import file_sha256
from sfhmodel.training.checkpoints import Arrays, assign_values, copied_values
from sfhmodel.training.files import whole_run_file, write_json
from sfhmodel.training.transfer import START, TRANSFER
from sfhmodel.training.transfer.carrying import CORRECTED, carry
from sfhmodel.training.transfer.config import TransferConfig
from sfhmodel.training.transfer.network_graph import NetworkGraph
from sfhmodel.training.transfer.origin import Origin
from sfhmodel.training.transfer.pull import Pull

_CALIBRATION = {"noise_groups": ("edges",), **dict.fromkeys(CORRECTED, ("correction",))}


@dataclass
class Start:
    """The beginning of a run.

    Attributes
    ----------
    values : of all variables of the model, in order.
    carried : by the place of each carried variable in that order, its mask, or None where it was carried whole.
    calibration : the source's corrections and noise groups by ``layer/variable``; none where they do not fit.
    said : the content of ``transfer.json``.
    """

    values: Arrays
    carried: dict[int, np.ndarray | None]
    calibration: dict[str, np.ndarray]
    said: dict[str, Any]


def new_start(model, origin: Origin, config: TransferConfig) -> Start:
    """Carry the source's weights into a model whose normalisation is fitted; the model is changed.

    Raises
    ------
    ConfigError
        Nothing can be carried, or what is to be frozen is unknown or new.
    """
    found = carry(model, origin.model, config.normalization)
    carried = {piece.name: piece.carried for piece in found.pieces}
    frozen = NetworkGraph(model).chosen(config.freeze)
    if new := [name for name in frozen if not carried[name]]:
        raise ConfigError(
            f"cannot freeze {', '.join(new)}: nothing of it could be carried, and it would stay as it came from the "
            "random numbers"
        )
    if set(frozen) >= set(carried):
        raise ConfigError("everything would be frozen, and nothing could be learnt: freeze fewer layers")
    description = origin.model.description
    said = {
        "source": origin.name,
        "sha256": origin.sha256,
        "trained_on": {"name": description.dataset_name, "sha256": description.dataset_sha256},
        "parameters": sum(piece.parameters for piece in found.pieces),
        "carried": sum(piece.carried for piece in found.pieces),
        "frozen": frozen,
        "pull": config.pull,
        "layers": [
            {"name": p.name, "parameters": p.parameters, "carried": p.carried, "said": p.said} for p in found.pieces
        ],
        "left_behind": found.left_behind,
        "constants": found.constants,
    }
    masks = {i: found.masks[id(v)] for i, v in enumerate(model.variables) if id(v) in found.masks}
    return Start(copied_values(model.variables), masks, _calibration(model, origin.model), said)


def begin(model, start: Start, config: TransferConfig) -> None:
    """Set a model's variables to the start, freeze what is to be frozen, and have the rest pulled back to it."""
    assign_values(model.variables, start.values)
    graph = NetworkGraph(model)
    for name in graph.chosen(config.freeze):
        graph.layers[name].trainable = False
    if config.pull:
        free = {id(variable) for variable in model.trainable_variables}
        places = [i for i in start.carried if id(model.variables[i]) in free]
        model.pull = Pull(
            config.pull,
            [model.variables[i] for i in places],
            [start.values[i] for i in places],
            [start.carried[i] for i in places],
        )


def save_start(run: Path, start: Start) -> None:
    """Write the start into a run directory."""
    arrays: dict[str, Any] = {f"value/{i:05d}": value for i, value in enumerate(start.values)}
    for i, mask in start.carried.items():
        arrays[f"mask/{i:05d}"] = np.ones(0, np.float32) if mask is None else mask
    arrays |= {f"calibration/{name}": value for name, value in start.calibration.items()}
    with whole_run_file(run / START) as temporary:
        np.savez(temporary, **arrays)
    write_json(run / TRANSFER, start.said | {"start_sha256": file_sha256(run / START)})


def load_start(run: Path) -> Start:
    """The start of a run.

    Raises
    ------
    TrainingError
        It is missing or damaged.
    """
    try:
        said = json.loads((run / TRANSFER).read_text(encoding="utf-8"))
        if file_sha256(run / START) != said["start_sha256"]:
            raise ValueError(f"the sha256 of {START} is another")
        with np.load(run / START, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{run / TRANSFER} or {START} beside it is missing or damaged ({error}): without its start the run cannot "
            "go on; train in a new directory"
        ) from error
    parts: dict[str, dict[str, np.ndarray]] = {"value": {}, "mask": {}, "calibration": {}}
    for name, array in arrays.items():
        kind, _, key = name.partition("/")
        parts[kind][key] = array
    values = [parts["value"][key] for key in sorted(parts["value"])]
    carried = {int(key): mask if mask.size else None for key, mask in parts["mask"].items()}
    return Start(values, carried, parts["calibration"], said)


def set_calibration(model, calibration: dict[str, np.ndarray]) -> None:
    """Give a model the corrections and noise groups of the source."""
    for name, array in calibration.items():
        layer, variable = name.split("/")
        getattr(getattr(model, layer), variable).assign(array)


def table(said: dict[str, Any]) -> str:
    """What was carried, for people."""
    source = f"{said['source']} (sha256 {said['sha256'][:12]})"
    lines = [f"from {source}: {said['carried']} of {said['parameters']} weights carried"]
    for layer in said["layers"]:
        frozen = ", frozen" if layer["name"] in said["frozen"] else ""
        lines.append(f"  {layer['name']:24s}{layer['carried']:>9d} of {layer['parameters']:<9d}{layer['said']}{frozen}")
    lines += [f"  {name:24s}{what}" for name, what in said["constants"].items()]
    lines += [f"  left behind: {name} ({why})" for name, why in said["left_behind"].items()]
    return "\n".join(lines)


def _calibration(model, source) -> dict[str, np.ndarray]:
    """Of the source, where every piece has its place in the model."""
    same_bins = np.array_equal(model.description.age_bin_edges_yr, source.description.age_bin_edges_yr)
    pieces = {
        f"{layer}/{name}": (getattr(getattr(model, layer), name), getattr(getattr(source, layer), name))
        for layer, names in _CALIBRATION.items()
        for name in names
    }
    if not same_bins or any(mine.shape != theirs.shape for mine, theirs in pieces.values()):
        return {}
    return {name: np.array(theirs.numpy()) for name, (_, theirs) in pieces.items()}
