"""From files of spectra to a table and pictures; a file that cannot be used does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sfhmodel.errors import ConfigError, InputError, SfhmodelWarning
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.pieces import Report
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.progress import progress
from sfhmodel.spectra import ObservedSpectrum, PreparationSettings, ReadOptions, read_pieces

if TYPE_CHECKING:  # it imports what predicts, which may be slow
    from sfhmodel.inference.predictor import Predictor


@dataclass(frozen=True)
class FilesOutcome:
    """What came of files.

    Attributes
    ----------
    prediction : of all spectra that could be used, in the order of the files.
    table : path written.
    pictures : paths written.
    problems : (file or spectrum, what is wrong).
    notes : (file, what was assumed or done).
    """

    prediction: Prediction | None
    table: Path | None
    pictures: tuple[Path, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        lines = [f"note: {where}: {what}" for where, what in self.notes]
        if self.prediction is not None:
            unlike = int(self.prediction.unlike_training.sum())
            spectra = "1 spectrum" if len(self.prediction) == 1 else f"{len(self.prediction)} spectra"
            words = f"{spectra}, {unlike} unlike the training data"
            if (check := self.prediction.check) is not None:
                words += f", {int(check.unlike_reproduced.sum())} not reproduced by what was predicted"
            lines.append(f"table: {self.table} ({words})")
        lines += [f"picture: {path}" for path in self.pictures]
        lines += [f"error: {what if where in what else f'{where}: {what}'}" for where, what in self.problems]
        return "\n".join(lines)


def predict_files(
    model: str | Path,
    files: Sequence[str | Path],
    out: str | Path,
    *,
    plots: str | Path | None = None,
    magnitudes: str | Path | None = None,
    options: ReadOptions | None = None,
    settings: PreparationSettings | None = None,
    overwrite: bool = False,
    batch_size: int = 512,
    backend: str = "auto",
    check: bool = False,
    on_piece: Callable[[Predictor, Prediction], None] | None = None,
    show_progress: bool = False,
) -> FilesOutcome:
    """Predict for every spectrum of these files and write a table, and pictures if wanted.

    Parameters
    ----------
    model : see `sfhmodel.load`.
    files : see `read_spectra`.
    out : .ecsv, .fits or .npz.
    plots : folder for ``NAME.png`` of each spectrum.
    magnitudes : see `MagnitudeSource`.
    options, settings : of reading and preparation.
    overwrite : replace the table if it exists.
    backend : see `sfhmodel.load`.
    check : see `Predictor.predict`; the table and the pictures say what comes of it.
    on_piece : is given each piece of the spectra with its inputs, before these are forgotten.

    Raises
    ------
    ModelFileError
        See `sfhmodel.load`.
    ConfigError
        The table exists, has another ending, or cannot be written; see `sfhmodel.load` for the backend.
    InputError
        The magnitudes cannot be read. What is wrong with single files is in the outcome.
    """
    from sfhmodel.files import check_new, check_writable
    from sfhmodel.inference.prediction_tables import check_table_path
    from sfhmodel.model_file import check_model_file
    from sfhmodel.presets import resolve

    out = check_table_path(out)
    check_new(out, overwrite)
    check_writable(out)
    check_model_file(resolve(model))  # before anything slow is imported
    report = Report()
    photometry = MagnitudeSource.of(magnitudes)
    pictures = None if plots is None else Path(plots)
    work = _Work(model, settings, backend, photometry, batch_size, pictures, report, check, on_piece)
    with progress(show_progress, "spectra") as advance:
        for path in files:
            work.do_file(Path(path), options or ReadOptions(), advance)
    photometry.check_rows(work.n_read)
    if not work.parts:
        return FilesOutcome(None, None, problems=tuple(report.problems), notes=tuple(report.notes))
    prediction = Prediction.joined(work.parts)
    table = prediction.write(out, overwrite=overwrite)
    return FilesOutcome(prediction, table, tuple(work.pictures), tuple(report.problems), tuple(report.notes))


@dataclass
class _Work:
    """Files one after the other, each in pieces: only results are kept, so that memory does not grow with spectra."""

    model: str | Path
    settings: PreparationSettings | None
    backend: str
    photometry: MagnitudeSource
    batch_size: int
    plots: Path | None
    report: Report
    check: bool = False
    on_piece: Callable[[Predictor, Prediction], None] | None = None
    n_read: int = 0
    parts: list[Prediction] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    _predictor: Predictor | None = None
    _stems: set[str] = field(default_factory=set)

    def do_file(self, path: Path, options: ReadOptions, advance: Callable[[int], None]) -> None:
        """All spectra of a file; what is wrong with it goes into the report."""
        try:
            for spectra in read_pieces(path, options):
                self._say(str(path), spectra)
                self._do_piece(str(path), spectra, advance)
        except InputError as error:
            self.report.problems.append((str(path), str(error)))

    def _say(self, path: str, spectra: Sequence[ObservedSpectrum]) -> None:
        for note in dict.fromkeys(note for spectrum in spectra for note in spectrum.notes):
            self.report.note(path, note)
        n_without = sum(spectrum.redshift is None for spectrum in spectra)
        if n_without and self.photometry.redshifts is None:
            what = "no redshift in it" if n_without == len(spectra) else f"no redshift of {n_without} spectra in it"
            self.report.note(path, f"{what}, taken to be at rest (--redshift)")

    def _do_piece(self, path: str, spectra: Sequence[ObservedSpectrum], advance: Callable[[int], None]) -> None:
        first, self.n_read = self.n_read, self.n_read + len(spectra)
        if self._predictor is None:
            from sfhmodel.inference.loading import load

            self._predictor = load(self.model, settings=self.settings, backend=self.backend)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SfhmodelWarning)
            try:
                part = self._predictor.predict_spectra(
                    self.photometry.given_to(spectra, first),
                    batch_size=self.batch_size,
                    on_bad="skip",
                    keep_inputs=self.plots is not None or self.on_piece is not None,
                    check=self.check,
                    on_progress=advance,
                )
            except MemoryError:
                self.report.problems.append((path, f"{path}: its spectra need more memory than there is"))
                part = None
            except InputError as error:
                self.report.problems.append((path, str(error)))
                part = None
        for warning in caught:
            self.report.note(path, str(warning.message))
        if part is None:
            return
        self.report.problems += [(path, f"{path}: {what}") for what in dict.fromkeys(part.problems) if what]
        for note in part.notes:
            self.report.note(path, note)
        if self.plots is not None:
            self.pictures += _draw(part, self.plots, self._stems)
        if self.on_piece is not None:
            self.on_piece(self._predictor, part)
        self.parts.append(part.without_inputs())


def _draw(prediction: Prediction, folder: Path, used: set[str]) -> list[Path]:
    """A picture per spectrum that has a result; names that occur twice get a number."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    paths = []
    for k, name in enumerate(prediction.names):
        if prediction.problems[k]:
            continue
        stem = plain = "".join(c if c.isalnum() or c in "._-+" else "_" for c in name)[:100] or "spectrum"
        number = 1
        while stem in used:
            number += 1
            stem = f"{plain}-{number}"
        used.add(stem)
        paths.append(prediction.plot(folder / f"{stem}.png", k))
    return paths
