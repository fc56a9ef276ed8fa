"""A plug-in that is loaded into the process of one test, and forgotten after it."""

import contextlib
import sys

from sfhsim import plugins


@contextlib.contextmanager
def loaded_plugin(path, registry, *names):
    """The plug-in of this file is loaded; afterwards it is no longer, and the registry has its names no more."""
    before = dict(plugins._loaded)
    plugins.load_plugin(path)
    try:
        yield
    finally:
        plugins._loaded.clear()
        plugins._loaded.update(before)
        for name in names:
            registry._items.pop(name)
        del sys.modules[path.stem]
