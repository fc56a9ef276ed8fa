"""The model with everything before and after it: preparation, batches, and a result with names and units."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sfhmodel.description import OUTPUT_NAMES
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.inference.arguments import check_rows, in_angstrom, labels_of, redshifts_of, two_dimensional
from sfhmodel.inference.batches import Collector, batches, prepared_rows
from sfhmodel.inference.magnitudes import magnitude_array
from sfhmodel.inference.prediction import Prediction
from sfhmodel.spectra import ObservedSpectrum, PreparationSettings, PreparedSpectra, SpectrumPreparer
from sfhmodel.spectra.frame import TrainingFrame

BATCH_SIZE = 512
_COMPILE_FROM = 1024  # spectra; compiling the model takes as long as a thousand of them without
_SHIFT_OF_BANDS = 0.01  # redshift from which on magnitudes differ visibly from those at rest


class Predictor:
    """Histories of observed galaxies, by one model.

    Parameters
    ----------
    model : StarFormationModel
    settings : how spectra are prepared, see `PreparationSettings`.
    name : of the model, for tables.
    """

    def __init__(self, model, settings: PreparationSettings | None = None, name: str = ""):
        self.model = model
        self.description = model.description
        self.settings = settings or PreparationSettings()
        self.name = name
        self._prepare = SpectrumPreparer(self.description, self.settings)
        self._compiled_size: int | None = None

    def predict(
        self,
        wavelength_aa,
        flux,
        flux_error=None,
        magnitudes=None,
        redshift=0.0,
        mask=None,
        *,
        magnitude_errors=None,
        medium: str = "air",
        batch_size: int = BATCH_SIZE,
        names: Sequence[str] | None = None,
        on_bad: str = "raise",
        keep_inputs: bool = True,
        on_progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Predict the histories of galaxies whose spectra share one wavelength grid.

        Parameters
        ----------
        wavelength_aa : (m,) observed wavelengths, Angstrom (or an astropy Quantity).
        flux : (m,) or (n, m) flux density per Angstrom, in any unit.
        flux_error : like ``flux``, one sigma; 0 or NaN where a pixel is bad. None when unknown.
        magnitudes : AB, (n, n_band) in the model's order or {band: value(s)}; NaN or absent = missing.
        redshift : number or (n,); 0 for spectra at rest.
        mask : like ``flux`` or (m,), non-zero = use.
        magnitude_errors : like ``magnitudes``, mag.
        medium : 'air' or 'vacuum', of the wavelengths.
        batch_size : spectra at a time.
        names : (n,) of the galaxies.
        on_bad : 'raise' when a spectrum cannot be used, or 'skip': its result is NaN, and ``problems`` says why.
        keep_inputs : keep the prepared spectra in the result, for plots; 20 kB a spectrum.
        on_progress : gets the number of spectra done since the last call.

        Returns
        -------
        Prediction
            Of n galaxies; one spectrum gives n = 1.

        Raises
        ------
        InputError
            See `SpectrumPreparer` and `magnitude_array`.

        Warns
        -----
        SfhmodelWarning
            The spectra do not cover the model's grid, or their redshift is not among those trained on.
        """
        wavelength_aa = in_angstrom(wavelength_aa)
        flux, flux_error, mask = (two_dimensional(values) for values in (flux, flux_error, mask))
        n = flux.shape[0]
        check_rows(n, flux_error=flux_error, mask=mask)
        if batch_size < 1 or on_bad not in ("raise", "skip"):
            raise InputError(f"batch_size {batch_size}, on_bad {on_bad!r}: need at least 1, and 'raise' or 'skip'")
        labels = labels_of(names, n)
        redshift = redshifts_of(redshift, n)
        bands = self.description.band_names
        magnitudes = magnitude_array(magnitudes, bands, n)
        magnitude_errors = magnitude_array(magnitude_errors, bands, n, "magnitude_errors")
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
                result.add(rows, self.run(inputs, batch_size, n), inputs, prepared)
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
        on_progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Predict for spectra of `sfhmodel.spectra.read_spectra`, in their order; those that share a grid go together.

        A spectrum without a redshift is taken to be at rest. Raises and warns as `predict`.
        """
        if not spectra:
            raise InputError("no spectra to predict for")
        groups: dict[tuple, list[int]] = {}
        for k, spectrum in enumerate(spectra):
            key = (spectrum.wave_aa.tobytes(), spectrum.medium, spectrum.flux_error is None)
            groups.setdefault(key, []).append(k)
        parts, order = [], []
        for members in groups.values():
            group = [spectra[k] for k in members]
            parts.append(
                self.predict(
                    group[0].wave_aa,
                    np.stack([s.flux for s in group]),
                    None if group[0].flux_error is None else np.stack([s.flux_error for s in group]),
                    _by_band([s.magnitudes for s in group]),
                    np.array([s.redshift or 0.0 for s in group]),
                    np.stack([np.ones(s.flux.shape, bool) if s.mask is None else s.mask for s in group]),
                    magnitude_errors=_by_band([s.magnitude_errors for s in group]),
                    medium=group[0].medium,
                    batch_size=batch_size,
                    names=[s.name for s in group],
                    on_bad=on_bad,
                    keep_inputs=keep_inputs,
                    on_progress=on_progress,
                )
            )
            order += members
        return Prediction.joined(parts)[np.argsort(order)]

    def run(self, inputs: Mapping[str, np.ndarray], batch_size: int, n_total: int) -> dict[str, np.ndarray]:
        """The model's outputs for one batch. Many batches run compiled, padded to one size; a few do not."""
        from keras import backend, ops

        n = len(inputs["flux"])
        if self._compiled_size is None and n_total >= _COMPILE_FROM:
            self._compiled_size = batch_size
            # XLA takes several times as long to compile this model, which then is no faster
            self.model.jit_compile = backend.backend() != "tensorflow"
        size = self._compiled_size
        if size is None or n > size:
            outputs = self.model(dict(inputs), training=False)
            return {name: ops.convert_to_numpy(outputs[name]) for name in OUTPUT_NAMES}
        if n < size:
            pad = np.arange(size) % n
            inputs = {name: values[pad] for name, values in inputs.items()}
        outputs = self.model.predict_on_batch(dict(inputs))
        return {name: np.asarray(outputs[name])[:n] for name in OUTPUT_NAMES}

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
