"""The model of a run: opened when it is needed, with its checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from sfhmodel.spectra import PreparationSettings


class OpenedModel:
    """A model that is opened when it is needed, once for all cubes; or a `Predictor` that is open."""

    def __init__(self, model: Any):
        from sfhmodel.model_file import check_model_file
        from sfhmodel.presets import resolve

        self._predictor: Any = None if isinstance(model, str | Path) else model
        self.name = str(model) if self._predictor is None else self._predictor.name
        path = resolve(self.name)
        check_model_file(path)
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    def predictor(self, settings: PreparationSettings) -> Any:
        """One with these settings."""
        from sfhmodel.inference.loading import load
        from sfhmodel.inference.predictor import Predictor

        if self._predictor is None:
            self._predictor = load(self.name, settings=settings, backend="keras")  # cheaper a bin than the light graph
        return Predictor(self._predictor.model, settings, name=self.name)
