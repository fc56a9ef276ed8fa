"""DESI coadds and spectra: HDUs B_WAVELENGTH, B_FLUX, B_IVAR, B_MASK, B_RESOLUTION, and so on for the arms R and Z.

Arms are on one grid of 0.8 A and joined by inverse variance where they overlap. Wavelengths are in vacuum; the rows of
the resolution matrices give the width of the line-spread function. Redshifts come from the redrock file beside the
coadd, by TARGETID (https://desidatamodel.readthedocs.io).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.frame import FWHM_PER_SIGMA
from sfhmodel.spectra.masks import usable
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile, open_source, plain_name

DESCRIPTION = "DESI coadd: arms B, R, Z joined by inverse variance; redshifts of the redrock file beside it"

_FLUX = re.compile(r"([A-Z]{1,3})_FLUX")
_SAME_GRID = 0.02  # of a pixel
_PER_PIXEL = ("wave_aa", "flux", "ivar", "fwhm_aa")
_BESIDE = (("coadd-", "redrock-"), ("spectra-", "redrock-"), ("coadd-", "zbest-"), ("spectra-", "zbest-"))


def recognises(source: SourceFile) -> bool:
    """A FITS file with an arm's wavelengths, fluxes and inverse variances."""
    return source.kind == "fits" and bool(_arms(source))


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """Every target of the file."""
    arms = [_arm(source, name, options) for name in _arms(source)]
    arms.sort(key=lambda arm: arm["wave_aa"][0])
    wave_aa, flux, ivar = _joined(arms, source)
    ids = _target_ids(source, len(flux))
    raw = RawSpectra(
        Values(wave_aa, "Angstrom", "HDUs WAVELENGTH"),
        Values(flux, arms[0]["unit"], "HDUs FLUX"),
        Values(ivar, "", "HDUs IVAR", "inverse_variance"),
        medium="vacuum",
        names=[plain_name(source.path)] if len(flux) == 1 else [f"{plain_name(source.path)}-{i}" for i in ids],
        fwhm_aa=_fwhm_of(arms, wave_aa),
    )
    if options.redshift is None and (found := _redrock(source, ids)) is not None:
        raw.redshift, raw.redshift_where = found
    return observed_spectra(raw, source, options)


def _arms(source: SourceFile) -> list[str]:
    names = {hdu.name.upper() for hdu in source.hdus}
    found = (_FLUX.fullmatch(name) for name in sorted(names))
    return [m[1] for m in found if m and {f"{m[1]}_WAVELENGTH", f"{m[1]}_IVAR"} <= names]


def _arm(source: SourceFile, arm: str, options: ReadOptions) -> dict:
    """Wavelengths (m,), flux and inverse variance (n, m) with 0 where bad, and the resolution of one arm."""
    flux = np.atleast_2d(np.asarray(source.hdus[f"{arm}_FLUX"].data, dtype=np.float64))
    ivar = np.atleast_2d(np.asarray(source.hdus[f"{arm}_IVAR"].data, dtype=np.float64))
    good = np.isfinite(flux) & (ivar > 0.0)
    if f"{arm}_MASK" in source.hdus:
        mask = Values(np.atleast_2d(source.hdus[f"{arm}_MASK"].data), "", f"HDU {arm}_MASK", "ignore")
        good &= usable(mask, options, source.notes)
    wave_aa = np.asarray(source.hdus[f"{arm}_WAVELENGTH"].data, dtype=np.float64)
    name = f"{arm}_RESOLUTION"
    return {
        "wave_aa": wave_aa,
        "flux": np.where(good, flux, 0.0),
        "ivar": np.where(good, ivar, 0.0),
        "unit": str(source.hdus[f"{arm}_FLUX"].header.get("BUNIT", "")),
        "fwhm_aa": _fwhm_aa(source.hdus[name].data, wave_aa) if name in source.hdus else None,
    }


