"""SSPs of MaStar stars (Maraston et al. 2020), one FITS file a template, as MaNGA's analysis pipeline keeps them.

``MaStar-SSP-A01.000-Z+0.00.fits.gz``: age in Gyr and [Z/H]. The primary array is the spectrum on log10 of vacuum
wavelengths, each divided by its median; extension SRES is the resolving power lambda / FWHM.

Nothing in the files says how much light a template gives. It is scaled to the light of a reference library at its Z
and age (`sfhsim.libraries.light`): shapes are MaStar's, the light per Msun formed is the reference's.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sfhsim.air import vacuum_to_air
from sfhsim.errors import LibraryError
from sfhsim.libraries.light import V_WINDOW_AA, light_at
from sfhsim.libraries.readers.miles_spectrum import read_spectrum
from sfhsim.libraries.readers.template_files import (
    by_template,
    common_ages,
    named_files,
    on_air_pixels,
    read_cube,
    require,
)
from sfhsim.libraries.ssp_library import SSPLibrary, age_bin_edges_yr
from sfhsim.pixels import rebin_padded

_NAME = re.compile(r"MaStar-SSP-A(?P<age>\d+\.\d+)-Z(?P<z_h>[+-]\d+\.\d+)\.fits(?:\.gz)?")
# Half-dex ages are rounded in the names; the folder's README has them in full.
AGE_GYR = {"00.003": 0.00316228, "00.032": 0.03162278}
# Z of the tracks (Maraston 2005); -1.00 and -0.70 lie between two of them, linearly in log10 Z.
METALLICITY = {-1.35: 0.001, -1.0: 0.0022, -0.7: 0.0043, -0.33: 0.01, 0.0: 0.02, 0.35: 0.04}
CITATION = "Maraston et al. (2020); stars: Yan et al. (2019)"
IMF = "Salpeter"
PIXEL_AA = 0.8  # their pixels are 0.83 A wide at the blue end, and 3 of them make a FWHM


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: directories with its file names."""
    return all(named_files([path], _NAME) for path in paths)


def read(paths: list[Path], *, name: str = "mastar-ssp", reference: str = "bc03-miles") -> SSPLibrary:
    """Read the folders; the ages that all metallicities share make the grid, nothing is filled in.

    Parameters
    ----------
    paths : directories, read as one grid.
    name : str
        What to call the library.
    reference : str
        Library whose light per Msun formed the templates are scaled to.

    Raises
    ------
    LibraryError
        When there is no such file, a metallicity is unknown, a template is there twice, nothing is shared, a file has
        no SRES, or resolutions differ.
    """
    from sfhsim.libraries.catalogue import load_library

    found = named_files(paths, _NAME)
    require(found, paths, "MaStar-SSP-A01.000-Z+0.00.fits.gz")
    grid = by_template([((_metallicity(m["z_h"], path), _age_yr(m["age"])), path) for m, path in found])
    metallicity, age_yr, left_out = common_ages(grid)
    vacuum_aa, flux = read_cube(grid, metallicity, age_yr, read=_read_log_spectrum)
    power = _resolving_power([grid[z, age] for z in metallicity for age in age_yr], vacuum_aa.size)
    air_aa, flux = on_air_pixels(vacuum_aa, flux, PIXEL_AA)
    fwhm_aa = air_aa / np.interp(air_aa, vacuum_to_air(vacuum_aa), power)
    known = load_library(reference)
    own = rebin_padded(air_aa, flux, np.array(V_WINDOW_AA))[..., 0]
    flux *= (light_at(known, np.array(metallicity), np.array(age_yr)) / own).astype(np.float32)[..., None]
    low, high = V_WINDOW_AA
    prepared = (
        f"Brought from vacuum to air, to pixels of {PIXEL_AA:g} A. Age bins end at geometric means. "
        f"The spectra are normalised in their files: each is scaled to the light of {known.name} over {low:g}-{high:g} "
        "A at its Z and age, so that shapes are MaStar's and the light per Msun formed is not. The resolution is SRES; "
        "against bc03-miles lines seem broader, by some 0.4 A."
    )
    return SSPLibrary(
        name=name,
        metallicity=np.array(metallicity),
        age_yr=np.array(age_yr),
        wave_aa=air_aa,
        flux=flux,
        resolution_fwhm_aa=fwhm_aa,
        age_edges_yr=_age_edges_yr(np.array(age_yr)),
        imf=f"{IMF} (shapes), light per Msun formed of {known.imf}",
        source=f"{len(metallicity) * len(age_yr)} MaStar SSP files",
        citation=CITATION,
        notes=f"{prepared} {left_out}".strip(),
    )


def _age_edges_yr(age_yr: np.ndarray) -> np.ndarray:
    """Bins that end at geometric means: half a dex between ages, a linear middle gives a fading bin too much light."""
    inner = np.sqrt(age_yr[1:] * age_yr[:-1])
    return np.concatenate([[0.0], inner, age_bin_edges_yr(age_yr)[-1:]])


def _read_log_spectrum(path: Path) -> tuple[np.ndarray, np.ndarray]:
    log_wave, flux = read_spectrum(path)
    return 10.0**log_wave, flux


def _age_yr(digits: str) -> float:
    return float(round(AGE_GYR.get(digits, float(digits)) * 1e9))


def _metallicity(z_h: str, path: Path) -> float:
    if float(z_h) not in METALLICITY:
        known = ", ".join(f"{value:+.2f}" for value in METALLICITY)
        raise LibraryError(f"{path}: [Z/H] = {z_h} is not one of the MaStar SSPs: {known}")
    return METALLICITY[float(z_h)]


def _resolving_power(files: list[Path], n_wave: int) -> np.ndarray:
    """SRES (n_wave,), which all files must share."""
    from astropy.io import fits

    shared = np.zeros(0)
    for path in files:
        with fits.open(path, memmap=False) as hdus:
            if "SRES" not in hdus or hdus["SRES"].shape != (n_wave,):
                raise LibraryError(f"{path} has no extension SRES of {n_wave} resolving powers")
            power = np.array(hdus["SRES"].data, dtype=np.float64)
        shared = shared if shared.size else power
        if not np.allclose(power, shared, rtol=1e-3):
            raise LibraryError(f"{path} has another resolution (SRES) than {files[0]}; a library has one for all")
    return shared
