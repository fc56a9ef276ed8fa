"""Records: tf.train.Example in TFRecord files, written and read without TensorFlow."""

from sfhsim.records.dataset import Dataset
from sfhsim.records.schema import SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION", "Dataset"]
