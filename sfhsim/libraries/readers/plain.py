"""What the two plain forms of one's own library share: names, units, and the way to a validated library.

Required arrays (names in HDF5; the same in capitals as FITS extension names):

    metallicity    (n_metallicity,) mass fractions Z, increasing
    age_yr         (n_age,) yr, increasing
    wave_aa        (n_wave,) Angstrom in air, increasing
    flux           (n_metallicity, n_age, n_wave) Lsun/Angstrom per Msun formed

Optional: ``resolution_fwhm_aa`` (n_wave,) Angstrom; ``age_edges_yr`` (n_age + 1,) yr;
``ionizing_photon_rate`` and ``ionizing_luminosity_lsun`` (n_metallicity, n_age); ``valid_range_aa``
(n_metallicity, n_age, 2) Angstrom. What is not given is computed, as `SSPLibrary` says. Texts (attributes in
HDF5, primary-header cards in FITS): imf, source, licence, citation, notes. An array may say its unit
(attribute ``unit``, card BUNIT); a unit that is not the expected one is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.ssp_library import SSPLibrary

REQUIRED = ("metallicity", "age_yr", "wave_aa", "flux")
OPTIONAL = (
    "resolution_fwhm_aa",
    "age_edges_yr",
    "ionizing_photon_rate",
    "ionizing_luminosity_lsun",
    "valid_range_aa",
)
TEXTS = ("imf", "source", "licence", "citation", "notes")
# The first spelling of each is the one written.
ACCEPTED_UNITS = {
    "metallicity": ("", "1", "dimensionless"),
    "age_yr": ("yr", "year", "years", "a"),
    "age_edges_yr": ("yr", "year", "years", "a"),
    "wave_aa": ("Angstrom", "AA", "A"),
    "resolution_fwhm_aa": ("Angstrom", "AA", "A"),
    "valid_range_aa": ("Angstrom", "AA", "A"),
    "flux": ("Lsun/Angstrom/Msun", "Lsun/Angstrom", "Lsun/AA", "Lsun/A", "L_sun/Angstrom"),
    "ionizing_photon_rate": ("1/s/Msun", "1/s", "s-1"),
    "ionizing_luminosity_lsun": ("Lsun/Msun", "Lsun"),
}


def check_unit(path: Path, name: str, unit: str) -> None:
    """Raise LibraryError when an array says a unit that is not the expected one."""
    accepted = ACCEPTED_UNITS[name]
    if unit and unit.lower() not in {known.lower() for known in accepted}:
        raise LibraryError(f"{path}: {name} is in '{unit}', expected {accepted[0] or 'no unit'}; convert it first")


def to_library(path: Path, name: str, arrays: dict[str, np.ndarray], texts: dict[str, str]) -> SSPLibrary:
    """A validated library from the arrays of a plain file; LibraryError names what is missing."""
    missing = [required for required in REQUIRED if required not in arrays]
    if missing:
        raise LibraryError(f"{path} lacks {', '.join(missing)}: a plain library needs {', '.join(REQUIRED)}")
    resolution = arrays.get("resolution_fwhm_aa")
    arrays = dict(arrays)
    arrays["resolution_fwhm_aa"] = np.zeros(arrays["wave_aa"].size) if resolution is None else resolution
    texts = {text: value for text, value in texts.items() if text in TEXTS}
    texts.setdefault("source", path.name)
    content: dict[str, Any] = {**arrays, **texts}
    return SSPLibrary(name=name, **content)


def to_arrays(library: SSPLibrary) -> dict[str, np.ndarray]:
    """The arrays of a library under their plain names."""
    return {name: np.asarray(getattr(library, name)) for name in (*REQUIRED, *OPTIONAL)}
