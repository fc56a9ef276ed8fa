"""`sfhmodel residuals`: from files of observed spectra to a bank of what no model spectrum has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sfhmodel.checking.bank import ResidualBank
from sfhmodel.checking.residuals import residuals
from sfhmodel.checking.templates import templates_of
from sfhmodel.description import ModelDescription
from sfhmodel.errors import ConfigError
from sfhmodel.inference.pieces import FilesRead, Report, predicted_pieces
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.progress import progress
from sfhmodel.spectra import PreparationSettings, ReadOptions

HIGHEST_MISMATCH = 4.0  # beyond, it is the answer that is wrong: another redshift, no galaxy
LEAST_GOOD = 0.5  # of the pixels


@dataclass(frozen=True)
class BankOutcome(FilesRead):
    """What came of files: the bank and its path; the problems are those of what is not in it."""

    bank: ResidualBank | None
    path: Path | None

    @property
    def ok(self) -> bool:
        return self.bank is not None

    def __str__(self) -> str:
        lines = [f"note: {where}: {what}" for where, what in self.notes]
        lines += [f"left out: {what if where in what else f'{where}: {what}'}" for where, what in self.problems]
        if self.bank is None:
            return "\n".join([*lines, "error: not one spectrum can be used: no bank was written"])
        n, rms = len(self.bank), self.bank.rms
        rows = "1 row" if n == 1 else f"{n} rows"
        lines.append(f"bank: {self.path} ({rows}, rms {rms.min():.1%} to {rms.max():.1%} of the flux)")
        return "\n".join(lines)


@dataclass
class _Work(Report):
    rows: list[np.ndarray] = field(default_factory=list)
    good: list[np.ndarray] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, path: str, predicted: Prediction, line_wave_aa: np.ndarray) -> None:
        """The rows of checked predictions that can be used."""
        assert predicted.check is not None
        arrays = (predicted.flux, predicted.flux_error, predicted.mask)
        found = residuals(predicted.check, predicted.description.wave_aa, line_wave_aa, *arrays)
        for k, name in enumerate(predicted.names):
            name, good, row = name or Path(path).name, found.good[k], found.residual[k]
            mismatch = float(predicted.check.mismatch[k])
            if predicted.problems[k]:
                continue  # told already
            if good.mean() < LEAST_GOOD:
                self.problems.append((path, f"{name}: {good.mean():.0%} of the pixels can be compared"))
            elif not mismatch <= HIGHEST_MISMATCH:
                what = "the prediction does not fit; is the redshift right?"
                self.problems.append((path, f"{name}: mismatch {mismatch:.1f}, at most {HIGHEST_MISMATCH:g}: {what}"))
            else:
                self.rows.append(row)
                self.good.append(good)
                self.names.append(name)

    def bank(self, description: ModelDescription, about: dict) -> ResidualBank | None:
        if not self.rows:
            return None
        return ResidualBank(
            np.array(self.rows), np.array(self.good), description.wave_aa, tuple(self.names), about=about
        )


def residual_bank(
    model: str | Path,
    files: Sequence[str | Path],
    out: str | Path,
    *,
    options: ReadOptions | None = None,
    settings: PreparationSettings | None = None,
    overwrite: bool = False,
    show_progress: bool = False,
) -> BankOutcome:
    """Predict for every spectrum of these files, make it again, and write what is left of them all.

    Parameters
    ----------
    model : see `sfhmodel.load`.
    files : see `read_spectra`.
    out : .npz.
    options, settings : of reading and preparation.
    overwrite : replace the file if it exists.

    Raises
    ------
    ModelFileError
        See `sfhmodel.load`.
    ConfigError
        The bank exists, has another ending, or cannot be written.
    InputError
        Spectra of the model cannot be made again. What is wrong with single files is in the outcome.
    """
    from sfhmodel import __version__
    from sfhmodel.files import check_new, check_writable
    from sfhmodel.inference.loading import load

    out = Path(out)
    if out.suffix != ".npz":
        raise ConfigError(f"{out}: a bank of residuals is written as .npz; choose this ending")
    check_new(out, overwrite)
    check_writable(out)
    predictor = load(model, settings=settings)
    templates, _ = templates_of(predictor.description)
    work = _Work()
    with progress(show_progress, "spectra") as advance:
        for path, predicted in predicted_pieces(
            lambda: predictor, files, options, work, check=True, on_progress=advance
        ):
            work.add(path, predicted, templates.line_wave_aa)
    about = {
        "files": [Path(path).name for path in files],
        "model": Path(model).name,
        "trained_on": predictor.description.dataset_name,
        "dataset_sha256": predictor.description.dataset_sha256,
        "library": templates.library,
        "sfhmodel_version": __version__,
    }
    bank = work.bank(predictor.description, about)
    written = None if bank is None else bank.write(out, overwrite)
    return BankOutcome(bank, written, problems=tuple(work.problems), notes=tuple(work.notes))
