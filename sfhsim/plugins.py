"""Modules of a user's own that register families: by name, as a file, or as an installed package's entry point.

A plug-in is imported; what it registers (dust laws, dust emission models, histories, metallicity forms, nebular models,
sources of light, noise models, LSFs, measurements, readers of libraries; architectures and losses of sfhmodel) can then
be named. `--plugin MODULE` of both commands and `load_plugin` do that, and worker processes are told of it. A package
may announce its modules under the entry point group ``sfhsim.plugins``: they are imported when a name is asked for that
is not known without.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path

from sfhsim.errors import PluginError

GROUP = "sfhsim.plugins"
_loaded: dict[str, str] = {}  # what it is loaded by again -> its module's name


def load_plugin(module_or_file: str | Path) -> str:
    """Import a module by its name, or a file ``*.py``; the module's name.

    Raises
    ------
    PluginError
        When it is not there, or fails while it is imported.
    """
    text = str(module_or_file)
    source = str(Path(text).expanduser().resolve()) if text.endswith(".py") else text
    if source not in _loaded:
        _loaded[source] = _import_file(Path(source)) if text.endswith(".py") else _import_module(text)
    return _loaded[source]


def loaded_plugins() -> tuple[str, ...]:
    """What `load_plugin` takes to load again in another process what was loaded in this one, in that order."""
    return tuple(_loaded)


def plugin_names() -> list[str]:
    """Names of the modules of the plug-ins that were loaded."""
    return list(_loaded.values())


@cache
def load_entry_points() -> None:
    """Import every plug-in that installed packages announce, once."""
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        load_plugin(point.module)


def _import_module(name: str) -> str:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name and not name.startswith(f"{error.name}."):
            raise PluginError(f"plug-in {name!r} needs the module {error.name!r}, which is not installed") from error
        raise PluginError(f"no plug-in {name!r}: give an installed module's name, or a file that ends in .py") from None
    except Exception as error:
        raise PluginError(f"plug-in {name!r} failed: {type(error).__name__}: {error}") from error
    return name


def _import_file(path: Path) -> str:
    if not path.is_file():
        raise PluginError(f"no plug-in {path}: there is no such file")
    name = path.stem
    there = sys.modules.get(name)
    if there is not None and getattr(there, "__file__", None) != str(path):
        raise PluginError(f"plug-in {path}: a module {name!r} is loaded already, from elsewhere: rename the file")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"plug-in {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PluginError(f"plug-in {path} failed: {type(error).__name__}: {error}") from error
    return name


def take_options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Command-line arguments without ``--plugin MODULE``, wherever it stands, and the modules."""
    rest, plugins, following = [], [], iter(arguments)
    for argument in following:
        if argument == "--":
            rest += [argument, *following]
        elif argument == "--plugin":
            module = next(following, None)
            if module is None:
                raise PluginError("--plugin needs a module's name or a file: --plugin my_laws.py")
            plugins.append(module)
        elif argument.startswith("--plugin="):
            plugins.append(argument.partition("=")[2])
        else:
            rest.append(argument)
    return rest, plugins
