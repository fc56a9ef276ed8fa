"""Predictions for the spectra of files, a piece at a time; a file that cannot be used does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.predictor import Predictor
from sfhmodel.spectra import ReadOptions, read_pieces


@dataclass
class Report:
    """Problems, and notes that are said once, each with the file it is of."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)

    def note(self, where: str, what: str) -> None:
        self.notes[where, what] = None

    def spectra_of(self, path: str, predicted: Prediction) -> Prediction:
        """The spectra that could be used; why the others could not is told."""
        self.problems += [(path, f"{path}: {what}") for what in dict.fromkeys(predicted.problems) if what]
        return predicted[np.flatnonzero([not what for what in predicted.problems])]


def predicted_pieces(
    predictor: Predictor,
    files: Sequence[str | Path],
    options: ReadOptions | None,
    report: Report,
    photometry: MagnitudeSource | None = None,
    **how,
) -> Iterator[tuple[str, Prediction]]:
    """(file, prediction) of each piece of each file.

    ``photometry`` is for magnitudes that are not in the files, ``how`` of `Predictor.predict_spectra`.

    Raises
    ------
    InputError
        The rows of the magnitudes are not those of the spectra; after the last piece.
    """
    photometry, n_read = photometry or MagnitudeSource(), 0
    for path in map(str, files):
        try:
            for spectra in read_pieces(Path(path), options or ReadOptions()):
                first, n_read = n_read, n_read + len(spectra)
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always", SfhmodelWarning)
                    given = photometry.given_to(spectra, first)
                    predicted = predictor.predict_spectra(given, on_bad="skip", **how)
                for warning in caught:
                    report.note(path, str(warning.message))
                yield path, predicted
        except InputError as error:
            report.problems.append((path, str(error)))
    photometry.check_rows(n_read)
