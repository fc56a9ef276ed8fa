"""TensorFlow's log lines kept from the users of commands.

Its C++ part writes to file descriptor 2 while it is imported, before anything can be set in Python, and when it first
looks for devices; what it says then (no GPU, other instruction sets) is for developers.
"""

from __future__ import annotations

import os
import sys
import threading

from sfhmodel.import_hook import around_import

_LINE = (b"E0000 ", b"W0000 ", b"I0000 ", b"WARNING: All log messages before absl")


def tensorflow_keeps_quiet() -> None:
    """Set what TensorFlow heeds, and drop what it and its libraries write to stderr while they are first imported.

    Nothing is imported here; settings that the user made stay.
    """
    for name, value in (
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("ABSL_MIN_LOG_LEVEL", "3"),
        ("GLOG_minloglevel", "3"),
        ("GRPC_VERBOSITY", "ERROR"),
        ("AUTOGRAPH_VERBOSITY", "0"),
    ):
        os.environ.setdefault(name, value)
    around_import("tensorflow", _quietly)


def _quietly(execute, tensorflow) -> None:
    with FilteredStderr():
        execute(tensorflow)
        _look_for_devices(tensorflow)


def _look_for_devices(tensorflow) -> None:
    """Where there is no GPU it complains, once, when it first looks: let it be now."""
    try:
        tensorflow.config.list_physical_devices()
    except Exception:  # whoever needs devices will meet it, and say so
        return


class FilteredStderr:
    """While it is entered, lines of TensorFlow's logs on file descriptor 2 are dropped, all others passed on."""

    def __enter__(self):
        self._saved: int | None = None
        try:
            self._saved = os.dup(2)
        except OSError:  # there is no stderr, nor anything to filter
            return self
        _flush()
        read, write = os.pipe()
        os.dup2(write, 2)
        os.close(write)
        self._thread = threading.Thread(target=self._pass_on, args=(read, self._saved), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        if self._saved is None:
            return
        _flush()
        os.dup2(self._saved, 2)  # the last writer of the pipe is gone, the thread ends
        self._thread.join(timeout=10.0)
        os.close(self._saved)

    @staticmethod
    def _pass_on(read: int, saved: int) -> None:
        with os.fdopen(read, "rb") as lines:
            skipping = False
            for line in lines:
                begins = line.startswith(_LINE) or b" tensorflow/" in line[:80] or b"external/local_xla" in line[:80]
                skipping = begins or (skipping and line.startswith(b"To enable the following instructions"))
                if not skipping:
                    os.write(saved, line)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
