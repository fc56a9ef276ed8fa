"""Registering models by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sfhmodel.errors import ConfigError, ModelFileError, SfhmodelError
from sfhmodel.files import file_sha256
from sfhmodel.graph_file import graph_path, has_graph
from sfhmodel.model_file import check_model_file
from sfhmodel.presets.model_paths import resolve
from sfhmodel.presets.registry import ENTRY, MODEL, presets_home
from sfhsim.files import named_errors
from sfhsim.folders import whole_folder
from sfhsim.names import check_name


def install(path: str | Path, name: str, *, description: str = "", overwrite: bool = False) -> Path:
    """Register a model under a name: its file, and its light graph, are copied to the user's directory.

    Parameters
    ----------
    path : .keras file, or directory of a training run.
    name : letters, digits, dots, dashes and underscores.
    description : one line, for people.
    overwrite : replace a model of that name.

    Returns
    -------
    The path of the copy.

    Raises
    ------
    ConfigError
        A name with other characters, or one that is taken.
    ModelFileError
        No usable model file at ``path``; the directory cannot be written.
    """
    check_name(name, "the preset name", ConfigError)
    source = resolve(path)
    check_model_file(source)
    folder = presets_home() / name
    if folder.exists() and not overwrite:
        raise ConfigError(f"there is a preset {name!r} already in {folder}: choose another name or overwrite it")
    with named_errors(folder, ModelFileError, keep=SfhmodelError), whole_folder(folder, overwrite=overwrite) as whole:
        shutil.copyfile(source, whole / MODEL)
        entry = {"sha256": file_sha256(whole / MODEL), "description": description}
        if has_graph(source):
            shutil.copyfile(graph_path(source), graph_path(whole / MODEL))
            entry["onnx_sha256"] = file_sha256(graph_path(whole / MODEL))
        (whole / ENTRY).write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return folder / MODEL
