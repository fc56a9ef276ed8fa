"""`export`: from a run or model to a folder that is whole or absent."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from sfhmodel.errors import ConfigError, ModelFileError, SfhmodelError
from sfhmodel.export.metadata import DESCRIPTION_NAME, FORMAT, export_description, to_json
from sfhmodel.export.readme import README_NAME, readme
from sfhmodel.export.tensorflow_process import in_tensorflow, is_tensorflow
from sfhmodel.model_file import RUN_MODEL, check_model_file, open_model
from sfhmodel.presets import resolve
from sfhsim.files import named_errors
from sfhsim.folders import recover, whole_folder


def export(run_or_model, out: str | os.PathLike, overwrite: bool = False) -> Path:
    """Write a model as a TensorFlow SavedModel that needs TensorFlow alone, and explains itself.

    Parameters
    ----------
    run_or_model : run directory, .keras file, or StarFormationModel.
    out : folder to make: the SavedModel with ``model.keras``, ``description.json`` and ``README.txt``.
    overwrite : replace an earlier export. A folder with anything else is never touched.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ModelFileError
        No model there, or a damaged one.
    ConfigError
        ``out`` exists, or cannot be written; TensorFlow is not installed.
    """
    given, out = Path(out), Path(out).resolve()
    _check_free(out, overwrite)
    path = _checked(run_or_model) if isinstance(run_or_model, str | os.PathLike) else None
    named = named_errors(out, ConfigError, SfhmodelError, advice="give a folder with room and permission")
    with named, whole_folder(out, overwrite=True) as staging:
        if path is None:
            run_or_model.save(staging / RUN_MODEL)
        else:
            shutil.copyfile(path, staging / RUN_MODEL)
        if is_tensorflow():
            _write_contents(open_model(path) if path else run_or_model, staging, out.name)
        else:
            _write_in_subprocess(path, staging, out.name)
    return given


def is_export(folder: Path) -> bool:
    """Whether a folder was written by `export`."""
    try:
        content = json.loads((folder / DESCRIPTION_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def _check_free(out: Path, overwrite: bool) -> None:
    recover(out.parent)  # of an export that was killed
    if not out.is_dir():
        if out.exists():
            raise ConfigError(f"{out} is a file: give a folder that does not exist")
    elif is_export(out):
        if not overwrite:
            raise ConfigError(f"{out} holds an export already: give another folder, or --overwrite (overwrite=True)")
    elif any(out.iterdir()):
        raise ConfigError(f"{out} is not empty and no export of sfhmodel: give a folder that does not exist")


def _write_contents(model, folder: Path, name: str) -> None:
    """Everything but ``model.keras``, into the folder of an export of this name."""
    import tensorflow as tf

    from sfhmodel.export.saved_model import write_saved_model

    content = export_description(model)
    text = to_json(content)
    (folder / DESCRIPTION_NAME).write_text(text, encoding="utf-8")
    (folder / README_NAME).write_text(readme(content, name), encoding="utf-8")
    try:
        write_saved_model(model, text, folder)
    except tf.errors.OpError as error:  # TensorFlow's own file system reports a full disk this way
        raise OSError(error.message) from error


def _write_in_subprocess(path: Path | None, folder: Path, name: str) -> None:
    """The same from ``model.keras`` in the folder, since only Keras' TensorFlow backend makes TensorFlow graphs."""
    reason = in_tensorflow("sfhmodel.export.folder", "write_staged", folder, name)
    if not reason:
        return
    damaged = f"{ModelFileError.__module__}.{ModelFileError.__name__}: "
    if path and reason.startswith(damaged):
        raise ModelFileError(reason.removeprefix(damaged).replace(str(folder / RUN_MODEL), str(path)))
    raise ConfigError(
        f"the export needs TensorFlow, whose process failed ({reason}): install tensorflow, and export in a Python "
        "where KERAS_BACKEND=tensorflow"
    )


def write_staged(folder: str, name: str) -> None:
    """In the process that `export` starts under another backend: what belongs beside ``model.keras`` in the folder."""
    _write_contents(open_model(Path(folder) / RUN_MODEL), Path(folder), name)


def _checked(run_or_model) -> Path:
    path = resolve(run_or_model)
    check_model_file(path)
    return path
