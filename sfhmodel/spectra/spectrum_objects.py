"""Spectra as objects: `specutils.Spectrum`, astropy's Quantity, masked arrays and `astropy.nddata` uncertainties.

Nothing is imported for them: objects are told by what they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.vocabulary import medium_of

_KINDS = {"std": "error", "var": "variance", "ivar": "inverse_variance"}


def is_spectrum(value) -> bool:
    """Whether this is a specutils.Spectrum or the like: an object with ``spectral_axis`` and ``flux``."""
    return hasattr(value, "spectral_axis") and hasattr(value, "flux")


def are_spectra(value) -> bool:
    """Whether this is one such object, or a list of them."""
    if is_spectrum(value):
        return True
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(is_spectrum(one) for one in value)


def spectra_of_objects(
    objects, source: SourceFile | None = None, options: ReadOptions | None = None, names: Sequence[str] | None = None
) -> list[ObservedSpectrum]:
    """Spectra of one or several objects with ``spectral_axis`` and ``flux``.

    Raises
    ------
    InputError
        Units that cannot be converted, uncertainties of an unknown kind.
    """
    objects = [objects] if is_spectrum(objects) else list(objects)
    options, spectra = options or ReadOptions(), []
    for k, one in enumerate(objects):
        own = source or SourceFile(Path(f"spectrum {k + 1}"), "object")
        raw = _raw(one)
        n = int(np.prod(np.shape(raw.flux.values)[:-1], dtype=int))
        label = getattr(source, "path", Path("")).stem or "spectrum"
        numbered = len(objects) > 1 or n > 1
        raw.names = [f"{label}-{len(spectra) + j + 1}" if numbered else "" for j in range(n)]
        spectra += observed_spectra(raw, own, options)
    if names is not None:
        from dataclasses import replace

        if len(names) != len(spectra):
            raise InputError(f"{len(names)} names for {len(spectra)} spectra: give one each")
        spectra = [replace(one, name=str(name)) for one, name in zip(spectra, names, strict=True)]
    return spectra


def _raw(one) -> RawSpectra:
    flux, unit = plain_values(one.flux)
    wave, wave_unit = plain_values(one.spectral_axis)
    flux = flux.reshape(-1, flux.shape[-1]) if flux.ndim > 1 else flux
    error = error_values(getattr(one, "uncertainty", None), "the uncertainty")
    mask = getattr(one, "mask", None)
    mask = None if mask is None or mask is False else Values(np.asarray(mask), "", "the mask", "ignore")
    shaped = [
        None if v is None else Values(np.asarray(v.values).reshape(flux.shape), v.unit, v.where, v.kind)
        for v in (error, mask)
    ]
    meta = getattr(one, "meta", None) or {}
    return RawSpectra(
        Values(wave, wave_unit, "the spectral axis"),
        Values(flux, unit, "the flux"),
        *shaped,
        medium=medium_of(str(meta.get("medium", ""))),
        **_redshift(one),
    )


def _redshift(one) -> dict:
    """The redshift of the object, where one was set."""
    value = getattr(one, "redshift", None)
    value = float(np.ravel(getattr(value, "value", value))[0]) if value is not None and np.size(value) == 1 else 0.0
    return {"redshift": value, "redshift_where": "the spectrum"} if value else {}


def plain_values(values) -> tuple[np.ndarray, str]:
    """Numbers, NaN where masked, and their unit as a string, of arrays, Quantity, Masked and np.ma."""
    unit = getattr(values, "unit", None)
    mask = getattr(values, "mask", None) if hasattr(values, "unmasked") or np.ma.isMA(values) else None
    if hasattr(values, "unmasked"):
        values = values.unmasked
    if np.ma.isMA(values):
        values = values.data
    array = np.asarray(getattr(values, "value", values))
    if mask is not None and np.any(mask):
        array = np.where(mask, np.nan, array.astype(np.float64))
    return array, "" if unit is None else str(unit)


def error_values(uncertainty, where: str) -> Values | None:
    """Errors of an `astropy.nddata` uncertainty, a Quantity or an array.

    Raises
    ------
    InputError
        An uncertainty that is no standard deviation, variance or inverse variance.
    """
    if uncertainty is None:
        return None
    kind = getattr(uncertainty, "uncertainty_type", None)
    if kind is None:
        array, unit = plain_values(uncertainty)
        return Values(array, unit, where, "error")
    if kind not in _KINDS:
        raise InputError(
            f"{where} is of the kind {kind!r}: give a StdDevUncertainty, VarianceUncertainty or InverseVariance"
        )
    array, _ = plain_values(uncertainty.array)
    return Values(array, "" if uncertainty.unit is None else str(uncertainty.unit), where, _KINDS[kind])
