"""Models for programs that know nothing of sfhmodel or Keras: a TensorFlow SavedModel that explains itself."""

from sfhmodel.export.folder import export

__all__ = ["export"]
