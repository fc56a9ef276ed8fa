"""The model with everything before and after it: preparation, batches, and a result with names and units."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.inference.arguments import (
    check_rows,
    flux_and_error,
    in_angstrom,
    in_magnitudes,
    labels_of,
    medium_of_axis,
    redshifts_of,
    two_dimensional,
)
from sfhmodel.inference.backends import Answers, KerasAnswers
from sfhmodel.inference.batches import Collector, batches, prepared_rows
from sfhmodel.inference.magnitudes import measured_magnitudes
from sfhmodel.inference.physical_limits import limited
from sfhmodel.inference.prediction import Prediction
from sfhmodel.spectra import ObservedSpectrum, PreparationSettings, PreparedSpectra, SpectrumPreparer
from sfhmodel.spectra.frame import TrainingFrame
from sfhmodel.spectra.spectrum_objects import are_spectra, spectra_of_objects

BATCH_SIZE = 512
_SHIFT_OF_BANDS = 0.01  # redshift from which on magnitudes differ visibly from those at rest


class Predictor:
    """Histories of observed galaxies, by one model.

    Parameters
    ----------
    model : StarFormationModel, or what answers in its place (`sfhmodel.inference.backends`).
    settings : how spectra are prepared, see `PreparationSettings`.
    name : of the model, for tables.
    """

    def __init__(self, model, settings: PreparationSettings | None = None, name: str = ""):
        self._answers: Answers = model if hasattr(model, "run") else KerasAnswers(model)
        self.description = model.description
        self.settings = settings or PreparationSettings()
        self.name = name
        self._prepare = SpectrumPreparer(self.description, self.settings)

    @property
    def model(self):
        """The StarFormationModel; of a light graph it is opened in Keras when it is asked for."""
        return self._answers.model

    def predict(
        self,
        wavelength_aa,
        flux=None,
        flux_error=None,
        magnitudes=None,
        redshift=None,
        mask=None,
        *,
        magnitude_errors=None,
        resolution_fwhm_aa=None,
        medium: str | None = None,
        batch_size: int = BATCH_SIZE,
        names: Sequence[str] | None = None,
        on_bad: str = "raise",
        keep_inputs: bool = True,
        check: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Predict the histories of galaxies whose spectra share one wavelength grid.

        Parameters
        ----------
        wavelength_aa : (m,) observed wavelengths, Angstrom, or an astropy Quantity; or a `specutils.Spectrum`, or a
            list of them, in place of this, ``flux``, ``flux_error`` and ``mask``.
        flux : (m,) or (n, m) flux density per Angstrom, in any unit; or a Quantity, which is converted. Masked values
            (`numpy.ma`, astropy's Masked) are bad pixels.
        flux_error : like ``flux``, one sigma; 0 or NaN where a pixel is bad. None when unknown. An astropy
            uncertainty may be a variance or an inverse variance.
        magnitudes : AB, (n, n_band) in the model's order or {band: value(s)}; NaN, 99, -99, -999 or absent = missing. A
            Quantity of a flux density is converted.
        redshift : number or (n,); 0 for spectra at rest, the default.
        mask : like ``flux`` or (m,), non-zero = use.
        magnitude_errors : like ``magnitudes``, mag; -1 says that the magnitude is none.
        resolution_fwhm_aa : (m,) FWHM of the observed line-spread function; matched to the training spectra's.
        medium : 'air' or 'vacuum', of the wavelengths; None: air, and vacuum for frequencies, energies and wavenumbers.
        batch_size : spectra at a time.
        names : (n,) of the galaxies.
        on_bad : 'raise' when a spectrum cannot be used, or 'skip': its result is NaN, and ``problems`` says why.
        keep_inputs : keep the prepared spectra in the result, for plots; 20 kB a spectrum.
        check : make each spectrum again from its answers and compare: ``check`` of the result (`sfhmodel.checking`).
        on_progress : gets the number of spectra done since the last call.

        Returns
        -------
        Prediction
            Of n galaxies; one spectrum gives n = 1.

        Raises
        ------
        InputError
            See `SpectrumPreparer` and `magnitude_array`; for a check, see `sfhmodel.checking.templates.templates_of`.

        Warns
        -----
        SfhmodelWarning
            The spectra do not cover the model's grid, or their redshift is not among those trained on.
        """
        if are_spectra(wavelength_aa):
            if flux is not None or flux_error is not None or mask is not None:
                raise InputError("give spectra, or arrays of wavelength and flux, not both")
            spectra = spectra_of_objects(wavelength_aa, names=names)
            spectra = _with_magnitudes(spectra, magnitudes, magnitude_errors, redshift, self.description.band_names)
            return self.predict_spectra(
                spectra,
                batch_size=batch_size,
                on_bad=on_bad,
                keep_inputs=keep_inputs,
                check=check,
                on_progress=on_progress,
            )
        if flux is None:
            raise InputError("flux is missing: give wavelengths and fluxes, or spectra with both")
        medium = medium or medium_of_axis(wavelength_aa)
        wavelength_aa = in_angstrom(wavelength_aa)
        flux, flux_error = flux_and_error(wavelength_aa, flux, flux_error)
        mask = None if mask is None else two_dimensional(mask, "mask")
        n = flux.shape[0]
        check_rows(n, flux_error=flux_error, mask=mask)
        if batch_size < 1 or on_bad not in ("raise", "skip"):
            raise InputError(f"batch_size {batch_size}, on_bad {on_bad!r}: need at least 1, and 'raise' or 'skip'")
        labels = labels_of(names, n)
        redshift = redshifts_of(0.0 if redshift is None else redshift, n)
        magnitudes, magnitude_errors = measured_magnitudes(
            *in_magnitudes(magnitudes, magnitude_errors), self.description.band_names, n
        )
        self._say_shifted_bands(magnitudes, redshift)

        def prepare(rows: np.ndarray) -> PreparedSpectra:
            return self._prepare(
                wavelength_aa,
                flux[rows],
                None if flux_error is None else flux_error[rows],
                None if mask is None else mask[0] if len(mask) == 1 else mask[rows],
                redshift=float(redshift[rows[0]]),
                medium=medium,
                labels=[labels[k] for k in rows],
                fwhm_aa=resolution_fwhm_aa,
            )

        result = Collector(self.description, n, keep_inputs)
        for batch in batches(redshift, batch_size):
            rows, prepared = prepared_rows(batch, prepare, result.problems, on_bad)
            if rows.size:
                inputs = {
                    name: np.concatenate([getattr(part, name) for part in prepared])
                    for name in ("flux", "flux_error", "mask")
                }
                inputs |= {"magnitudes": magnitudes[rows], "magnitude_errors": magnitude_errors[rows]}
                outputs = limited(self.run(inputs, batch_size, n), self.description, redshift[rows])
                result.add(rows, outputs, inputs, prepared)
                if check:
                    from sfhmodel.checking import check_arrays

                    seen = (inputs[name] for name in ("flux", "flux_error", "mask"))
                    result.add_check(rows, *check_arrays(self.description, outputs, *seen))
            if on_progress is not None:
                on_progress(sum(part.size for part in batch))
        return result.prediction(
            names=tuple(names) if names is not None else tuple("" if n == 1 else str(k + 1) for k in range(n)),
            redshift=redshift,
            magnitudes=magnitudes,
            magnitude_errors=magnitude_errors,
            model_name=self.name,
        )

    def predict_spectra(
        self,
        spectra: Sequence[ObservedSpectrum],
        *,
        batch_size: int = BATCH_SIZE,
        on_bad: str = "raise",
        keep_inputs: bool = True,
        check: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Predict for spectra of `sfhmodel.spectra.read_spectra`, in their order; those that share a grid go together.

        A spectrum without a redshift is taken to be at rest. Raises and warns as `predict`.
        """
        if not spectra:
            raise InputError("no spectra to predict for")
        groups: dict[tuple, list[int]] = {}
        for k, spectrum in enumerate(spectra):
            fwhm = spectrum.resolution_fwhm_aa
            key = (
                spectrum.wave_aa.tobytes(),
                spectrum.medium,
                spectrum.flux_error is None,
                None if fwhm is None else fwhm.tobytes(),
            )
            groups.setdefault(key, []).append(k)
        parts, order = [], []
        for members in groups.values():
            group = [spectra[k] for k in members]
            parts.append(
                self.predict(
                    group[0].wave_aa,
                    np.stack([s.flux for s in group]),
                    None if group[0].flux_error is None else np.stack([np.asarray(s.flux_error) for s in group]),
                    _by_band([s.magnitudes for s in group]),
                    np.array([s.redshift or 0.0 for s in group]),
                    np.stack([np.ones(s.flux.shape, bool) if s.mask is None else s.mask for s in group]),
                    magnitude_errors=_by_band([s.magnitude_errors for s in group]),
                    resolution_fwhm_aa=group[0].resolution_fwhm_aa,
                    medium=group[0].medium,
                    batch_size=batch_size,
                    names=[s.name for s in group],
                    on_bad=on_bad,
                    keep_inputs=keep_inputs,
                    check=check,
                    on_progress=on_progress,
                )
            )
            order += members
        return Prediction.joined(parts)[np.argsort(order)]

    def run(self, inputs: Mapping[str, np.ndarray], batch_size: int, n_total: int) -> dict[str, np.ndarray]:
        """The model's outputs for one batch of prepared inputs, at most ``batch_size`` of ``n_total`` galaxies."""
        return self._answers.run(inputs, batch_size, n_total)

    def _say_shifted_bands(self, magnitudes: np.ndarray, redshift: np.ndarray) -> None:
        frame = TrainingFrame.of(self.description)
        shifted = np.isfinite(magnitudes).any(axis=1) & (np.abs(redshift - frame.redshift_range[0]) > _SHIFT_OF_BANDS)
        if frame.is_fixed and shifted.any():
            warnings.warn(
                f"magnitudes are used as given, and the model knows galaxies at redshift {frame.redshift_range[0]:g} "
                f"only: give K-corrected ones for redshifts like {redshift[shifted][0]:g}",
                SfhmodelWarning,
                stacklevel=3,
            )


def _by_band(rows: Sequence[Mapping[str, float]]) -> dict[str, np.ndarray] | None:
    """{band: (n,)}, NaN where a row lacks it, or None when no row has any."""
    bands = dict.fromkeys(band for row in rows for band in row)
    return {band: np.array([row.get(band, np.nan) for row in rows], dtype=np.float64) for band in bands} or None


def _with_magnitudes(spectra, magnitudes, magnitude_errors, redshift, bands) -> list[ObservedSpectrum]:
    """Spectra with the magnitudes and redshifts that are given beside them, those of the spectra else."""
    n = len(spectra)
    mags, errors = measured_magnitudes(*in_magnitudes(magnitudes, magnitude_errors), bands, n)
    redshift = None if redshift is None else redshifts_of(redshift, n)
    return [
        replace(
            spectrum,
            magnitudes=dict(zip(bands, mags[k].tolist(), strict=True)),
            magnitude_errors=dict(zip(bands, errors[k].tolist(), strict=True)),
            redshift=spectrum.redshift if redshift is None else float(redshift[k]),
        )
        for k, spectrum in enumerate(spectra)
    ]
