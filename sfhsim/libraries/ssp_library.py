"""One simple-stellar-population (SSP) library: a cube L[Z, age, wavelength] with all that is known of it.

The cube is in Lsun/Angstrom per Msun formed, on air wavelengths in Angstrom, ages in yr, metallicities as
mass fractions. Age-bin edges are the midpoints (linear in age) between neighbours: the first edge is 0 and
the last bin is symmetric about its age, as in ProSpect (Robotham et al. 2020).
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np

from sfhsim.constants import LYMAN_LIMIT_AA
from sfhsim.libraries.checks import check_library
from sfhsim.libraries.ionizing import ionizing_output

ARRAY_NAMES = (
    "metallicity",
    "age_yr",
    "age_edges_yr",
    "wave_aa",
    "flux",
    "resolution_fwhm_aa",
    "ionizing_photon_rate",
    "ionizing_luminosity_lsun",
    "valid_range_aa",
)
TEXT_NAMES = ("name", "imf", "source", "licence", "citation", "notes")


def age_bin_edges_yr(age_yr: np.ndarray) -> np.ndarray:
    """Edges (n + 1,) of the age bins around ``age_yr`` (n,): midpoints, 0 first, the last bin symmetric."""
    age_yr = np.asarray(age_yr, dtype=np.float64)
    edges_yr = np.empty(age_yr.size + 1)
    edges_yr[0] = 0.0
    edges_yr[1:-1] = 0.5 * (age_yr[1:] + age_yr[:-1])
    edges_yr[-1] = 2.0 * age_yr[-1] - edges_yr[-2] if age_yr.size > 1 else 2.0 * age_yr[-1]
    return edges_yr


def detect_valid_range_aa(flux: np.ndarray, wave_aa: np.ndarray) -> np.ndarray:
    """First and last wavelength at which each template holds light.

    Parameters
    ----------
    flux : (..., n_wave)
    wave_aa : (n_wave,)

    Returns
    -------
    (..., 2) Angstrom. Zeros below the Lyman limit are physics (old stars have no light there), not missing
    data: a template that begins below 911.75 A counts as valid from the first wavelength.
    """
    lit = flux > 0
    first = np.argmax(lit, axis=-1)
    last = flux.shape[-1] - 1 - np.argmax(lit[..., ::-1], axis=-1)
    low = np.asarray(wave_aa, dtype=np.float64)[first]
    low = np.where(low < LYMAN_LIMIT_AA, wave_aa[0], low)
    return np.stack([low, np.asarray(wave_aa, dtype=np.float64)[last]], axis=-1)


@dataclass(frozen=True, eq=False)
class SSPLibrary:
    """A validated SSP library. Arrays are read-only; ``flux`` may be memory-mapped.

    Attributes
    ----------
    name : str
        What a recipe calls it.
    metallicity : (n_metallicity,) increasing mass fractions Z.
    age_yr : (n_age,) increasing.
    wave_aa : (n_wave,) increasing, air.
    flux : (n_metallicity, n_age, n_wave) float32, Lsun/Angstrom per Msun formed.
    resolution_fwhm_aa : (n_wave,) native spectral resolution (FWHM) at each wavelength; 0 where unknown or
        infinite.
    ionizing_photon_rate : (n_metallicity, n_age) photons/s per Msun formed below 911.75 A; NaN where the
        library does not reach there. Computed when None is given.
    ionizing_luminosity_lsun : (n_metallicity, n_age) Lsun per Msun formed below 911.75 A; likewise.
    valid_range_aa : (n_metallicity, n_age, 2) wavelengths between which a template holds data (E-MILES fills
        the rest with zeros). Detected when None is given.
    age_edges_yr : (n_age + 1,) edges of the age bins.
    imf, source, licence, citation, notes : str
        Where it comes from.
    checksum : str
        sha256 of the content, known for saved libraries; see `content_checksum`.
    validate : bool
        False only where a file written by `save_library` is loaded again: it was checked when it was written.

    Raises
    ------
    LibraryError
        From ``__post_init__``, naming the array and the first offending element.
    """

    name: str
    metallicity: np.ndarray
    age_yr: np.ndarray
    wave_aa: np.ndarray
    flux: np.ndarray
    resolution_fwhm_aa: np.ndarray
    ionizing_photon_rate: np.ndarray = None  # type: ignore[assignment]
    ionizing_luminosity_lsun: np.ndarray = None  # type: ignore[assignment]
    valid_range_aa: np.ndarray = None  # type: ignore[assignment]
    age_edges_yr: np.ndarray = None  # type: ignore[assignment]  # filled from age_yr when not given
    imf: str = ""
    source: str = ""
    licence: str = ""
    citation: str = ""
    notes: str = ""
    checksum: str = ""
    validate: InitVar[bool] = True

    def __post_init__(self, validate: bool) -> None:
        self._fill_what_follows_from_the_rest()
        for name in ARRAY_NAMES:
            given = getattr(self, name)
            if name == "flux":  # no copy of a large cube; a read-only view of it (memory maps stay maps)
                array = np.asanyarray(given, dtype=np.float32).view()
            else:
                array = np.array(given, dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if validate:
            check_library(self)

    def _fill_what_follows_from_the_rest(self) -> None:
        """Age bins, ionising output and valid ranges, where they were not given."""
        if self.age_edges_yr is None:
            object.__setattr__(self, "age_edges_yr", age_bin_edges_yr(self.age_yr))
        consistent = np.ndim(self.flux) == 3 and np.shape(self.flux)[2] == np.size(self.wave_aa) > 0
        if self.ionizing_photon_rate is None or self.ionizing_luminosity_lsun is None:
            outputs = ionizing_output(self.wave_aa, self.flux) if consistent else ([], [])
            object.__setattr__(self, "ionizing_photon_rate", outputs[0])
            object.__setattr__(self, "ionizing_luminosity_lsun", outputs[1])
        if self.valid_range_aa is None:
            found = detect_valid_range_aa(np.asarray(self.flux), np.asarray(self.wave_aa)) if consistent else []
            object.__setattr__(self, "valid_range_aa", found)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_metallicity, n_age, n_wave)"""
        return self.flux.shape

    def template_label(self, i_metallicity: int, i_age: int) -> str:
        """'Z=0.0004, 63.1 Myr': how messages name a template."""
        age_yr = self.age_yr[i_age]
        age = f"{age_yr / 1e9:.4g} Gyr" if age_yr >= 1e9 else f"{age_yr / 1e6:.4g} Myr"
        return f"Z={self.metallicity[i_metallicity]:.4g}, {age}"

    def templates_without_data(self, lo_aa: float, hi_aa: float) -> list[str]:
        """Names of the templates that hold no data somewhere between two wavelengths the library covers.

        Parameters
        ----------
        lo_aa, hi_aa : float
            Rest-frame range a synthesis uses; the part outside the library's own range is not considered.
        """
        lo_aa, hi_aa = max(lo_aa, self.wave_aa[0]), min(hi_aa, self.wave_aa[-1])
        missing = (self.valid_range_aa[..., 0] > lo_aa) | (self.valid_range_aa[..., 1] < hi_aa)
        return [self.template_label(iz, ia) for iz, ia in np.argwhere(missing)]

    def content_checksum(self) -> str:
        """sha256 over the name, the description and every array (little-endian bytes)."""
        digest = hashlib.sha256()
        for name in TEXT_NAMES:
            digest.update(f"{name}={getattr(self, name)}\0".encode())
        for name in ARRAY_NAMES:
            array = getattr(self, name)
            digest.update(f"{name}{array.shape}\0".encode())
            digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    def summary(self) -> dict[str, object]:
        """What ``sfhsim library info`` prints: plain numbers and text, ready for JSON."""
        n_z, n_age, n_wave = self.shape
        incomplete = self.templates_without_data(self.wave_aa[0], self.wave_aa[-1])
        reaches = bool(np.isfinite(self.ionizing_photon_rate).all())
        return {
            "name": self.name,
            "metallicities": [float(f"{z:.6g}") for z in self.metallicity],
            "n_ages": n_age,
            "age_range_yr": [float(self.age_yr[0]), float(self.age_yr[-1])],
            "n_wavelengths": n_wave,
            "wavelength_range_aa": [float(self.wave_aa[0]), float(self.wave_aa[-1])],
            "n_templates": n_z * n_age,
            "resolution_fwhm_aa_at_5500": self._resolution_at(5500.0),
            "ionizing_output": reaches,
            "templates_with_missing_wavelengths": incomplete,
            "imf": self.imf,
            "source": self.source,
            "licence": self.licence,
            "citation": self.citation,
            "notes": self.notes,
            "checksum": self.checksum,
        }

    def _resolution_at(self, wave_aa: float) -> float | None:
        if not self.wave_aa[0] <= wave_aa <= self.wave_aa[-1]:
            return None
        return float(np.interp(wave_aa, self.wave_aa, self.resolution_fwhm_aa))

    def replace(self, **changes: Any) -> SSPLibrary:
        """A copy with some attributes changed; validated anew, and what follows from them recomputed."""
        stale: dict[str, Any] = {"checksum": ""}
        if "age_yr" in changes:
            stale["age_edges_yr"] = None
        if "flux" in changes or "wave_aa" in changes:
            stale["valid_range_aa"] = None
            stale["ionizing_photon_rate"] = stale["ionizing_luminosity_lsun"] = None
        return dataclasses.replace(self, **(stale | changes))
