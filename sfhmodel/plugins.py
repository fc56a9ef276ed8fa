"""Which plug-ins a model is made with: their names travel in its file, and are asked for when it is opened.

Nothing is imported because a file names it: the user loads plug-ins (`--plugin`, `sfhsim.plugins.load_plugin`), or has
installed packages that announce them.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from sfhmodel.errors import ModelFileError
from sfhsim.plugins import load_entry_points, plugin_names

_OURS = ("sfhmodel", "keras")


def modules_of(makers: Iterable[Callable]) -> list[str]:
    """Names of the modules, other than of sfhmodel, that define these builders and classes, each once."""
    modules = [_unwrapped(maker).__module__ for maker in makers]
    return list(dict.fromkeys(_plugin_of(name) for name in modules if name.partition(".")[0] not in _OURS))


def _unwrapped(maker: Callable) -> Callable:
    return _unwrapped(maker.func) if isinstance(maker, functools.partial) else maker


def _plugin_of(module: str) -> str:
    """The plug-in that was loaded, of a module within it."""
    return next((name for name in plugin_names() if module == name or module.startswith(f"{name}.")), module)


def check_plugins(path: Path, config: dict) -> None:
    """That the plug-ins that a model file names are loaded.

    Parameters
    ----------
    path : of the file, for the message.
    config : of the model, as `StarFormationModel.get_config` gives it.

    Raises
    ------
    ModelFileError
        Naming the plug-in, the architecture and how to load it.
    """
    named = config.get("plugins", [])
    if not (isinstance(named, list) and all(isinstance(name, str) for name in named)):
        raise ModelFileError(f"{path} is no model of sfhmodel: its plug-ins are no list of names")
    if all(name in sys.modules for name in named):
        return
    load_entry_points()
    if missing := [name[:100] for name in named if name not in sys.modules]:
        first = missing[0].partition(".")[0]
        raise ModelFileError(
            f"{path} was made with the plug-in {', '.join(map(repr, missing))} (architecture "
            f"{str(config.get('architecture'))[:100]!r}), which is not loaded: give --plugin {first}.py (its file, or "
            f"an installed module's name), or call sfhsim.plugins.load_plugin first"
        )
