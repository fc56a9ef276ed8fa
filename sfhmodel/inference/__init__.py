"""From observed spectra and magnitudes to histories with uncertainties."""

from sfhmodel.inference.loading import load
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.predictor import Predictor

__all__ = ["Prediction", "Predictor", "load"]
