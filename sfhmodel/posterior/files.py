"""From files of spectra to a file of samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.files import check_new, check_writable
from sfhmodel.inference import load
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.pieces import Report, predicted_pieces
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.progress import progress
from sfhmodel.posterior.posterior import Posterior
from sfhmodel.posterior.samples import PosteriorSamples, check_window, window_yr
from sfhmodel.presets import resolve
from sfhmodel.spectra import PreparationSettings, ReadOptions


def sample_files(
    model: str | Path,
    flow: str | Path,
    files: Sequence[str | Path],
    out: str | Path,
    *,
    n: int = 200,
    seed: int = 0,
    windows: Sequence[str] = ("0-100Myr",),
    correct: bool = False,
    magnitudes: str | Path | None = None,
    options: ReadOptions | None = None,
    settings: PreparationSettings | None = None,
    overwrite: bool = False,
    show_progress: bool = False,
) -> tuple[PosteriorSamples, list[str]]:
    """Samples for the spectra of files, written as FITS (`PosteriorSamples.write`).

    Parameters
    ----------
    model : run, .keras file or preset.
    flow : file of `train_posterior`, of this model.
    files : of spectra, as `sfhmodel predict` reads them.
    n, seed, windows, correct : of the samples, see `Posterior.sample`, `PosteriorSamples.quantities`.
    magnitudes : see `sfhmodel.inference.magnitude_files.MagnitudeSource`.

    Returns
    -------
    (PosteriorSamples, problems)
        What is wrong with files and spectra that could not be used, in words.

    Raises
    ------
    ConfigError, ModelFileError
        The file exists; no such model, or a flow of another one.
    InputError
        An impossible window; not one spectrum can be used; magnitudes of other spectra; see `Posterior.sample`.
    """
    check_new(Path(out), overwrite)
    check_writable(Path(out))
    posterior = Posterior.load(flow)
    posterior.check_of(resolve(model))
    posterior.check_correctable(correct, n)
    photometry = MagnitudeSource.of(magnitudes)
    predictor, parts, report = load(model, settings=settings, backend="keras"), [], Report()
    edges = predictor.description.age_bin_edges_yr
    for window in windows:
        check_window(edges, *window_yr(window))
    with progress(show_progress, "spectra") as advance:
        for path, predicted in predicted_pieces(predictor, files, options, report, photometry, on_progress=advance):
            if len(usable := report.spectra_of(path, predicted)):
                parts.append(usable)
    for path, what in report.notes:
        warnings.warn(f"{path}: {what}", SfhmodelWarning, stacklevel=2)
    problems = [what if path in what else f"{path}: {what}" for path, what in report.problems]
    if not parts:
        raise InputError(f"not one spectrum can be used; {problems[0] if problems else 'no files are given'}")
    with progress(show_progress, "galaxies sampled") as advance:
        found = posterior.sample(predictor, Prediction.joined(parts), n, seed, correct, advance)
    found.write(out, windows, overwrite)
    return found, problems
