"""Training data: the records of a data set on disk, or straight from the simulator, as batches for a model."""

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.live import live_batches
from sfhmodel.data.pipeline import batches
from sfhmodel.data.split_records import RecordBatch, SplitRecords

__all__ = ["RecordBatch", "SplitRecords", "TrainingData", "batches", "live_batches"]
