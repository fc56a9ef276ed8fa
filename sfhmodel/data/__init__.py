"""Training data: the records of a data set on disk, or straight from the simulator, as batches for a model."""

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.live import live_batches
from sfhmodel.data.pipeline import batches

__all__ = ["TrainingData", "batches", "live_batches"]
