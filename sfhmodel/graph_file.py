"""The light graph of a model: an ONNX file beside its .keras file, for answers without Keras and TensorFlow.

    model.onnx = graph of the whole model, from physical inputs to physical outputs
                 + sha256 of the .keras file it was made from + sha256 of all that comes before

Both checksums are metadata of the ONNX format, appended as the bytes that they are there (protocol buffers that are
joined are merged; ``metadata_props`` is field 14 of onnx.proto), so that any program that reads ONNX opens the file. A
graph that is damaged, or was made from another model than the one beside it, is never used.

This part needs no Keras, and onnxruntime only to run a graph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sfhmodel.description import OUTPUT_NAMES
from sfhmodel.errors import ConfigError, ModelFileError
from sfhmodel.files import file_sha256

GRAPH_SUFFIX = ".onnx"
_MODEL, _WHOLE = "sfhmodel_model_sha256", "sfhmodel_sha256"


class GraphFileError(ModelFileError):
    """A light graph that is missing, damaged, or of another model."""


def graph_path(model: Path) -> Path:
    """Where the graph of a .keras file lies: beside it."""
    return model.with_suffix(GRAPH_SUFFIX)


def sealed(graph: bytes, model_sha256: str) -> bytes:
    """The content of a file of this ONNX graph, made from the .keras file with this checksum."""
    content = graph + _entry(_MODEL, model_sha256)
    return content + _entry(_WHOLE, hashlib.sha256(content).hexdigest())


def read_graph(model: Path, expected_sha256: str | None = None) -> bytes:
    """The ONNX graph beside a .keras file, when it is whole and was made from that file.

    Parameters
    ----------
    model : path of the .keras file.
    expected_sha256 : of the graph's file, where it is registered.

    Raises
    ------
    GraphFileError
        It is not there, cannot be read, is damaged, or was made from another model.
    """
    path = graph_path(model)
    again = f"make it with `sfhmodel export {model} --format onnx --overwrite`"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise GraphFileError(f"{model} has no light graph {path.name} beside it: {again}") from None
    except OSError as error:
        raise GraphFileError(f"cannot read {path}: {error.strerror or error}") from error
    before = content[: -_LENGTH[_WHOLE]]
    whole = hashlib.sha256(before).hexdigest()
    if content[len(before) :] != _entry(_WHOLE, whole):
        raise GraphFileError(f"{path} is damaged or no light graph of sfhmodel: {again}")
    if before[-_LENGTH[_MODEL] :] != _entry(_MODEL, file_sha256(model)):
        raise GraphFileError(f"{path} was made from another model than {model.name}, which was changed since: {again}")
    if expected_sha256 is not None and hashlib.sha256(content).hexdigest() != expected_sha256:
        raise GraphFileError(f"{path} is not the graph that was registered with {model.name}: {again}")
    return content


def has_graph(model: Path) -> bool:
    """Whether a usable graph lies beside a .keras file."""
    try:
        read_graph(model)
    except GraphFileError:
        return False
    return True


def graph_session(model: Path, graph: bytes):
    """onnxruntime's session of a graph that `read_graph` gave.

    Parameters
    ----------
    model : path of the .keras file, for messages.
    graph : content of the ONNX file.

    Raises
    ------
    ConfigError
        onnxruntime is not installed.
    GraphFileError
        onnxruntime cannot run the graph, or it lacks an output.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            "onnxruntime is not installed, which runs light graphs: install it with `pip install 'sfhsim[light]'`, or "
            "choose backend keras"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what matters is raised
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait leave the cores alone
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no public base class
        raise GraphFileError(f"onnxruntime cannot run {graph_path(model)}: {str(error).splitlines()[0]}") from error
    if missing := set(OUTPUT_NAMES) - {each.name for each in session.get_outputs()}:
        raise GraphFileError(f"{graph_path(model)} does not give {', '.join(sorted(missing))}: make it anew")
    return session


def session_answers(session, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name; of the inputs, those that the answers depend on are needed."""
    names = [each.name for each in session.get_inputs()]
    given = {name: np.ascontiguousarray(inputs[name], dtype=np.float32) for name in names}
    return dict(zip(OUTPUT_NAMES, session.run(list(OUTPUT_NAMES), given), strict=True))


def _entry(key: str, value: str) -> bytes:
    """``metadata_props {key: ... value: ...}`` of a ModelProto, as bytes; both texts are short."""
    texts = ((b"\x0a", key.encode("ascii")), (b"\x12", value.encode("ascii")))
    pair = b"".join(tag + bytes([len(text)]) + text for tag, text in texts)
    return b"\x72" + bytes([len(pair)]) + pair


_LENGTH = {key: len(_entry(key, "0" * 64)) for key in (_MODEL, _WHOLE)}
