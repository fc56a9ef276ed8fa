"""Opening a model to predict with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from sfhmodel.errors import SfhmodelWarning
from sfhmodel.model_file import check_model_file
from sfhmodel.presets import resolve
from sfhmodel.spectra.options import PreparationSettings

if TYPE_CHECKING:
    from sfhmodel.inference.predictor import Predictor


def load(
    path_or_preset: str | Path, *, settings: PreparationSettings | None = None, backend: str = "auto"
) -> Predictor:
    """A model, ready to predict.

    Parameters
    ----------
    path_or_preset : a .keras file, the directory of a training run (its ``model.keras`` is taken), or the name of a
        preset (`sfhmodel.presets.names`).
    settings : how spectra are prepared: sky, coverage, resolution.
    backend : 'keras', 'onnx' (the light graph beside the model file, which starts in a fraction of the time), or
        'auto': the graph where there is one that was made from this very file, and onnxruntime is installed.

    Raises
    ------
    ModelFileError
        No such file or preset; a file that is damaged, or of another kind; no light graph where it is asked for.
    ConfigError
        Another backend, or one that is not installed.

    Warns
    -----
    SfhmodelWarning
        The light graph is damaged or of another model: Keras answers. The intervals of the model were not calibrated.
    """
    from sfhmodel.inference.backends import answers_of
    from sfhmodel.inference.predictor import Predictor

    path = resolve(path_or_preset)
    check_model_file(path)
    predictor = Predictor(answers_of(path, backend), settings, name=str(path_or_preset))
    if predictor.description.calibration.get("promised") is False:
        warnings.warn(f"{path_or_preset}: {predictor.description.calibration['said']}", SfhmodelWarning, stacklevel=2)
    return predictor
