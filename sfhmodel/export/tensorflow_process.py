"""Work that only Keras' TensorFlow backend can do, in a process of its own where this one runs another backend."""

from __future__ import annotations

import os
import subprocess
import sys

from sfhsim.plugins import load_plugin, loaded_plugins


def is_tensorflow() -> bool:
    """Whether Keras runs on TensorFlow here."""
    import keras

    return keras.backend.backend() == "tensorflow"


def in_tensorflow(module: str, function: str, *arguments: str | os.PathLike) -> str:
    """Call ``module.function(*arguments)``, texts, in a process with the TensorFlow backend and the same plug-ins.

    Returns
    -------
    str
        '' when it went well, else the last line of what the process said.
    """
    plugins = loaded_plugins()
    script = "import sys; from sfhmodel.export import tensorflow_process as p; p.call(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(len(plugins)), *plugins, module, function, *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def call(n_plugins: str, *rest: str) -> None:
    """In the process that `in_tensorflow` starts."""
    from importlib import import_module

    plugins, (module, function, *arguments) = rest[: int(n_plugins)], rest[int(n_plugins) :]
    for plugin in plugins:
        load_plugin(plugin)
    getattr(import_module(module), function)(*arguments)
