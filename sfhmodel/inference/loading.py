"""Opening a model to predict with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfhmodel.model_file import check_model_file, open_model
from sfhmodel.presets import resolve
from sfhmodel.spectra.options import PreparationSettings

if TYPE_CHECKING:
    from sfhmodel.inference.predictor import Predictor


def load(path_or_preset: str | Path, *, settings: PreparationSettings | None = None) -> Predictor:
    """A model, ready to predict.

    Parameters
    ----------
    path_or_preset : a .keras file, the directory of a training run (its ``model.keras`` is taken), or the name of a
        preset (`sfhmodel.presets.names`).
    settings : how spectra are prepared: sky, coverage, resolution.

    Raises
    ------
    ModelFileError
        No such file or preset; a file that is damaged, or of another kind.
    """
    from sfhmodel.inference.predictor import Predictor

    path = resolve(path_or_preset)
    check_model_file(path)
    return Predictor(open_model(path), settings, name=str(path_or_preset))
