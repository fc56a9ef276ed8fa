"""Maraston & Stromback (2011) models on MILES stars, one FITS file a template, as MaNGA's analysis pipeline keeps them.

``M11_MILES_res2.54_imf_ss_age_1.0000000_z_0.02.fits``: resolution, IMF, age in Gyr, Z; erg/s/Angstrom per Msun formed
on air wavelengths. Beyond 3550-7410 A the files run out to zero: MILES ends at 7410 A (Falcon-Barroso et al. 2011).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.template_files import by_template, common_ages, named_files, read_cube, require, trimmed
from sfhsim.libraries.ssp_library import SSPLibrary

_NUMBER = r"\d+\.\d+"
_NAME = re.compile(
    rf"M11_MILES_res(?P<fwhm>{_NUMBER})_imf_(?P<imf>\w+)_age_(?P<age>{_NUMBER})_z_(?P<z>{_NUMBER})\.fits"
)
IMF_NAME = {"ss": "Salpeter, 0.1-100 Msun", "kr": "Kroupa (2001)", "cha": "Chabrier (2003)"}
VALID_AA = (3550.0, 7410.0)
CITATION = "Maraston & Stromback (2011); Sanchez-Blazquez et al. (2006); resolution: Beifiori et al. (2011)"


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: directories with its file names."""
    return all(named_files([path], _NAME) for path in paths)


def read(paths: list[Path], *, name: str = "m11-miles") -> SSPLibrary:
    """Read the folders; the ages that all metallicities share make the grid, nothing is filled in.

    Parameters
    ----------
    paths : directories, read as one grid.
    name : str
        What to call the library.

    Raises
    ------
    LibraryError
        When there is no such file, IMFs or resolutions are mixed, a template is there twice, or nothing is shared.
    """
    found = named_files(paths, _NAME)
    require(found, paths, "M11_MILES_res2.54_imf_ss_age_1.0000000_z_0.02.fits")
    kinds = sorted({(match["imf"], match["fwhm"]) for match, _ in found})
    if len(kinds) > 1:
        raise LibraryError(f"files of several IMFs or resolutions: {', '.join('/'.join(k) for k in kinds)}; keep one")
    ((imf, fwhm),) = kinds
    grid = by_template([((float(m["z"]), float(round(float(m["age"]) * 1e9))), path) for m, path in found])
    metallicity, age_yr, left_out = common_ages(grid)
    wave_aa, flux, trimming = trimmed(*read_cube(grid, metallicity, age_yr), VALID_AA)
    return SSPLibrary(
        name=name,
        metallicity=np.array(metallicity),
        age_yr=np.array(age_yr),
        wave_aa=wave_aa,
        flux=flux / np.float32(LSUN_ERG_S),
        resolution_fwhm_aa=np.full(wave_aa.size, float(fwhm)),
        imf=IMF_NAME.get(imf, imf),
        source=f"{len(metallicity) * len(age_yr)} M11-MILES files",
        citation=CITATION,
        notes=f"{trimming} {left_out}".strip(),
    )
