"""Models known by a name: those that come with the package, and those a user registered.

Shipped models are listed in ``shipped.json`` beside this file: ``{"presets": {name: {"file": ..., "sha256": ...,
"onnx_sha256": ..., "description": ...}}}``, the files in ``models/`` with their light graphs (`sfhmodel.graph_file`).
A user's models are folders of ``$SFHMODEL_HOME/presets`` (else of the platform's user data directory) with
``model.keras``, its graph if it has one, and ``preset.json``, which holds the same entry. A user's model hides a
shipped one of the same name. Every use checks the sha256.
"""

from sfhmodel.presets.installing import install
from sfhmodel.presets.model_paths import resolve
from sfhmodel.presets.registry import Preset, find, graph_sha256, names, presets_home, register_graph

__all__ = ["Preset", "find", "graph_sha256", "install", "names", "presets_home", "register_graph", "resolve"]
