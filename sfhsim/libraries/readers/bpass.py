"""BPASS v2.2.1 populations with binaries, one FITS file a template, as MaNGA's analysis pipeline keeps them.

``bin-imf135_300-z020-T-0.30.fits``: IMF, Z in thousandths, log10(age/Gyr). Lsun/Angstrom for 1e6 Msun formed, in
pixels of 1 A in vacuum (BPASS v2.2 manual; Stanway & Eldridge 2018).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sfhsim.air import vacuum_to_air
from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.template_files import (
    by_template,
    common_ages,
    named_files,
    on_air_pixels,
    read_cube,
    require,
)
from sfhsim.libraries.ssp_library import SSPLibrary

_NAME = re.compile(r"(?P<imf>(?:bin|sin)-imf\w+)-z(?P<z>\d{3})-T(?P<log_age>-?\d+\.\d+)\.fits")
MASS_FORMED_MSUN = np.float32(1.0e6)
FWHM_AA = 1.0  # the sampling, which is the resolution that the pipeline assumes
IMF_NAME = {"imf135_300": "broken power law, -1.30 to 0.5 Msun and -2.35 to 300 Msun (imf135_300)"}
CITATION = "Eldridge et al. (2017); Stanway & Eldridge (2018)"


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: directories with its file names."""
    return all(named_files([path], _NAME) for path in paths)


def read(paths: list[Path], *, name: str = "bpass") -> SSPLibrary:
    """Read the folders; the ages that all metallicities share make the grid, nothing is filled in.

    Parameters
    ----------
    paths : directories, read as one grid.
    name : str
        What to call the library.

    Raises
    ------
    LibraryError
        When there is no such file, models are mixed, a template is there twice, or nothing is shared.
    """
    found = named_files(paths, _NAME)
    require(found, paths, "bin-imf135_300-z020-T-0.30.fits")
    kinds = sorted({match["imf"] for match, _ in found})
    if len(kinds) > 1:
        raise LibraryError(f"files of several models: {', '.join(kinds)}; keep one")
    stars, _, imf = kinds[0].partition("-")
    grid = by_template([((int(m["z"]) / 1000, _age_yr(m["log_age"])), path) for m, path in found])
    metallicity, age_yr, left_out = common_ages(grid)
    vacuum_aa, flux = read_cube(grid, metallicity, age_yr)
    step_aa = np.diff(vacuum_to_air(vacuum_aa)).mean()  # no pixel moves by more than a few hundredths of its width
    air_aa, flux = on_air_pixels(vacuum_aa, flux, step_aa)
    binaries = "With binaries." if stars == "bin" else "Single stars only."
    return SSPLibrary(
        name=name,
        metallicity=np.array(metallicity),
        age_yr=np.array(age_yr),
        wave_aa=air_aa,
        flux=flux / MASS_FORMED_MSUN,
        resolution_fwhm_aa=np.full(air_aa.size, FWHM_AA),
        imf=IMF_NAME.get(imf, imf),
        source=f"{len(metallicity) * len(age_yr)} BPASS files",
        citation=CITATION,
        notes=f"{binaries} Wavelengths brought from vacuum to air. {left_out}".strip(),
    )


def _age_yr(log_age_gyr: str) -> float:
    return float(f"{10 ** (9 + float(log_age_gyr)):.6g}")