def _joined(arms: list[dict], source: SourceFile) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One grid for all arms, fluxes averaged with their inverse variances as weights.

    Arms whose grids do not agree are cut in the middle of their overlap.
    """
    kept = _on_one_grid(arms)
    if not kept:
        source.notes.append("arms on grids of their own, cut in the middle of their overlap")
        for left, right in pairwise(arms):
            middle = 0.5 * (left["wave_aa"][-1] + right["wave_aa"][0])
            for arm, inside in ((left, left["wave_aa"] < middle), (right, right["wave_aa"] >= middle)):
                arm |= {key: arm[key][..., inside] for key in _PER_PIXEL if arm[key] is not None}
    elif len(arms) > 1:
        source.notes.append(f"{len(arms)} arms joined by inverse variance")
    step = float(np.median(np.diff(arms[0]["wave_aa"])))
    every = np.sort(np.concatenate([arm["wave_aa"] for arm in arms]))
    wave_aa = every[np.append(True, np.diff(every) > 0.5 * step)] if kept else every
    shape = (len(arms[0]["flux"]), wave_aa.size)
    total, weight = np.zeros(shape), np.zeros(shape)
    for arm in arms:
        at = np.argmin(np.abs(wave_aa[:, None] - arm["wave_aa"][[0]]), axis=0)[0]
        places = slice(at, at + arm["wave_aa"].size)
        total[:, places] += arm["flux"] * arm["ivar"]
        weight[:, places] += arm["ivar"]
    return wave_aa, np.divide(total, weight, out=np.full(shape, np.nan), where=weight > 0.0), weight


def _on_one_grid(arms: list[dict]) -> bool:
    """Whether all pixels lie on one grid, without gaps between arms."""
    start, step = arms[0]["wave_aa"][0], float(np.median(np.diff(arms[0]["wave_aa"])))
    end = start
    for arm in arms:
        places = (arm["wave_aa"] - start) / step
        is_apart = end > start and arm["wave_aa"][0] > end + 1.5 * step
        if is_apart or np.abs(places - np.round(places)).max() > _SAME_GRID:
            return False
        end = arm["wave_aa"][-1]
    return True


def _fwhm_aa(matrices, wave_aa: np.ndarray) -> np.ndarray:
    """FWHM (m,) of the median target, of resolution matrices (n, n_diagonal, m)."""
    weights = np.maximum(np.asarray(matrices, dtype=np.float64), 0.0)
    weights = weights.reshape(-1, *weights.shape[-2:])
    offset = np.arange(weights.shape[1])[:, None] - weights.shape[1] // 2
    total = np.maximum(weights.sum(axis=1), 1e-30)
    mean = (weights * offset).sum(axis=1) / total
    variance = (weights * offset**2).sum(axis=1) / total - mean**2
    known = variance > 0.0
    variance = np.ma.filled(np.ma.median(np.ma.masked_array(variance, ~known), axis=0), np.nan)
    return FWHM_PER_SIGMA * np.sqrt(variance) * np.gradient(wave_aa)


def _fwhm_of(arms: list[dict], wave_aa: np.ndarray) -> np.ndarray | None:
    if any(arm["fwhm_aa"] is None for arm in arms):
        return None
    fwhm_aa = np.full(wave_aa.shape, np.nan)
    for arm in arms:  # where arms overlap, the broader of the two
        known = np.isfinite(arm["fwhm_aa"])
        if known.any():
            inside = (wave_aa >= arm["wave_aa"][0] - 1e-6) & (wave_aa <= arm["wave_aa"][-1] + 1e-6)
            values = np.interp(wave_aa[inside], arm["wave_aa"][known], arm["fwhm_aa"][known])
            fwhm_aa[inside] = np.fmax(fwhm_aa[inside], values)
    return fwhm_aa


def _target_ids(source: SourceFile, n: int) -> list[int]:
    if "FIBERMAP" in source.hdus and len(source.hdus["FIBERMAP"].data) == n:
        return [int(value) for value in source.hdus["FIBERMAP"].data["TARGETID"]]
    return list(range(1, n + 1))


def _redrock(source: SourceFile, ids: list[int]) -> tuple[np.ndarray, str] | None:
    """Redshifts (n,) of the file of redrock beside the coadd, NaN of targets that it has not."""
    folder, name = source.path.parent, source.path.name
    for ours, theirs in _BESIDE:
        path = folder / name.replace(ours, theirs, 1)
        if ours not in name or not path.is_file():
            continue
        with open_source(Path(path)) as beside:
            for hdu in beside.hdus:
                columns = getattr(hdu, "columns", None)
                if columns is None or not {"TARGETID", "Z"} <= set(columns.names):
                    continue
                known = {int(i): float(z) for i, z in zip(hdu.data["TARGETID"], hdu.data["Z"], strict=True)}
                if "ZWARN" in columns.names and any(
                    int(w) for i, w in zip(hdu.data["TARGETID"], hdu.data["ZWARN"], strict=True) if int(i) in ids
                ):
                    source.notes.append("redrock is not sure of a redshift (ZWARN is set)")
                return np.array([known.get(i, np.nan) for i in ids]), path.name
    return None
