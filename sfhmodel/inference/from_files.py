"""From files of spectra to a table and pictures; a file that cannot be used does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sfhmodel.errors import ConfigError, InputError, SfhmodelWarning
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.prediction import Prediction
from sfhmodel.spectra import ObservedSpectrum, PreparationSettings, ReadOptions, read_spectra


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
            lines.append(f"table: {self.table} ({spectra}, {unlike} unlike the training data)")
        lines += [f"picture: {path}" for path in self.pictures]
        lines += [f"error: {what if where in what else f'{where}: {what}'}" for where, what in self.problems]
        return "\n".join(lines)


@dataclass
class _Report:
    """Problems and notes so far."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)

    def note(self, where: str, what: str) -> None:
        self.notes[where, what] = None


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

    Raises
    ------
    ModelFileError
        See `sfhmodel.load`.
    ConfigError
        The table exists, has another ending, or cannot be written.
    InputError
        The magnitudes cannot be read. What is wrong with single files is in the outcome.
    """
    from sfhmodel.inference.files import check_new
    from sfhmodel.inference.loading import load
    from sfhmodel.inference.tables import check_table_path
    from sfhmodel.model_file import check_model_file, resolve

    out = check_table_path(out)
    check_new(out, overwrite)
    check_model_file(resolve(model))  # before anything slow is imported
    report = _Report()
    photometry = MagnitudeSource.of(magnitudes)
    groups = _read(files, options or ReadOptions(), report)
    photometry.check_rows(sum(len(spectra) for _, spectra in groups))
    if not groups:
        return FilesOutcome(None, None, problems=tuple(report.problems), notes=tuple(report.notes))
    predictor = load(model, settings=settings)
    parts = _predict(predictor, groups, photometry, batch_size, plots is not None, show_progress, report)
    if not parts:
        return FilesOutcome(None, None, problems=tuple(report.problems), notes=tuple(report.notes))
    prediction = Prediction.joined(parts)
    table = prediction.write(out, overwrite=overwrite)
    pictures = _draw(prediction, Path(plots), show_progress) if plots is not None else ()
    return FilesOutcome(prediction, table, pictures, tuple(report.problems), tuple(report.notes))


def _read(files, options: ReadOptions, report: _Report) -> list[tuple[str, list[ObservedSpectrum]]]:
    groups = []
    for path in files:
        try:
            spectra = read_spectra(path, options)
        except InputError as error:
            report.problems.append((str(path), str(error)))
            continue
        for note in dict.fromkeys(note for spectrum in spectra for note in spectrum.notes):
            report.note(str(path), note)
        if any(spectrum.redshift is None for spectrum in spectra):
            report.note(str(path), "no redshift in it, taken to be at rest (--redshift)")
        groups.append((str(path), spectra))
    return groups


def _predict(
    predictor, groups, photometry: MagnitudeSource, batch_size: int, keep_inputs: bool, show: bool, report: _Report
) -> list[Prediction]:
    parts, first = [], 0
    with _progress(show, "spectra", sum(len(spectra) for _, spectra in groups)) as advance:
        for path, spectra in groups:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", SfhmodelWarning)
                try:
                    part = predictor.predict_spectra(
                        photometry.given_to(spectra, first),
                        batch_size=batch_size,
                        on_bad="skip",
                        keep_inputs=keep_inputs,
                        on_progress=advance,
                    )
                except InputError as error:
                    report.problems.append((path, str(error)))
                    part = None
            for warning in caught:
                report.note(path, str(warning.message))
            first += len(spectra)
            if part is not None:
                report.problems += [(path, f"{path}: {what}") for what in dict.fromkeys(part.problems) if what]
                for note in part.notes:
                    report.note(path, note)
                parts.append(part)
    return parts


def _draw(prediction: Prediction, folder: Path, show: bool) -> tuple[Path, ...]:
    """A picture per spectrum that has a result; names that occur twice get a number."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    paths, used = [], set()
    with _progress(show, "pictures", len(prediction)) as advance:
        for k, name in enumerate(prediction.names):
            advance(1)
            if prediction.problems[k]:
                continue
            stem = plain = "".join(c if c.isalnum() or c in "._-+" else "_" for c in name) or "spectrum"
            number = 1
            while stem in used:
                number += 1
                stem = f"{plain}-{number}"
            used.add(stem)
            paths.append(prediction.plot(folder / f"{stem}.png", k))
    return tuple(paths)


@contextmanager
def _progress(show: bool, title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A rich bar, or nothing; gives a function that advances it."""
    if not show:
        yield lambda count: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
