"""What makes an SSP library usable, checked once when it is imported or saved.

A library in the wrong unit gives plausible-looking nonsense, so the checks look at magnitudes too:
wavelengths are Angstrom, ages yr, metallicities mass fractions. Every message names the array, the first
offending element, and what was expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfhsim.errors import LibraryError

if TYPE_CHECKING:
    from sfhsim.libraries.ssp_library import SSPLibrary

MAX_METALLICITY = 0.12  # BC03's 5 Zsun is 0.1; anything above is in solar units
OLDEST_AGE_YR = 3.0e10


def check_axis(name: str, values: np.ndarray, unit: str) -> None:
    """Raise LibraryError unless ``values`` (n,) is finite and strictly increasing."""
    if values.ndim != 1 or values.size == 0:
        raise LibraryError(f"{name} must be a non-empty 1-D array in {unit}, not of shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise LibraryError(f"{name}[{bad[0]}] is {values[bad[0]]}: expected finite values in {unit}")
    bad = np.flatnonzero(np.diff(values) <= 0)
    if bad.size:
        i = int(bad[0])
        raise LibraryError(
            f"{name} must be strictly increasing: {name}[{i}] = {values[i]:.8g} is followed by "
            f"{values[i + 1]:.8g} ({unit})"
        )


def check_wavelength(wave_aa: np.ndarray) -> None:
    """Raise LibraryError unless ``wave_aa`` (n_wave,) increases and is plausibly in Angstrom."""
    check_axis("wave_aa", wave_aa, "Angstrom")
    low, high = float(wave_aa[0]), float(wave_aa[-1])
    found = f"wave_aa runs from {low:.6g} to {high:.6g}"
    if low <= 0:
        raise LibraryError(f"{found}: wavelengths must be positive, in Angstrom")
    if high < 100:
        raise LibraryError(f"{found}: this looks like micron; expected Angstrom (multiply by 1e4)")
    if low < 0.9:
        raise LibraryError(f"{found}: this looks like micron or nm; expected Angstrom")
    finely = wave_aa.size > 1 and float(np.median(np.diff(wave_aa))) < 0.2
    # A library in Angstrom that begins below the Lyman limit goes on into the optical, on wider pixels.
    if 90 < low < 912 and (high < 2500 or (high < 5100 and finely)):
        raise LibraryError(f"{found}: this looks like nm; expected Angstrom (multiply by 10)")


def check_age(age_yr: np.ndarray) -> None:
    """Raise LibraryError unless ``age_yr`` (n_age,) increases and is plausibly in yr."""
    check_axis("age_yr", age_yr, "yr")
    low, high = float(age_yr[0]), float(age_yr[-1])
    found = f"age_yr runs from {low:.6g} to {high:.6g}"
    if high <= 20:
        unit = "log10(age/yr)" if low >= 4 else "log10 of an age" if low < 0 else "Gyr"
        raise LibraryError(f"{found}: this looks like {unit}; expected yr")
    if low <= 0:
        raise LibraryError(f"{found}: ages must be positive, in yr (drop the age-0 template)")
    if high <= 2.5e4:
        raise LibraryError(f"{found}: this looks like Myr; expected yr (multiply by 1e6)")
    if high > OLDEST_AGE_YR:
        raise LibraryError(f"{found}: older than {OLDEST_AGE_YR:.0e} yr (is it in seconds?); expected yr")


def check_metallicity(metallicity: np.ndarray) -> None:
    """Raise LibraryError unless ``metallicity`` (n_metallicity,) increases within (0, 0.12]."""
    check_axis("metallicity", metallicity, "mass fraction Z")
    low, high = float(metallicity[0]), float(metallicity[-1])
    if low <= 0:
        raise LibraryError(
            f"metallicity[0] = {low:.6g} is out of range: expected mass fractions 0 < Z <= "
            f"{MAX_METALLICITY}; negative values look like [M/H], to be converted first"
        )
    if high > MAX_METALLICITY:
        raise LibraryError(
            f"metallicity[{metallicity.size - 1}] = {high:.6g} is out of range: expected mass fractions "
            f"0 < Z <= {MAX_METALLICITY}; values in solar units must be multiplied by the solar Z"
        )


def check_flux(library: SSPLibrary) -> None:
    """Raise LibraryError on a NaN, infinite, negative or empty template, naming its Z, age and wavelength."""
    flux = library.flux
    # min() and max() propagate NaN: two cheap passes on the good path, a search only on the bad one.
    if not (flux.min() >= 0 and np.isfinite(flux.max())):
        iz, ia, iw = (int(k[0]) for k in np.nonzero(~(np.isfinite(flux) & (flux >= 0))))
        value = flux[iz, ia, iw]
        kind = "negative" if value < 0 else "not finite"
        raise LibraryError(
            f"library '{library.name}': flux is {kind} ({value:.6g}) in template "
            f"{library.template_label(iz, ia)} at {library.wave_aa[iw]:.2f} A; spectra must be finite and "
            ">= 0 Lsun/Angstrom per Msun"
        )
    empty = np.argwhere(flux.max(axis=2) == 0)
    if empty.size:
        iz, ia = (int(k) for k in empty[0])
        raise LibraryError(
            f"library '{library.name}': template {library.template_label(iz, ia)} is 0 at every wavelength"
        )


def check_shapes(library: SSPLibrary) -> None:
    """Raise LibraryError when an array's shape does not agree with the axes."""
    n_z, n_age, n_wave = library.metallicity.size, library.age_yr.size, library.wave_aa.size
    expected = {
        "flux": (n_z, n_age, n_wave),
        "resolution_fwhm_aa": (n_wave,),
        "ionizing_photon_rate": (n_z, n_age),
        "ionizing_luminosity_lsun": (n_z, n_age),
        "valid_range_aa": (n_z, n_age, 2),
        "age_edges_yr": (n_age + 1,),
    }
    for name, shape in expected.items():
        found = getattr(library, name).shape
        if found != shape:
            raise LibraryError(
                f"library '{library.name}': {name} has shape {found}, expected {shape} from "
                f"{n_z} metallicities, {n_age} ages and {n_wave} wavelengths"
            )


def check_library(library: SSPLibrary) -> None:
    """All checks of one library; raises LibraryError at the first that fails."""
    check_metallicity(library.metallicity)
    check_age(library.age_yr)
    check_wavelength(library.wave_aa)
    check_shapes(library)
    check_axis("age_edges_yr", library.age_edges_yr, "yr")
    edges, ages = library.age_edges_yr, library.age_yr
    if edges[0] < 0 or np.any(ages < edges[:-1]) or np.any(ages > edges[1:]):
        raise LibraryError(f"library '{library.name}': every age must lie inside its bin of age_edges_yr (yr)")
    if np.any(~np.isfinite(library.resolution_fwhm_aa)) or np.any(library.resolution_fwhm_aa < 0):
        raise LibraryError(f"library '{library.name}': resolution_fwhm_aa must be finite and >= 0 Angstrom")
    check_flux(library)
