"""Predictions for the spectra of files, a piece at a time; a file that cannot be used does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.prediction import Prediction
from sfhmodel.spectra import ObservedSpectrum, ReadOptions, read_pieces

if TYPE_CHECKING:  # it imports what predicts, which may be slow
    from sfhmodel.inference.predictor import Predictor


@dataclass
class Report:
    """Problems, and notes that are said once, each with the file it is of."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)

    def note(self, where: str, what: str) -> None:
        self.notes[where, what] = None

    @contextmanager
    def telling(self, path: str) -> Iterator[None]:
        """What is wrong or warned of inside becomes problems and notes of a file."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SfhmodelWarning)
            try:
                yield
            except MemoryError:
                self.problems.append((path, f"{path}: its spectra need more memory than there is"))
            except InputError as error:
                self.problems.append((path, str(error)))
        for warning in caught:
            self.note(path, str(warning.message))

    def assumed(self, path: str, spectra: Sequence[ObservedSpectrum], photometry: MagnitudeSource) -> None:
        """Note what reading assumed of spectra."""
        for note in dict.fromkeys(note for spectrum in spectra for note in spectrum.notes):
            self.note(path, note)
        n_without = sum(spectrum.redshift is None for spectrum in spectra)
        if n_without and photometry.redshifts is None:
            what = "no redshift in it" if n_without == len(spectra) else f"no redshift of {n_without} spectra in it"
            self.note(path, f"{what}, taken to be at rest (--redshift)")

    def answered(self, path: str, predicted: Prediction) -> None:
        """Note what was done to spectra, and why some have no result."""
        self.problems += [(path, f"{path}: {what}") for what in dict.fromkeys(predicted.problems) if what]
        for note in predicted.notes:
            self.note(path, note)


@dataclass(frozen=True, kw_only=True)
class FilesRead:
    """What came of reading files, of whatever was made of them.

    Attributes
    ----------
    problems : (file or spectrum, what is wrong).
    notes : (file, what was assumed or done).
    """

    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    def lines(self, done: Sequence[str]) -> str:
        """Notes, what was done, and problems, a line each."""
        notes = [f"note: {where}: {what}" for where, what in self.notes]
        problems = [f"error: {what if where in what else f'{where}: {what}'}" for where, what in self.problems]
        return "\n".join([*notes, *done, *problems])


def usable(predicted: Prediction) -> Prediction:
    """The spectra that have a result."""
    return predicted[np.flatnonzero([not what for what in predicted.problems])]


def predicted_pieces(
    predictor: Callable[[], Predictor],
    files: Sequence[str | Path],
    options: ReadOptions | None,
    report: Report,
    photometry: MagnitudeSource | None = None,
    **how,
) -> Iterator[tuple[str, Prediction]]:
    """(file, prediction) of each piece of each file; what is wrong or was assumed goes into the report.

    ``predictor`` is first called when there is something to predict, ``photometry`` is for magnitudes that are not in
    the files, ``how`` of `Predictor.predict_spectra`.

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
                report.assumed(path, spectra, photometry)
                network, predicted = predictor(), None
                with report.telling(path):
                    predicted = network.predict_spectra(photometry.given_to(spectra, first), on_bad="skip", **how)
                if predicted is not None:
                    report.answered(path, predicted)
                    yield path, predicted
        except InputError as error:
            report.problems.append((path, str(error)))
    photometry.check_rows(n_read)
