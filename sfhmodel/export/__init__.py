"""Models without Keras: a TensorFlow SavedModel that explains itself, and the light ONNX graph that predicts."""

from sfhmodel.export.folder import export
from sfhmodel.export.onnx_graph import export_onnx

__all__ = ["export", "export_onnx"]
