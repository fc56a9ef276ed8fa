"""Velocities in files: images, PHANGS' MAPS, MaNGA's DAP MAPS, maps and tables of GIST and nGIST, and our own maps.

MaNGA's velocities are those of its own systemic redshift (SCINPVEL in the header); they are moved to that of the user.
GIST and nGIST count theirs from the first pixel of templates sampled twice as finely as the data, where pPXF wants the
middle of the first two: they are higher than their spectra say by a quarter of VELSCALE. This is said, not undone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.mapping.binning.given import bin_map_of_file
from sfhmodel.mapping.kinematics.field import VelocityField
from sfhmodel.spectra.frame import C_KMS
from sfhmodel.spectra.source import open_source

_NAMES = {
    "velocity": ("STELLAR_VEL", "V_STARS", "V", "VEL", "VELOCITY"),
    "velocity_error": ("FORM_ERR_V_STARS", "FORM_ERR_V", "V_STARS_ERR", "V_ERR", "ERR_V", "VEL_ERR"),
    "dispersion": ("STELLAR_SIGMA", "SIGMA_STARS", "SIGMA", "DISPERSION"),
    "dispersion_error": ("FORM_ERR_SIGMA_STARS", "FORM_ERR_SIGMA", "SIGMA_STARS_ERR", "SIGMA_ERR", "ERR_SIGMA"),
}


def velocity_field_of_file(
    path: Path, shape: tuple[int, int], redshift: float, dispersion: Path | None = None, notes: list[str] | None = None
) -> VelocityField:
    """The velocities of a file on a cube's spaxels.

    Parameters
    ----------
    path : of the velocities, and perhaps dispersions and errors.
    shape : (n_y, n_x) of the cube.
    redshift : of the galaxy, which the cube is shifted by.
    dispersion : an image of dispersions, in place of those of ``path``.
    notes : gets what is to be known of them.

    Raises
    ------
    InputError
        No velocities in it, or they do not fit the cube.
    """
    with open_source(path) as source:
        if source.hdus is None:
            raise InputError(f"{path} is no FITS file: velocities must be in FITS images or tables of nGIST")
        found = _images(source.hdus) or _table(source.hdus, path, shape)
        if notes is not None and _is_of_gist(source.hdus):
            notes.append(f"{path.name} is of GIST, whose velocities are too high by a quarter of its VELSCALE (README)")
        of_manga = source.header_value("SCINPVEL") if "STELLAR_VEL" in source.hdus else None
    if "velocity" not in found:
        raise InputError(f"{path} holds no velocities: give an image V, V_STARS or STELLAR_VEL, or nGIST's table")
    if dispersion is not None:
        with open_source(dispersion) as source:
            flat = [h for h in source.hdus or () if getattr(h, "is_image", False) and h.header.get("NAXIS", 0) == 2]
            named = [h for h in flat if h.name.upper() in _NAMES["dispersion"]]
            if not flat:
                raise InputError(f"{dispersion} holds no image of dispersions")
            found["dispersion"] = np.asarray((named or flat)[0].data, dtype=np.float64)
            found.pop("dispersion_error", None)
    for name, values in found.items():
        if values.shape != shape:
            raise InputError(
                f"{path}: {name} has {values.shape[1]} x {values.shape[0]} spaxels, the cube {shape[1]} x {shape[0]}"
            )
    if of_manga is not None:
        ratio = (1.0 + float(of_manga) / C_KMS) / (1.0 + redshift)
        found["velocity"] = C_KMS * np.log(ratio * (1.0 + found["velocity"] / C_KMS))
    with np.errstate(invalid="ignore"):
        found["velocity"] = np.where(np.abs(found["velocity"]) < 5000.0, found["velocity"], np.nan)
    return VelocityField(**found)


def _is_of_gist(hdus) -> bool:
    """Whether the comments of its headers say that GIST or nGIST wrote it."""
    return any("GIST pipeline" in str(text) for hdu in hdus for text in hdu.header.get("COMMENT", ()))


def _images(hdus) -> dict[str, np.ndarray]:
    """Images by what their names say; of a file of one nameless image, the velocity."""
    flat = {h.name.upper(): h for h in hdus if getattr(h, "is_image", False) and h.header.get("NAXIS", 0) == 2}
    found = {}
    for what, names in _NAMES.items():
        name = next((name for name in names if name in flat), None)
        if name is not None:
            found[what] = _good(flat, name)
    if not found and len(flat) == 1:
        found["velocity"] = np.asarray(next(iter(flat.values())).data, dtype=np.float64)
    if "STELLAR_VEL" in flat:
        for what, name in (("velocity_error", "STELLAR_VEL"), ("dispersion_error", "STELLAR_SIGMA")):
            if f"{name}_IVAR" in flat:
                with np.errstate(divide="ignore", invalid="ignore"):
                    found[what] = 1.0 / np.sqrt(np.asarray(flat[f"{name}_IVAR"].data, dtype=np.float64))
        if "STELLAR_SIGMACORR" in flat:  # of the difference in resolution to the templates
            corrected = found["dispersion"] ** 2 - np.asarray(flat["STELLAR_SIGMACORR"].data, dtype=np.float64) ** 2
            found["dispersion"] = np.sqrt(np.maximum(corrected, 0.0))
    return found


def _good(flat: dict, name: str) -> np.ndarray:
    """An image with NaN where its mask says so."""
    values = np.asarray(flat[name].data, dtype=np.float64)
    if f"{name}_MASK" in flat:
        values = np.where(np.asarray(flat[f"{name}_MASK"].data) != 0, np.nan, values)
    return values


def _table(hdus, path: Path, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """nGIST's _kin.fits, a row a bin, spread by the map of bins in the _table.fits beside it."""
    for hdu in hdus:
        names = {name.upper(): name for name in getattr(getattr(hdu, "columns", None), "names", ())}
        columns = {what: next((names[n] for n in known if n in names), None) for what, known in _NAMES.items()}
        if columns["velocity"] is None:
            continue
        beside = path.with_name(path.name.replace("_kin.", "_table."))
        if beside == path or not beside.is_file():
            raise InputError(f"{path}: its rows are bins, and there is no map of them beside it ({beside.name})")
        labels = bin_map_of_file(beside, shape)
        n = len(hdu.data)
        if labels.max() >= n:
            raise InputError(f"{path} has {n} rows, {beside.name} bins up to {labels.max()}: they do not fit")
        filled = {w: np.append(np.asarray(hdu.data[c], dtype=np.float64), np.nan) for w, c in columns.items() if c}
        return {what: values[np.where(labels >= 0, labels, n)] for what, values in filled.items()}
    return {}
