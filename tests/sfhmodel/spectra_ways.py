"""One spectrum, and one cube, written in the many ways of the field: units, errors, masks, axes, containers."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import h5py
import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

REDSHIFT = 0.0123
N = 1200
WAVE_AA = 4700.3 + 2.25 * np.arange(N)
LOG_WAVE_AA = 10.0 ** (np.log10(4700.0) + 1.8e-4 * np.arange(N))
BAD = np.zeros(N, dtype=bool)
BAD[[150, 151, 400, 777]] = True
C_AA_S = 2.99792458e18


def flux_of(wave_aa):
    """erg/s/cm2/A of order 1e-16, with lines and a slope."""
    lines = sum(
        a * np.exp(-0.5 * ((wave_aa - w) / 6.0) ** 2) for a, w in ((-0.3, 5240.0), (0.8, 5070.0), (1.5, 6645.0))
    )
    return 1e-16 * (2.0 + (wave_aa - 6000.0) / 4000.0 + lines)


def sigma_of(wave_aa):
    return 0.02 * flux_of(wave_aa) * (1.5 + np.sin(wave_aa / 200.0))


WAVE_UNITS = {
    "Angstrom": lambda x: x,
    "nm": lambda x: x / 10.0,
    "um": lambda x: x / 1e4,
    "micron": lambda x: x / 1e4,
    "m": lambda x: x / 1e10,
    "mm": lambda x: x / 1e7,
    "Hz": lambda x: C_AA_S / x,
    "GHz": lambda x: C_AA_S / x / 1e9,
    "eV": lambda x: (x * u.AA).to_value(u.eV, u.spectral()),
    "1/cm": lambda x: 1e8 / x,
}
FLUX_UNITS = {  # of one erg/s/cm2/A
    "erg / (s cm2 Angstrom)": lambda w: 1.0,
    "1E-17 erg/s/cm^2/Ang": lambda w: 1e17,
    "10**(-20)*erg/s/cm**2/Angstrom": lambda w: 1e20,
    "10^-16 ergs/s/cm^2/A": lambda w: 1e16,
    "W/m2/um": lambda w: 10.0,
    "Jy": lambda w: w**2 / C_AA_S * 1e23,
    "uJy": lambda w: w**2 / C_AA_S * 1e29,
    "MJy/sr": lambda w: w**2 / C_AA_S * 1e17,
    "MJy sr-1": lambda w: w**2 / C_AA_S * 1e17,
    "mJy/beam": lambda w: w**2 / C_AA_S * 1e26,
    "erg/s/cm2/Hz": lambda w: w**2 / C_AA_S,
    "Lsun/Hz": lambda w: w**2 / C_AA_S * 1e40,
    "Lsun/Angstrom": lambda w: 1e30,
    "ph / (s cm2 Angstrom)": lambda w: w / 1.98644586e-8,
    "photons/s/cm^2/A": lambda w: w / 1.98644586e-8,
    "erg / (s cm2)": lambda w: w,
    "W m-2": lambda w: w * 1e-3,
    "nanomaggies": lambda w: w**2 / C_AA_S * 1e23 / 3.631e-6,
    "1E-17 erg/s/cm^2/Ang/spaxel": lambda w: 1e17,
    "erg/s/cm2/A/arcsec2": lambda w: 1.0,
}
ERRORS = {
    "err": lambda s: s,
    "flux_err": lambda s: s,
    "err_flux": lambda s: s,
    "sigma": lambda s: s,
    "stddev": lambda s: s,
    "dflux": lambda s: s,
    "ferr": lambda s: s,
    "e_flux": lambda s: s,
    "sigma_flux": lambda s: s,
    "var": lambda s: s**2,
    "flux_var": lambda s: s**2,
    "ivar": lambda s: s**-2.0,
    "ivar_flux": lambda s: s**-2.0,
}
MASKS = {
    "mask": BAD.astype(int),
    "dq": 4 * BAD.astype(int),
    "qual": BAD.astype(int),
    "flag": BAD.astype(int),
    "badpix": BAD.astype(int),
    "good": (~BAD).astype(int),
}


def columns(
    wave="Angstrom", flux="erg / (s cm2 Angstrom)", error="err", mask=None, wave_aa=WAVE_AA, scale=1.0
) -> dict[str, np.ndarray]:
    """Columns wave, flux, error and perhaps mask; bad pixels hold nonsense that only a mask can tell, or NaN."""
    factor = FLUX_UNITS[flux](wave_aa) * scale
    values = flux_of(wave_aa) * factor
    values = np.where(BAD, values * 30.0 if mask else np.nan, values)
    found = {"wave": WAVE_UNITS[wave](wave_aa), "flux": values, error: ERRORS[error](sigma_of(wave_aa) * factor)}
    return found | ({mask: MASKS[mask]} if mask else {})


def write_text(path: Path, content: dict, separator=" ", comment="", header=True, fmt="{:.12e}") -> Path:
    lines = [comment + separator.join(content)] if header else []
    for row in zip(*content.values(), strict=True):
        lines.append(separator.join(fmt.format(value) for value in row))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_table(file: Path, content: dict, units: dict | None = None, meta: dict | None = None, **options) -> Path:
    table = Table(content, meta=meta or {})
    for name, unit in (units or {}).items():
        table[name].unit = unit
    table.write(file, **options)
    return file


def write_fits_table(path: Path, content: dict, units: dict, cells=False, **cards) -> Path:
    """Units as they are written, whatever astropy thinks of them."""
    made = []
    for name, values in content.items():
        letter = {"f": "D", "i": "J", "b": "L"}[np.asarray(values).dtype.kind]
        values = np.asarray(values)[None] if cells else np.asarray(values)
        form = f"{values.shape[-1]}{letter}" if cells else letter
        made.append(fits.Column(name=name, format=form, array=values, unit=units.get(name)))
    hdu = fits.BinTableHDU.from_columns(made, name="SPECTRUM")
    hdu.header.update(cards)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def write_image(path: Path, data, axis: dict, companions: dict, name="", **cards) -> Path:
    """The flux in an HDU of this name (the primary where none), and other HDUs beside it."""
    main = fits.PrimaryHDU(data) if not name else fits.ImageHDU(data, name=name)
    main.header.update(axis | cards)
    hdus = [main] if not name else [fits.PrimaryHDU(), main]
    for key, values in companions.items():
        values, unit = values if isinstance(values, tuple) else (values, None)
        hdu = fits.ImageHDU(values.astype("uint8") if values.dtype == bool else values, name=key)
        if unit:
            hdu.header["BUNIT"] = unit
        hdus.append(hdu)
    fits.HDUList(hdus).writeto(path)
    return path


def linear_axis(number: int, unit: str = "Angstrom", form: str = "CDELT", ctype: str = "AWAV") -> dict:
    """Cards of the linear grid, with CDELT, CD, or PC and CDELT = 1."""
    scale = WAVE_UNITS[unit](1.0)
    start, step = 4700.3 * scale, 2.25 * scale
    cards = {f"CTYPE{number}": ctype, f"CRVAL{number}": start, f"CRPIX{number}": 1.0, f"CUNIT{number}": unit}
    if form == "CDELT":
        return cards | {f"CDELT{number}": step}
    if form == "CD":
        return cards | {f"CD{number}_{number}": step}
    return cards | {f"CDELT{number}": 1.0, f"PC{number}_{number}": step}


def write_npz(path: Path, content: dict) -> Path:
    np.savez(path, **content)
    return path


def write_hdf5(path: Path, content: dict, units: dict | None = None) -> Path:
    with h5py.File(path, "w") as file:
        for key, values in content.items():
            file[key] = values
            if unit := (units or {}).get(key):
                file[key].attrs["unit"] = unit
    return path


def pack(path: Path, how: str) -> Path:
    opener = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}[how]
    packed = path.with_name(f"{path.name}.{how}")
    with opener(packed, "wb") as file:
        file.write(path.read_bytes())
    return packed
