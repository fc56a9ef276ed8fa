"""Many spectra in one npz or HDF5 file, as arrays with fixed names.

wavelength_aa (m,) or (n, m)     flux (n, m) or (m,)
flux_error, mask (n, m)          optional; mask: non-zero = use
redshift (n,) or a number        optional
magnitudes, magnitude_errors     optional, (n, n_band) with ``bands`` (n_band,), the names
names (n,)                       optional
"""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.units import to_angstrom, to_error

DESCRIPTION = "npz or HDF5 of many spectra: wavelength_aa, flux, flux_error, mask, redshift, magnitudes, bands, names"

KEYS = (
    "wavelength_aa",
    "flux",
    "flux_error",
    "mask",
    "redshift",
    "magnitudes",
    "magnitude_errors",
    "bands",
    "names",
)


def recognises(source: SourceFile) -> bool:
    """By the first bytes."""
    return source.kind in ("npz", "hdf5")


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """A spectrum per row."""
    arrays = _load(source)
    if missing := [key for key in KEYS[:2] if key not in arrays]:
        raise InputError(f"there is no {' and no '.join(missing)} in it: keys are {', '.join(KEYS)}")
    rows = _rows(arrays, source, options)
    flux, n = rows["flux"], len(rows["flux"])
    medium = source.medium(options, "air")
    kind = options.error_is or "error"
    return [
        source.spectrum(
            rows["wave_aa"][k],
            flux[k],
            None if rows["flux_error"][k] is None else to_error(rows["flux_error"][k], kind),
            None if rows["mask"][k] is None else (rows["mask"][k] != 0) == (options.mask_means == "use"),
            medium=medium,
            **{key: rows[key][k] for key in ("redshift", "name", "magnitudes", "magnitude_errors")},
        )
        for k in range(n)
    ]


def _load(source: SourceFile) -> dict[str, np.ndarray]:
    if source.kind == "npz":
        import zipfile

        try:
            with open(source.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                return {key: file[key] for key in KEYS if key in file.files}
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise InputError(f"it is a damaged npz file: {error}") from error
    import h5py

    try:
        with h5py.File(source.path, "r") as file:
            return {key: file[key][()] for key in KEYS if key in file}
    except OSError as error:
        raise InputError(f"it is a damaged HDF5 file: {error}") from error


def _rows(arrays: dict[str, np.ndarray], source: SourceFile, options: ReadOptions) -> dict[str, list | np.ndarray]:
    """What each spectrum needs, a row per spectrum; None where there is nothing."""
    flux = np.atleast_2d(arrays["flux"])
    n = flux.shape[0]
    wave_aa = to_angstrom(arrays["wavelength_aa"], options.wave_unit)
    redshift = arrays.get("redshift", np.nan) if options.redshift is None else options.redshift
    if np.size(redshift) not in (1, n):
        raise InputError(f"there are {np.size(redshift)} redshifts and {n} spectra: give one, or one each")
    rows = {
        "flux": flux,
        "wave_aa": wave_aa if wave_aa.ndim > 1 else [wave_aa] * n,
        "flux_error": np.atleast_2d(arrays["flux_error"]) if "flux_error" in arrays else [None] * n,
        "mask": np.atleast_2d(arrays["mask"]) if "mask" in arrays else [None] * n,
        "redshift": [float(z) if np.isfinite(z) else None for z in np.broadcast_to(redshift, (n,))],
        "name": _names(arrays.get("names"), source, n),
        "magnitudes": _by_band(arrays, "magnitudes", n),
        "magnitude_errors": _by_band(arrays, "magnitude_errors", n),
    }
    if wrong := [key for key, values in rows.items() if len(values) != n]:
        raise InputError(f"{', '.join(wrong)}: {len(rows[wrong[0]])} rows where flux has {n}: one row per spectrum")
    return rows


def _names(names, source: SourceFile, n: int) -> list[str]:
    if names is None:
        return [f"{plain_name(source.path)}-{k + 1}" if n > 1 else "" for k in range(n)]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in np.atleast_1d(names)]


def _by_band(arrays: dict[str, np.ndarray], key: str, n: int) -> list[dict[str, float]]:
    """Of each spectrum, the values by band name."""
    if key not in arrays:
        return [{}] * n
    values = np.atleast_2d(arrays[key])
    if "bands" not in arrays:
        raise InputError(f"{key} needs `bands`, the names of its columns")
    bands = [band.decode() if isinstance(band, bytes) else str(band) for band in np.atleast_1d(arrays["bands"])]
    if values.shape != (n, len(bands)):
        raise InputError(f"{key} has shape {values.shape}: need ({n}, {len(bands)}), spectra by bands")
    return [dict(zip(bands, row.tolist(), strict=True)) for row in values]
