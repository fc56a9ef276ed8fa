"""From files of spectra to a file of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sfhmodel.errors import InputError
from sfhmodel.files import check_new, check_writable
from sfhmodel.inference import Predictor, load
from sfhmodel.inference.magnitude_files import MagnitudeSource
from sfhmodel.inference.pieces import FilesRead, Report, predicted_pieces, usable
from sfhmodel.inference.prediction import Prediction
from sfhmodel.inference.progress import progress
from sfhmodel.posterior.posterior import Posterior
from sfhmodel.posterior.samples import PosteriorSamples, check_window, window_yr
from sfhmodel.presets import resolve
from sfhmodel.spectra import PreparationSettings, ReadOptions

_SETTLED = 2.0  # times renewed: at 1.0 a galaxy of benchmarks.nested lost 0.9 of its posterior, and no weights told
_HANG_TOGETHER = (
    "these samples were made anew less than twice in a step (column renewed): medians are less certain than so many "
    "samples say; compare them with those of another --seed"
)
_NOT_WEIGHED = (
    "the weights of these samples were worth too little at last (column weighted_samples): they are those of before, "
    "less certain in medians and shares of histories; compare them with those of another --seed"
)


@dataclass(frozen=True)
class SamplesOutcome(FilesRead):
    """What came of files, beside problems and notes.

    Attributes
    ----------
    samples : of all spectra that could be used, in the order of the files.
    path : written.
    """

    samples: PosteriorSamples
    path: Path

    def __str__(self) -> str:
        n_sample, n = self.samples.a_v_mag.shape[1], len(self.samples)
        done = f"samples: {self.path} ({n_sample} of {'1 spectrum' if n == 1 else f'{n} spectra'})"
        return self.lines([done])


class FileSampling:
    """Samples of spectra that are predicted piece by piece, for one file; what is wrong is told before any is read.

    Parameters
    ----------
    model : run, .keras file or preset.
    flow : file of `train_posterior`, of this model.
    out : FITS file to write.
    n, seed, windows, correct : of the samples, see `Posterior.sample`, `PosteriorSamples.quantities`.
    overwrite : replace the file if it exists.

    Raises
    ------
    ConfigError, ModelFileError
        The file exists; no such model, or a flow of another one.
    InputError
        An impossible window; see `Posterior.sample`.
    """

    def __init__(
        self,
        model: str | Path,
        flow: str | Path,
        out: str | Path,
        *,
        n: int = 200,
        seed: int = 0,
        windows: Sequence[str] = ("0-100Myr",),
        correct: bool = False,
        overwrite: bool = False,
    ):
        self.out, self.overwrite, self._windows = Path(out), overwrite, windows
        self._how: dict = {"n": n, "seed": seed, "correct": correct}
        check_new(self.out, overwrite)
        check_writable(self.out)
        self._posterior = Posterior.load(flow)
        self._posterior.check_of(resolve(model))
        self._posterior.check_correctable(correct)
        for window in windows:
            window_yr(window)
        self._predictor: Predictor | None = None
        self._parts: list[Prediction] = []

    def take(self, predictor: Predictor, predicted: Prediction) -> None:
        """A piece, with its inputs, by Keras; spectra that could not be used are left out."""
        self._predictor = predictor
        if len(found := usable(predicted)):
            self._parts.append(found)

    def finish(self, show_progress: bool = False) -> PosteriorSamples | None:
        """Sample, and write the file; None where there was no spectrum."""
        if self._predictor is None or not self._parts:
            return None
        with progress(show_progress, "galaxies sampled") as advance:
            found = self._posterior.sample(
                self._predictor, Prediction.joined(self._parts), **self._how, on_progress=advance
            )
        found.write(self.out, self._windows, self.overwrite)
        return found


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
) -> SamplesOutcome:
    """Samples for the spectra of files, written as FITS (`PosteriorSamples.write`).

    Parameters
    ----------
    model : run, .keras file or preset.
    flow : file of `train_posterior`, of this model.
    files : of spectra, as `sfhmodel predict` reads them.
    n, seed, windows, correct : of the samples, see `Posterior.sample`, `PosteriorSamples.quantities`.
    magnitudes : see `sfhmodel.inference.magnitude_files.MagnitudeSource`.

    Raises
    ------
    ConfigError, ModelFileError, InputError
        See `FileSampling`; not one spectrum can be used; magnitudes of other spectra.
    """
    sampling = FileSampling(model, flow, out, n=n, seed=seed, windows=windows, correct=correct, overwrite=overwrite)
    photometry, report = MagnitudeSource.of(magnitudes), Report()
    predictor = load(model, settings=settings, backend="keras")
    for window in windows:
        check_window(predictor.description.age_bin_edges_yr, *window_yr(window))
    with progress(show_progress, "spectra") as advance:
        for _, predicted in predicted_pieces(
            lambda: predictor, files, options, report, photometry, on_progress=advance
        ):
            sampling.take(predictor, predicted)
    if (found := sampling.finish(show_progress)) is None:
        problem = report.problems[0][1] if report.problems else "no files are given"
        raise InputError(f"not one spectrum can be used; {problem}")
    notes = (*report.notes, *_unsettled(found))
    return SamplesOutcome(found, sampling.out, problems=tuple(report.problems), notes=notes)


def _unsettled(samples: PosteriorSamples) -> tuple[tuple[str, str], ...]:
    """A note for each galaxy whose samples still hang together after all attempts, or were not weighed at last."""
    if samples.renewed is None or samples.weighted_samples is None:
        return ()
    notes = []
    for name, renewed, weighted in zip(samples.names, samples.renewed, samples.weighted_samples, strict=True):
        if renewed < _SETTLED:
            notes.append((name, _HANG_TOGETHER))
        elif weighted == 0.0:
            notes.append((name, _NOT_WEIGHED))
    return tuple(notes)
