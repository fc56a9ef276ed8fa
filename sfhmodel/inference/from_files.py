"""From files of spectra to a table and pictures; a file that cannot be used does not stop the others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfhmodel.errors import ConfigError
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.pieces import FilesRead, Report, predicted_pieces
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.progress import progress
from sfhmodel.spectra import PreparationSettings, ReadOptions

if TYPE_CHECKING:  # it imports what predicts, which may be slow
    from sfhmodel.inference.predictor import Predictor


@dataclass(frozen=True)
class FilesOutcome(FilesRead):
    """What came of files, beside problems and notes.

    Attributes
    ----------
    prediction : of all spectra that could be used, in the order of the files.
    table : path written.
    pictures : paths written.
    """

    prediction: Prediction | None
    table: Path | None
    pictures: tuple[Path, ...] = ()

    def __str__(self) -> str:
        lines = []
        if self.prediction is not None:
            unlike = int(self.prediction.unlike_training.sum())
            spectra = "1 spectrum" if len(self.prediction) == 1 else f"{len(self.prediction)} spectra"
            words = f"{spectra}, {unlike} unlike the training data"
            if (check := self.prediction.check) is not None:
                words += f", {int(check.unlike_reproduced.sum())} not reproduced by what was predicted"
            lines.append(f"table: {self.table} ({words})")
        lines += [f"picture: {path}" for path in self.pictures]
        return self.lines(lines)


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
    report, photometry = Report(), MagnitudeSource.of(magnitudes)
    parts: list[Prediction] = []
    pictures: list[Path] = []
    stems: set[str] = set()

    @functools.cache
    def predictor() -> Predictor:
        from sfhmodel.inference.loading import load

        return load(model, settings=settings, backend=backend)

    with progress(show_progress, "spectra") as advance:
        for _, part in predicted_pieces(
            predictor,
            files,
            options,
            report,
            photometry,
            batch_size=batch_size,
            keep_inputs=plots is not None or on_piece is not None,
            check=check,
            on_progress=advance,
        ):
            if plots is not None:
                pictures += _draw(part, Path(plots), stems)
            if on_piece is not None:
                on_piece(predictor(), part)
            parts.append(part.without_inputs())  # so that memory does not grow with spectra
    told: dict = {"problems": tuple(report.problems), "notes": tuple(report.notes)}
    if not parts:
        return FilesOutcome(None, None, **told)
    prediction = Prediction.joined(parts)
    table = prediction.write(out, overwrite=overwrite)
    return FilesOutcome(prediction, table, tuple(pictures), **told)


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
