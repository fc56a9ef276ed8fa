"""What the model says about the bins of a chunk, as columns that are kept on the disk."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sfhmodel.description import OUTPUT_NAMES
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.inference.physical_limits import limited
from sfhmodel.inference.prediction import Prediction
from sfhmodel.mapping.checks import SHOWN_CHECKED, checked_bins
from sfhmodel.mapping.mass import REFERENCE_AA
from sfhmodel.mapping.sums import BinSpectra

STAGE = "histories"
_REFERENCE_HALF_WIDTH_AA = 50.0
_MOST_NOTES = 20
_KEPT = (*OUTPUT_NAMES, "at_edge", "masked_fraction")
NOTES = "notes"  # not of bins, but of the chunk
SHOWN, SHOWN_FLUX, SHOWN_ERROR = "shown_bins", "shown_flux", "shown_error"  # spectra of the bins that are pictured
OWN_COLUMNS = (*_KEPT, "problem", "flux_5500", NOTES, SHOWN, SHOWN_FLUX, SHOWN_ERROR, *SHOWN_CHECKED)

# gets the spectra of a chunk's bins and what the model says of them, gives more columns (n, ...) of them
BinHook = Callable[[BinSpectra, Prediction], Mapping[str, np.ndarray]]


@dataclass
class Histories:
    """Predicts for chunks of bins.

    Attributes
    ----------
    predictor : sfhmodel.inference.predictor.Predictor, whose settings leave sky lines to the cube.
    redshift : of the galaxy.
    frame_redshift : at which its spectra are given.
    extinction : (n_bin, p) by what to multiply, given bins; or None.
    fwhm_aa : (p,) of the observed line-spread function in the frame of the spectra, or None.
    magnitudes, magnitude_errors : (n_bin, n_band) or None.
    size : bins the model is always given, so that its arithmetic does not depend on where a chunk ends; None: as many
        as there are.
    batch_size : of the model.
    hooks : see `BinHook`; their columns are kept with the others.
    shown : bins whose spectra are kept, for pictures.
    check : hold the predictions against their spectra.
    """

    predictor: Any
    redshift: float
    frame_redshift: float
    extinction: Callable[[np.ndarray], np.ndarray] | None = None
    fwhm_aa: np.ndarray | None = None
    magnitudes: np.ndarray | None = None
    magnitude_errors: np.ndarray | None = None
    size: int | None = None
    batch_size: int = 512
    hooks: Sequence[BinHook] = ()
    shown: np.ndarray | None = None
    check: bool = False
    _notes: list[str] = field(default_factory=list)

    def __call__(self, spectra: BinSpectra) -> dict[str, np.ndarray]:
        """Columns of the bins of a chunk, NaN and ``problem`` where they cannot be used; and `NOTES`."""
        self._notes = []
        if self.extinction is not None:
            factor = self.extinction(spectra.bins).astype(np.float32)
            spectra = replace(spectra, flux=spectra.flux * factor, flux_error=spectra.flux_error * factor)
        n = spectra.bins.size
        columns: dict[str, np.ndarray] = _light_of(spectra)
        prediction = self._predict(spectra)
        if prediction is None:
            prediction = self._nothing(n)
        columns |= {name: getattr(prediction, name) for name in _KEPT}
        columns["problem"] = np.array([bool(p) for p in prediction.problems])
        at = np.flatnonzero(np.isin(spectra.bins, self.shown if self.shown is not None else ()))
        if self.check:
            of_check, notes = checked_bins(prediction, at)
            columns |= of_check
            for note in notes:
                self._note(note)
        for hook in self.hooks:
            columns |= {name: np.asarray(values) for name, values in hook(spectra, prediction).items()}
        columns |= {SHOWN: spectra.bins[at], SHOWN_FLUX: spectra.flux[at], SHOWN_ERROR: spectra.flux_error[at]}
        return columns | {NOTES: np.array(self._notes, dtype=str)}

    def _predict(self, spectra: BinSpectra) -> Prediction | None:
        n = spectra.bins.size
        rows = np.arange(max(self.size or n, n)) % n
        given = self.magnitudes, self.magnitude_errors
        magnitudes, errors = (None if x is None else x[spectra.bins[rows]] for x in given)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SfhmodelWarning)
            try:
                prediction = self.predictor.predict(
                    spectra.wave_aa,
                    spectra.flux[rows],
                    spectra.flux_error[rows],
                    magnitudes,
                    self.frame_redshift,
                    spectra.mask[rows],
                    magnitude_errors=errors,
                    resolution_fwhm_aa=self.fwhm_aa,
                    batch_size=self.batch_size,
                    names=[str(k) for k in spectra.bins[rows]],
                    on_bad="skip",
                    keep_inputs=self.check,
                )
            except InputError as error:
                self._note(str(error))
                return None
        for warning in caught:
            self._note(str(warning.message))
        prediction = prediction[:n]
        for note in prediction.notes:
            if "edge of the training range" not in note:  # the flags of the maps say so bin by bin
                self._note(note)
        outputs = {name: getattr(prediction, name) for name in OUTPUT_NAMES}
        answers = limited(outputs, prediction.description, np.full(n, self.redshift))
        at_edge = answers["at_edge"] & np.isfinite(prediction.novelty)[:, None]
        return replace(prediction, **answers | {"at_edge": at_edge, "redshift": np.full(n, self.redshift)})

    def _note(self, note: str) -> None:
        if note not in self._notes and len(self._notes) < _MOST_NOTES:
            self._notes.append(note)

    def _nothing(self, n: int) -> Prediction:
        """Of a chunk without a single spectrum that can be used."""
        d = self.predictor.description
        n_summary, n_level, n_age = len(d.summary_names), len(d.quantile_levels), d.n_age_bin

        def empty(*shape: int) -> np.ndarray:
            return np.full((n, *shape), np.nan, dtype=np.float32)

        return Prediction(
            description=d,
            names=("",) * n,
            redshift=np.full(n, self.redshift),
            mass_fraction=empty(n_age),
            metallicity=empty(n_age),
            summaries=empty(n_summary),
            cumulative_quantiles=empty(n_age, n_level),
            metallicity_quantiles=empty(n_age, n_level),
            summary_quantiles=empty(n_summary, n_level),
            novelty=empty(),
            masked_fraction=empty(),
            magnitudes=empty(d.n_band),
            magnitude_errors=empty(d.n_band),
            problems=("no spectrum of its chunk can be used",) * n,
            at_edge=np.zeros((n, n_summary), dtype=bool),
        )


def _light_of(spectra: BinSpectra) -> dict[str, np.ndarray]:
    """Mean flux (n,) around 5500 A, NaN where less than half of it is there."""
    near = np.abs(spectra.wave_aa - REFERENCE_AA) <= _REFERENCE_HALF_WIDTH_AA
    count = spectra.mask[:, near].sum(axis=1)
    total = np.sum(spectra.flux[:, near], axis=1, where=spectra.mask[:, near], dtype=np.float64)
    enough = (count > 0) & (count >= 0.5 * near.sum())
    return {"flux_5500": np.divide(total, count, out=np.full(count.shape, np.nan), where=enough)}
