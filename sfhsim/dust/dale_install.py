"""Installing the dust templates of Dale et al. (2014) from the file that their authors publish.

``spectra.0.00AGN.dat`` is text without a header: wavelength in um, then log10 of nu F_nu, in arbitrary units, of 64
templates, alpha_SF = 0.0625, 0.125 ... 4. They hold starlight, which dominates below 3 um. It is taken off as that of
13 Gyr of star formation at a rate that fell as exp(-t / 10 Gyr), from the embedded library, scaled to each template
between its first wavelength and 2 um; what is left below 2 um, or negative, is set to zero. Between 2 and 5 um, where
an error of the starlight is not small against the dust, the templates are the least certain.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim import elementary
from sfhsim.dust.dale import HIGHEST, LOWEST, DaleTables, installed_path
from sfhsim.dust.emission import trapezoid_weights
from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.files import named_errors, whole_file
from sfhsim.linear import matmul

N_TEMPLATE = 64
DUST_FROM_UM = 2.0
_STARS_YR, _FALL_YR, _STARS_Z = 1.3e10, 1.0e10, 0.02
_LONGEST_BYTES = 50_000_000


def install_dale(source: str | Path, destination: Path | None = None) -> Path:
    """Install the templates from the published file; returns the file written.

    Parameters
    ----------
    source : ``spectra.0.00AGN.dat``, or a folder with it.
    destination : the npz to write; in the data folder of sfhsim unless given.

    Raises
    ------
    MissingDataError
        If the file is not there, or the templates cannot be written.
    LibraryError
        If it is not the published file.
    """
    file = Path(source)
    file = file / "spectra.0.00AGN.dat" if file.is_dir() else file
    if not file.is_file():
        raise MissingDataError(f"{file} not found: --from takes spectra.0.00AGN.dat of Dale et al. (2014)")
    tables = tables_of(*read_published(file))
    destination = installed_path() if destination is None else Path(destination)
    advice = "free some space or set SFHSIM_HOME elsewhere"
    with (
        named_errors(destination, MissingDataError, advice=advice),
        whole_file(destination) as partial,
        partial.open("wb") as out,
    ):
        np.savez_compressed(out, **vars(tables))
    return destination


def read_published(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (m,) in um and log10 of nu F_nu (64, m) of the published file; LibraryError for another."""
    try:
        if file.stat().st_size > _LONGEST_BYTES:
            raise ValueError(f"{file.stat().st_size} bytes, far more than the templates take")
        table = np.loadtxt(file, ndmin=2)
    except (OSError, ValueError) as error:
        raise LibraryError(f"{file} cannot be read as templates of Dale et al. (2014): {error}") from error
    if table.shape[1] != N_TEMPLATE + 1 or len(table) < 100:
        raise LibraryError(
            f"{file} has {len(table)} rows of {table.shape[1]} columns: the templates of Dale et al. (2014) are "
            f"hundreds of rows of wavelength and {N_TEMPLATE} spectra; give spectra.0.00AGN.dat"
        )
    wave_um, log_nu_f_nu = table[:, 0], table[:, 1:].T
    if not (np.isfinite(table).all() and wave_um[0] > 0 and (np.diff(wave_um) > 0).all()):
        raise LibraryError(f"{file}: wavelengths must increase, and every number be finite")
    if not (wave_um[0] < 5.0 and 500.0 < wave_um[-1] < 1e6):
        raise LibraryError(f"{file} spans {wave_um[0]:g} to {wave_um[-1]:g}: wavelengths must be in um, to 500 or more")
    if not np.abs(log_nu_f_nu).max() < 100.0:
        raise LibraryError(f"{file}: spectra must be log10 of nu F_nu, they reach {np.abs(log_nu_f_nu).max():g}")
    return wave_um, log_nu_f_nu


def tables_of(wave_um: np.ndarray, log_nu_f_nu: np.ndarray) -> DaleTables:
    """Templates of dust alone that emits 1 Lsun, from what `read_published` gives; the inputs are not modified."""
    brightest = log_nu_f_nu.max(axis=1, keepdims=True)
    flux = elementary.exp10(log_nu_f_nu - brightest) / wave_um
    bluer = wave_um < DUST_FROM_UM
    if bluer.any():
        stars = starlight(wave_um * 1e4)
        scale = np.median(flux[:, bluer] / stars[bluer], axis=1)
        flux = np.maximum(flux - scale[:, None] * stars, 0.0)
        flux[:, bluer] = 0.0
    first = max(int(np.flatnonzero(~bluer)[0]) - 1, 0)  # zero there, where it has shorter wavelengths
    wave_aa, flux = wave_um[first:] * 1e4, flux[:, first:]
    energy = matmul(flux, trapezoid_weights(wave_aa)[:, None])
    if not (energy > 0).all():
        raise LibraryError(f"template {int(np.argmin(energy)) + 1} holds nothing but starlight")
    return DaleTables(wave_aa, np.linspace(LOWEST, HIGHEST, len(flux)), flux / energy)


def starlight(wave_aa: np.ndarray) -> np.ndarray:
    """(m,) per Angstrom, in arbitrary units, of the stars that the templates hold; falls as l^-4 beyond 100 um."""
    from sfhsim.libraries import load_library

    library = load_library("bc03-miles")
    of_z = int(np.argmin(np.abs(library.metallicity - _STARS_Z)))
    edges_yr = np.minimum(library.age_edges_yr, _STARS_YR)
    mass = np.diff(elementary.exp(edges_yr / _FALL_YR))  # SFR falls with time: it rises with age
    flux = matmul(mass[None, :], np.asarray(library.flux[of_z], dtype=np.float64))[0]
    last_aa = float(library.wave_aa[-1])
    inside = np.interp(np.minimum(wave_aa, last_aa), library.wave_aa, flux)
    fall = np.minimum(last_aa / wave_aa, 1.0) ** 2
    return inside * (fall * fall)
