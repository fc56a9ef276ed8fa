"""ProSpect speclibs (Robotham et al. 2020): an R list saved as .rds, or as .rda under any name.

Z           (n_Z,) metallicities        Age         (n_age,) yr
AgeBins     (n_age + 1,) yr             AgeWeights  (n_age,) yr, widths of the bins
Wave        (n_wave,) Angstrom          Zspec       list over Z of (n_age, n_wave), Lsun/Angstrom per Msun
formed Zevo        list over Z of what becomes of the mass: not used here
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.ssp_library import SSPLibrary

FIELDS = ("Z", "Age", "Wave", "Zspec")
SUFFIXES = (".rds", ".rda", ".rdata")


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: one R file."""
    return len(paths) == 1 and paths[0].is_file() and paths[0].suffix.lower() in SUFFIXES


def read(paths: list[Path], *, name: str = "speclib", imf: str = "", fwhm_aa: float = 0.0) -> SSPLibrary:
    """Read one speclib.

    Parameters
    ----------
    paths : list with the one file.
    name : str
        What to call the library.
    imf : str
        The file does not say it.
    fwhm_aa : float
        Native resolution (FWHM), which the file does not say either; 0 means unknown.

    Raises
    ------
    LibraryError
        When it is not an R file, a field is missing, or the shapes disagree.
    """
    path = Path(paths[0])
    content = _read_r(path)
    missing = [field for field in FIELDS if field not in content]
    if missing:
        raise LibraryError(
            f"{path} is not a ProSpect speclib: it lacks {', '.join(missing)} (it has {', '.join(map(str, content))})"
        )
    metallicity, age_yr, wave_aa = (
        np.atleast_1d(np.asarray(content[field], dtype=np.float64)) for field in ("Z", "Age", "Wave")
    )
    spectra = [np.asarray(matrix, dtype=np.float32) for matrix in content["Zspec"]]
    if len(spectra) != metallicity.size:
        raise LibraryError(f"{path}: Zspec has {len(spectra)} matrices, Z has {metallicity.size} metallicities")
    for i, matrix in enumerate(spectra):
        if matrix.shape != (age_yr.size, wave_aa.size):
            raise LibraryError(
                f"{path}: Zspec[[{i + 1}]] has shape {matrix.shape}, expected {(age_yr.size, wave_aa.size)} "
                "(Age x Wave)"
            )
    return SSPLibrary(
        name=name,
        metallicity=metallicity,
        age_yr=age_yr,
        wave_aa=wave_aa,
        flux=np.stack(spectra),
        resolution_fwhm_aa=np.full(wave_aa.size, fwhm_aa),
        **_age_bins(path, content),
        imf=imf,
        source=f"ProSpect speclib {path.name}",
        citation="Robotham et al. (2020)",
        notes="" if fwhm_aa else "Native resolution unknown.",
    )


def _read_r(path: Path) -> dict:
    """The list in the file; in an .rda, the one object that has the fields of a speclib."""
    import rdata

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on R classes that have no Python form: not needed here
            objects = rdata.read_rds(path) if path.suffix.lower() == ".rds" else rdata.read_rda(path)
    except (ValueError, OSError, EOFError, NotImplementedError) as error:
        raise LibraryError(f"{path} is not a readable R file ({error})") from error
    content = objects
    if path.suffix.lower() != ".rds" and isinstance(objects, dict):
        content = next((item for item in objects.values() if isinstance(item, dict) and "Zspec" in item), objects)
    if not isinstance(content, dict):
        raise LibraryError(f"{path} is not a ProSpect speclib: it holds {type(content).__name__}, not a list")
    return content


def _age_bins(path: Path, content: dict) -> dict[str, Any]:
    """AgeBins, checked against AgeWeights where both are there; without them the bins follow from the ages."""
    if "AgeBins" not in content:
        return {}
    edges_yr = np.asarray(content["AgeBins"], dtype=np.float64)
    if "AgeWeights" in content:
        widths_yr = np.asarray(content["AgeWeights"], dtype=np.float64)
        if widths_yr.shape != (edges_yr.size - 1,) or not np.allclose(np.diff(edges_yr), widths_yr, rtol=1e-6):
            raise LibraryError(f"{path}: AgeWeights are not the widths of AgeBins")
    return {"age_edges_yr": edges_yr}
