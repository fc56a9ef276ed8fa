"""How much light a library gives per Msun formed, held against another library's at the same Z and age.

Libraries of different makers need not agree: a Salpeter IMF (0.1-100 Msun) gives about 1.6 times less light than
Kroupa's or Chabrier's for the same old stars, and isochrones differ. A ratio far from there is a wrong unit.
"""

from __future__ import annotations

import numpy as np

from sfhsim.libraries.interpolation import at_ages, metallicity_weights, mix_metallicities
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.pixels import rebin_padded

V_WINDOW_AA = (5000.0, 6000.0)  # about the V band, and inside every optical library
_SAID_AGES_YR = (1e7, 1e8, 1e9, 1e10)


def light_at(library: SSPLibrary, metallicity: np.ndarray, age_yr: np.ndarray) -> np.ndarray:
    """Mean light (n_z, n_age) over `V_WINDOW_AA`, Lsun/Angstrom per Msun formed, at other metallicities and ages."""
    light = rebin_padded(library.wave_aa, library.flux, np.array(V_WINDOW_AA))[..., 0]
    lower, fraction, _ = metallicity_weights(library.metallicity, np.asarray(metallicity))
    return mix_metallicities(at_ages(library.age_yr, light, np.asarray(age_yr)), lower, fraction)


def light_ratio(library: SSPLibrary, reference: SSPLibrary) -> np.ndarray:
    """Light (n_z, n_age) of each template of ``library`` over that of ``reference`` at its Z and age.

    NaN for ages that the reference does not have.
    """
    ratio = light_at(library, library.metallicity, library.age_yr) / light_at(
        reference, library.metallicity, library.age_yr
    )
    known = (library.age_yr >= reference.age_yr[0]) & (library.age_yr <= reference.age_yr[-1])
    return np.where(known, ratio, np.nan)


def ratio_in_words(library: SSPLibrary, reference: SSPLibrary) -> str:
    """One sentence on `light_ratio`: its median, extremes, and medians over Z at round ages."""
    ratio = light_ratio(library, reference)
    ages = sorted({int(np.argmin(np.abs(np.log(library.age_yr / age)))) for age in _SAID_AGES_YR})
    by_age = ", ".join(
        f"{library.template_label(0, i).partition(', ')[2]}: {np.median(ratio[:, i]):.2f}"
        for i in ages
        if np.isfinite(ratio[0, i])
    )
    low, high = V_WINDOW_AA
    return (
        f"Light over {low:g}-{high:g} A per Msun formed over that of {reference.name} at the same Z and age: median "
        f"{np.nanmedian(ratio):.2f}, {np.nanmin(ratio):.2f} to {np.nanmax(ratio):.2f} (medians over Z at {by_age})."
    )
