"""Predictions as tables with units: ECSV and FITS, or npz with the plain arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfhmodel.description import OUTPUT_NAMES
from sfhmodel.errors import ConfigError
from sfhmodel.files import written_whole

if TYPE_CHECKING:
    from sfhmodel.checking import CheckResult
    from sfhmodel.inference.prediction import Prediction

_ARRAYS = (
    "redshift",
    *OUTPUT_NAMES,
    "unlike_training",
    "at_edge",
    "masked_fraction",
    "magnitudes",
    "magnitude_errors",
    "flux",
    "flux_error",
    "mask",
    "flux_scale",
)
ENDINGS = (".ecsv", ".fits", ".npz")
_UNITS = {"dex(yr)": "dex(yr)", "dex": "dex(1)", "mag": "mag", "1": ""}


def check_table_path(path: str | Path) -> Path:
    """The path of a table; ConfigError for an ending that is not .ecsv, .fits or .npz."""
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ConfigError(f"{path}: predictions are written as {', '.join(ENDINGS)}; choose one of these endings")
    return path


def prediction_table(prediction: Prediction):
    """An astropy Table with a row per galaxy.

    Columns: name, redshift, unlike_training, novelty, masked_fraction, those of a check, at_edge, each summary with
    its median and ``_p05`` ... ``_p95``, then mass_fraction, metallicity and the quantiles as arrays. The metadata hold
    age bins, levels, wavelength range, bands, recipe and model.
    """
    from astropy.table import Table

    table = Table(meta=_metadata(prediction))
    table["name"] = np.array(prediction.names, dtype=str)
    _add(table, "redshift", prediction.redshift, "")
    _add(table, "unlike_training", prediction.unlike_training, description="novelty above 1: treat as an extrapolation")
    _add(table, "novelty", prediction.novelty, "", "score of being unlike the training data, calibrated to 1 at 99%")
    _add(table, "masked_fraction", prediction.masked_fraction, "", "of the model's pixels that had no data")
    if prediction.check is not None:
        _add_check(table, prediction.check)
    if prediction.at_edge is not None:
        at_edge = [
            ",".join(n for n, is_at in zip(prediction.summary_names, row, strict=True) if is_at)
            for row in prediction.at_edge
        ]
        description = "summaries at the edge of the training range: limits, with one-sided intervals"
        _add(table, "at_edge", np.array(at_edge, dtype=str), description=description)
    for k, (name, unit) in enumerate(zip(prediction.summary_names, prediction.summary_units, strict=True)):
        _add(table, name, prediction.summaries[:, k], _UNITS.get(unit, unit), "median")
        for j, level in enumerate(prediction.quantile_levels):
            if level != 0.5:
                _add(
                    table,
                    f"{name}_p{round(100 * level):02d}",
                    prediction.summary_quantiles[:, k, j],
                    _UNITS.get(unit, unit),
                )
    _add(table, "mass_fraction", prediction.mass_fraction, "", "of the mass formed, per age bin, youngest first")
    _add(table, "metallicity", prediction.metallicity, "", "Z of the stars of each age bin")
    formed = "mass fraction formed from today to the old edge of each age bin: (age bin, level)"
    _add(table, "cumulative_quantiles", prediction.cumulative_quantiles, "", formed)
    _add(table, "metallicity_quantiles", prediction.metallicity_quantiles, "", "Z: (age bin, level)")
    if any(prediction.problems):
        table["problem"] = np.array(prediction.problems, dtype=str)
    return table


_CHECKED = {
    "chi2": ("", "chi-square per degree of freedom of the spectrum made again from the answers"),
    "residual_rms": ("", "of the spectrum minus that made again, over the mean flux"),
    "residual_rms_sigma": ("", "of the same, in units of the errors"),
    "mismatch": ("", "chi-square with a floor of 1% of the flux in the errors, over its limit"),
    "calibration_rms": ("", "of the logarithm of the polynomial on the spectrum made again"),
    "velocity_kms": ("km/s", "of the stars, against the redshift given"),
    "velocity_dispersion_kms": ("km/s", "of the stars"),
    "line_dispersion_kms": ("km/s", "of the emission lines"),
}


def _add_check(table, check: CheckResult) -> None:
    """Columns of a check."""
    _add(table, "unlike_reproduced", check.unlike_reproduced, description="mismatch above 1: the answers do not fit")
    for name, (unit, description) in _CHECKED.items():
        _add(table, name, getattr(check, name), unit, description)


def write_prediction(prediction: Prediction, path: str | Path, overwrite: bool = True) -> Path:
    """See `Prediction.write`."""
    path = check_table_path(path)
    with written_whole(path, overwrite) as temporary:
        if path.suffix == ".npz":
            arrays: dict[str, Any] = _arrays(prediction)
            np.savez_compressed(temporary, **arrays)
        elif path.suffix == ".fits":
            _write_fits(prediction_table(prediction), temporary)
        else:
            prediction_table(prediction).write(temporary, format="ascii.ecsv")
    return path


def _add(table, name: str, values, unit: str | None = None, description: str = "") -> None:
    from astropy.table import Column

    table[name] = Column(values, unit=unit or None, description=description or None)


def _metadata(prediction: Prediction) -> dict:
    from sfhmodel import __version__

    d = prediction.description
    return {
        "model": prediction.model_name,
        "sfhmodel_version": __version__,
        "trained_on": d.dataset_name,
        "dataset_sha256": d.dataset_sha256,
        "age_bin_edges_yr": d.age_bin_edges_yr.tolist(),
        "quantile_levels": list(d.quantile_levels),
        "wave_range_aa": [float(d.wave_aa[0]), float(d.wave_aa[-1])],
        "bands": list(d.band_names),
        "notes": list(prediction.notes),
        "recipe": d.recipe,
    }


def _write_fits(table, path: Path) -> None:
    """Two tables: PREDICTION, and METADATA with a key and a JSON value a row (cards of a header are too short)."""
    import json

    from astropy.io import fits
    from astropy.table import Table

    plain = table.copy()
    plain.meta = {}
    for column in plain.itercols():
        # FITS has no logarithmic units
        if column.unit is not None and "dex" in str(column.unit):
            column.description = f"{column.description or ''} [{column.unit}]".strip()
            column.unit = None
    metadata = Table({"key": list(table.meta), "value": [json.dumps(value) for value in table.meta.values()]})
    hdus = [
        fits.PrimaryHDU(),
        fits.table_to_hdu(plain, name="PREDICTION"),
        fits.table_to_hdu(metadata, name="METADATA"),
    ]
    fits.HDUList(hdus).writeto(path)


def _arrays(prediction: Prediction) -> dict[str, np.ndarray]:
    """All arrays by name, with those that say what the axes are."""
    import json

    d = prediction.description
    arrays = {name: getattr(prediction, name) for name in _ARRAYS if getattr(prediction, name) is not None}
    if prediction.check is not None:
        arrays |= prediction.check.arrays() | {"unlike_reproduced": prediction.check.unlike_reproduced}
    return arrays | {
        "names": np.array(prediction.names, dtype=str),
        "problems": np.array(prediction.problems, dtype=str),
        "age_bin_edges_yr": d.age_bin_edges_yr,
        "quantile_levels": np.array(d.quantile_levels),
        "wave_aa": d.wave_aa,
        "bands": np.array(d.band_names, dtype=str),
        "summary_names": np.array(d.summary_names, dtype=str),
        "summary_units": np.array(d.summary_units, dtype=str),
        "metadata_json": np.array(json.dumps(_metadata(prediction))),
    }
