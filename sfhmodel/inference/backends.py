"""What computes the answers of a model: its light graph in onnxruntime, or Keras.

Either takes prepared inputs and gives the outputs of `StarFormationModel`, equal to single precision. The graph
(`sfhmodel.graph_file`) needs neither Keras nor TensorFlow, which take seconds to import.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sfhmodel.archive import model_config
from sfhmodel.description import OUTPUT_NAMES, ModelDescription
from sfhmodel.errors import ConfigError, ModelFileError, SfhmodelWarning
from sfhmodel.graph_file import GraphFileError, graph_path, graph_session, read_graph, session_answers
from sfhmodel.model_file import open_model
from sfhmodel.presets import graph_sha256

BACKENDS = ("auto", "onnx", "keras")
_COMPILE_FROM = 1024  # spectra; compiling the Keras model takes as long as a thousand of them without


class Answers(Protocol):
    """A model that answers batches of prepared inputs."""

    description: ModelDescription

    @property
    def model(self) -> Any:
        """The StarFormationModel."""

    def run(self, inputs: Mapping[str, np.ndarray], batch_size: int, n_total: int) -> dict[str, np.ndarray]:
        """Outputs by name for one batch, at most ``batch_size`` of ``n_total`` galaxies."""


class KerasAnswers:
    """Of a StarFormationModel. Many batches run compiled, padded to one size; a few do not."""

    def __init__(self, model):
        self.model, self.description = model, model.description
        self._compiled_size: int | None = None

    def run(self, inputs: Mapping[str, np.ndarray], batch_size: int, n_total: int) -> dict[str, np.ndarray]:
        """See `Answers`."""
        from keras import backend, ops

        n = len(inputs["flux"])
        if self._compiled_size is None and n_total >= _COMPILE_FROM:
            self._compiled_size = batch_size
            # XLA takes several times as long to compile this model, which then is no faster
            self.model.jit_compile = backend.backend() != "tensorflow"
        size = self._compiled_size
        if size is None or n > size:
            outputs = self.model(dict(inputs), training=False)
            return {name: ops.convert_to_numpy(outputs[name]) for name in OUTPUT_NAMES}
        if n < size:
            pad = np.arange(size) % n
            inputs = {name: values[pad] for name, values in inputs.items()}
        outputs = self.model.predict_on_batch(dict(inputs))
        return {name: np.asarray(outputs[name])[:n] for name in OUTPUT_NAMES}


class GraphAnswers:
    """Of the light graph beside a model file.

    Parameters
    ----------
    path : of the .keras file, which `check_model_file` has passed; it holds the description.
    graph : content of the ONNX file, as `read_graph` gives it.

    Raises
    ------
    ConfigError
        onnxruntime is not installed.
    GraphFileError
        onnxruntime cannot run the graph.
    """

    def __init__(self, path: Path, graph: bytes):
        self._path = path
        self.description = _description(path)
        self._session = graph_session(path, graph)

    @cached_property
    def model(self):
        """The StarFormationModel itself, opened in Keras when it is asked for."""
        return open_model(self._path)

    def run(self, inputs: Mapping[str, np.ndarray], batch_size: int, n_total: int) -> dict[str, np.ndarray]:
        """See `Answers`."""
        return session_answers(self._session, inputs)


def answers_of(path: Path, backend: str = "auto") -> Answers:
    """What answers for the model in this file, which `check_model_file` has passed.

    Parameters
    ----------
    path : of the .keras file.
    backend : 'onnx', 'keras', or 'auto': the graph where it is usable and onnxruntime is installed, else Keras.

    Raises
    ------
    ConfigError
        An unknown backend; 'onnx' without onnxruntime.
    ModelFileError
        'onnx' without a usable graph; a model that Keras cannot open.

    Warns
    -----
    SfhmodelWarning
        There is a graph, but it is not usable: damaged, or of another model.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"no backend {backend!r}: choose from {', '.join(BACKENDS)}")
    if backend == "onnx":
        return GraphAnswers(path, read_graph(path, graph_sha256(path)))
    if backend == "auto" and graph_path(path).exists():
        try:
            return GraphAnswers(path, read_graph(path, graph_sha256(path)))
        except GraphFileError as error:
            warnings.warn(f"Keras answers, which is slower to start, for {error}", SfhmodelWarning, stacklevel=3)
        except ConfigError:  # no onnxruntime, which nobody asked for
            pass
    return KerasAnswers(open_model(path))


def _description(path: Path) -> ModelDescription:
    try:
        return ModelDescription.from_dict(model_config(path)["description"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"{path} cannot be opened: its description is not one of sfhmodel's ({error!r}); train or download it again"
        ) from error
