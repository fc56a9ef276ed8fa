"""`export_onnx`: the light graph of a model, an ONNX file that onnxruntime runs without Keras and TensorFlow.

TensorFlow traces the whole model and tf2onnx translates the trace. A graph is kept only when onnxruntime, on spectra
with gaps, without errors and of no use at all, answers as Keras does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhmodel.description import INPUT_NAMES, OUTPUT_NAMES, ModelDescription
from sfhmodel.errors import ConfigError
from sfhmodel.export.tensorflow_process import in_tensorflow, is_tensorflow
from sfhmodel.files import check_new, check_writable, file_sha256, written_whole
from sfhmodel.graph_file import GRAPH_SUFFIX, graph_path, graph_session, sealed, session_answers
from sfhmodel.model_file import check_model_file, open_model
from sfhmodel.presets import register_graph, resolve

OPSET = 17
# times the largest value of an output, or absolute where that is below 1: both round in single precision, each its way
TOLERANCE = 3e-5


def export_onnx(run_or_model: str | Path, out: str | Path | None = None, overwrite: bool = False) -> Path:
    """Write the light graph of a model, by default beside it, where `sfhmodel.load` finds it.

    Parameters
    ----------
    run_or_model : run directory, .keras file, or name of a preset. The graph is bound to the very file: after any
        change of the model it is made again.
    out : .onnx file; of the name and in the folder of the .keras file when absent.
    overwrite : replace an earlier graph.

    Returns
    -------
    Path
        Of the graph. That of a preset is registered with it.

    Raises
    ------
    ModelFileError
        No model there, or a damaged one.
    ConfigError
        ``out`` exists, has another ending, or cannot be written; TensorFlow, tf2onnx or onnxruntime is not installed;
        the model has what ONNX has not, or its graph answers otherwise than Keras.
    """
    model = resolve(run_or_model)
    check_model_file(model)
    out = graph_path(model) if out is None else Path(out)
    if out.suffix != GRAPH_SUFFIX:
        raise ConfigError(f"{out} has another ending than {GRAPH_SUFFIX}: give a file for the graph")
    check_new(out, overwrite)
    check_writable(out)
    if is_tensorflow():
        write_graph(model, out)
    elif reason := in_tensorflow("sfhmodel.export.onnx_graph", "write_graph", model, out):
        raise ConfigError(f"the light graph of {model} was not made, in a process of TensorFlow's: {reason}")
    if out.absolute() == graph_path(model).absolute():
        register_graph(model)
    return out


def write_graph(path: str | Path, out: str | Path) -> None:
    """Write the graph of a .keras file, on Keras' TensorFlow backend. Raises as `export_onnx`."""
    path = Path(path)
    model = open_model(path)
    content = sealed(_traced(model, path), file_sha256(path))
    _check_answers(model, content, path)
    with written_whole(out) as partial:
        partial.write_bytes(content)


def _traced(model, path: Path) -> bytes:
    """The ONNX graph of a model."""
    try:
        import tensorflow as tf
        import tf2onnx
    except ImportError as error:
        raise ConfigError(
            f"{error.name} is not installed, which light graphs are made with: `pip install 'sfhsim[model]'`"
        ) from error
    d = model.description
    sizes = dict(zip(INPUT_NAMES, 3 * (d.n_pixel,) + 2 * (d.n_band,), strict=True))
    signature = [tf.TensorSpec((None, size), tf.float32, name) for name, size in sizes.items()]

    @tf.function(input_signature=signature)
    def answer(*values):
        outputs = model(dict(zip(INPUT_NAMES, values, strict=True)), training=False)
        return {name: outputs[name] for name in OUTPUT_NAMES}

    try:
        proto, _ = tf2onnx.convert.from_function(answer, signature, opset=OPSET, custom_rewriter=[_selects])
        return proto.SerializeToString()
    except Exception as error:  # whatever tf2onnx meets in a network that it cannot translate
        raise ConfigError(f"{path} cannot be written as ONNX: {str(error).splitlines()[0]}") from error


def _selects(graph, nodes):
    """Of two values the one that is chosen: tf2onnx would multiply both by 0 and 1, and a NaN times 0 is NaN."""
    for node in nodes:
        if node.type in ("Select", "SelectV2"):
            node.set_attr("handles_nan", True)
    return nodes


def _check_answers(model, graph: bytes, path: Path) -> None:
    inputs = probe(model.description)
    found = session_answers(graph_session(path, graph), inputs)
    outputs = model(dict(inputs), training=False)
    for name in OUTPUT_NAMES:
        wanted = np.asarray(outputs[name])
        off = np.abs(found[name] - wanted).max() / max(1.0, float(np.abs(wanted).max()))
        if not off <= TOLERANCE:
            raise ConfigError(
                f"{path} was not written as ONNX: its graph answers otherwise than Keras, {name} by {off:.1e}, where "
                f"{TOLERANCE:g} is allowed; predict with backend keras"
            )


def probe(description: ModelDescription, n: int = 16, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs of n made-up galaxies: smooth, noisy, with gaps, without errors or bands, dark, and not finite at all."""
    rng = np.random.default_rng(seed)
    shape, bands = (n, description.n_pixel), (n, description.n_band)
    x = np.linspace(-1.0, 1.0, description.n_pixel)
    error = np.exp(rng.uniform(-6.0, -1.0, (n, 1))) * np.ones(shape)
    flux = 1.0 + 0.4 * rng.uniform(-1.0, 1.0, (n, 1)) * x + error * rng.standard_normal(shape)
    inputs = {
        "flux": flux * 10.0 ** rng.uniform(-20.0, 10.0, (n, 1)),
        "flux_error": error,
        "mask": (rng.uniform(size=shape) > 0.05).astype(float),
        "magnitudes": rng.uniform(15.0, 20.0, bands),
        "magnitude_errors": rng.uniform(0.01, 0.2, bands),
    }
    inputs["flux_error"] *= np.abs(inputs["flux"]).mean(axis=1, keepdims=True)
    inputs["mask"][1, : description.n_pixel // 2] = 0.0
    inputs["flux_error"][2] = np.nan
    inputs["flux"][3, ::5] = np.nan
    inputs["magnitudes"][4:8][rng.uniform(size=inputs["magnitudes"][4:8].shape) < 0.5] = np.nan
    inputs["magnitude_errors"][5] = np.nan
    inputs["mask"][8] = 0.0
    inputs["flux"][9] = 0.0
    inputs["flux"][10] = -inputs["flux"][10]
    inputs["flux"][11], inputs["flux_error"][11], inputs["magnitudes"][11] = np.nan, -1.0, np.nan
    inputs["flux"][12, 0] = 1e6 * np.abs(inputs["flux"][12]).max()
    return {name: values.astype(np.float32) for name, values in inputs.items()}
