"""Finding models by name."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sfhmodel.errors import ModelFileError
from sfhmodel.files import file_sha256
from sfhmodel.graph_file import graph_path
from sfhsim.files import named_errors, whole_file
from sfhsim.folders import recover
from sfhsim.names import NAME_PATTERN

_HERE = Path(__file__).parent
ENTRY, MODEL = "preset.json", "model.keras"
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True)
class Preset:
    """A model file with the checksum it must have."""

    name: str
    path: Path
    sha256: str
    description: str = ""

    def checked_path(self) -> Path:
        """The path of the model file, when its content is what was registered.

        Raises
        ------
        ModelFileError
            The file is missing or was changed.
        """
        if not self.path.is_file():
            raise ModelFileError(f"preset {self.name!r}: its file {self.path} is missing; install it again")
        if (found := file_sha256(self.path)) != self.sha256:
            raise ModelFileError(
                f"preset {self.name!r}: {self.path} is damaged, its sha256 is {found}, expected {self.sha256}; "
                "install it again"
            )
        return self.path


def presets_home() -> Path:
    """Where a user's models are: $SFHMODEL_HOME/presets, or that of the user data directory. Nothing is created."""
    chosen = os.environ.get("SFHMODEL_HOME")
    if chosen:
        return Path(chosen).expanduser() / "presets"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "sfhmodel" / "presets"


def names() -> tuple[str, ...]:
    """Names of all presets, sorted."""
    home = presets_home()
    mine = [entry.parent.name for entry in home.glob(f"[!.]*/{ENTRY}")] if home.is_dir() else []
    return tuple(sorted({*_shipped(), *mine}))


def find(name: str) -> Preset:
    """The preset of this name; its file is not looked at yet.

    Raises
    ------
    ModelFileError
        There is none (the message names those there are), or its entry is damaged.
    """
    folder = presets_home() / name if _NAME.fullmatch(name) else None
    if folder is not None and not folder.exists() and folder.parent.is_dir():
        recover(folder.parent)  # of an overwrite that was killed where names cannot be exchanged
    if folder is not None and (folder / ENTRY).is_file():
        entry = _read(folder / ENTRY)
        return _preset(name, folder / MODEL, entry, folder / ENTRY)
    if name in _shipped():
        entry = _shipped()[name]
        return _preset(name, _HERE / "models" / str(entry.get("file", "")), entry, _HERE / "shipped.json")
    known = names()
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ModelFileError(
        f"no model file and no preset {name!r}: {hint}presets: {', '.join(known) or 'none yet'}. Give the path of a "
        ".keras file or of a training run, or register one with sfhmodel.presets.install"
    )


def graph_sha256(model: Path) -> str | None:
    """Registered checksum of the light graph beside a preset's model file; None where none is registered."""
    entry = _entry_of(model)[1]
    return None if entry is None else entry.get("onnx_sha256")


def register_graph(model: Path) -> None:
    """Keep the checksum of the light graph beside a model file, if it is a preset's, in the preset's entry.

    Raises
    ------
    ModelFileError
        The entry cannot be written.
    """
    source, entry, content = _entry_of(model)
    if entry is None:
        return
    entry["onnx_sha256"] = file_sha256(graph_path(model))
    with named_errors(source, ModelFileError), whole_file(source) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _entry_of(model: Path) -> tuple[Path, dict | None, dict]:
    """File and entry of the preset that has this model file, and all that is in the file; no entry where none has."""
    if model.parent == _HERE / "models":
        content = _read(_HERE / "shipped.json")
        entries = [entry for entry in content["presets"].values() if entry.get("file") == model.name]
        return _HERE / "shipped.json", entries[0] if entries else None, content
    source = model.parent / ENTRY
    content = _read(source) if model.name == MODEL and source.is_file() else {}
    return source, content or None, content


def _shipped() -> dict[str, dict]:
    return _read(_HERE / "shipped.json")["presets"]


def _preset(name: str, path: Path, entry: dict, source: Path) -> Preset:
    if not isinstance(entry.get("sha256"), str):
        raise ModelFileError(f"preset {name!r}: {source} says no sha256; install it again")
    return Preset(name, path, entry["sha256"], str(entry.get("description", "")))


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}; install the preset again") from error
    if not isinstance(content, dict):
        raise ModelFileError(f"{path} is damaged: it holds no JSON object; install the preset again")
    return content
