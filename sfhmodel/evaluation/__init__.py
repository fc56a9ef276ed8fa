"""How good a model is: metrics in NumPy on plain arrays, and a report of them with pictures.

The processing chain: `collect` runs the model over records and gives a `Prediction` with its truth; `metrics_of` makes
numbers of it; `write_report` makes pictures and a page; `evaluate` does it all.
"""

from sfhmodel.evaluation.collect import collect
from sfhmodel.evaluation.metrics import metrics_of
from sfhmodel.evaluation.report import write_report
from sfhmodel.evaluation.run import evaluate

__all__ = ["collect", "evaluate", "metrics_of", "write_report"]
