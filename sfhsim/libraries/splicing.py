"""Splicing: a young library below an age, another above it.

How E-MILES (63 Myr and older) is extended to young stars. The result is on the older library's wavelengths
and metallicities; the young templates are rebinned flux-conservingly and interpolated linearly in log10 Z:

    L(Z) = (1 - f) L(Z_k) + f L(Z_k+1),   f = log10(Z/Z_k) / log10(Z_k+1/Z_k), clipped to [0, 1]

With ``match_window_aa`` the young part is scaled, one factor a metallicity, so that the light in that window
of the first older template equals that of the young library at the same age: two IMFs give different light
per Msun formed, and without the factor the boundary would be a step.
"""

from __future__ import annotations

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.interpolation import at_ages, metallicity_weights, mix_metallicities
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.names import check_name
from sfhsim.pixels import pixel_edges, rebin_padded

RESOLUTION_RANGE_AA = (3600.0, 7000.0)
RESOLUTION_TOLERANCE = 0.10
MIN_OVERLAP_PIXELS = 10


def splice(
    young: SSPLibrary,
    old: SSPLibrary,
    boundary_age_yr: float,
    *,
    name: str = "spliced",
    allow_imf_mismatch: bool = False,
    match_window_aa: tuple[float, float] | None = None,
) -> SSPLibrary:
    """Ages of ``young`` below the boundary, ages of ``old`` from it on.

    Parameters
    ----------
    young, old : SSPLibrary
    boundary_age_yr : float
    name : str
        What to call the result.
    allow_imf_mismatch : bool
        Splice although the two say different IMFs.
    match_window_aa : (low, high), optional
        Scale the young part to be continuous in this window at the boundary.

    Returns
    -------
    SSPLibrary
        Its ``notes`` say what was scaled, clipped and trimmed. Its ionising output is the young library's.

    Raises
    ------
    LibraryError
        When a side has no ages, the wavelengths do not overlap, the resolutions differ by more than 10% over
        3600-7000 A, the IMFs differ, or the name could not be that of a folder.
    """
    check_name(name, "the library name", LibraryError)
    i_young, i_old = _ages(young, old, boundary_age_yr)
    pixels = _overlap(young, old)
    _check_resolution(young, old)
    _check_imf(young, old, allow_imf_mismatch)
    wave_aa = old.wave_aa[pixels]
    edges_aa = pixel_edges(wave_aa)

    lower, fraction, clipped = metallicity_weights(young.metallicity, old.metallicity)
    mixed = mix_metallicities(young.flux[:, i_young], lower, fraction)
    # One metallicity at a time: the rebinned cube in float64 would be several times the size of the result.
    young_flux = np.stack([rebin_padded(young.wave_aa, row, edges_aa).astype(np.float32) for row in mixed])
    old_flux = old.flux[:, i_old][:, :, pixels]

    scale, scale_note = np.ones(old.metallicity.size), ""
    if match_window_aa is not None:
        scale = _continuity_scale(young, old, float(old.age_yr[i_old][0]), lower, fraction, match_window_aa)
        scale_note = (
            f"The young part is scaled by {', '.join(f'{s:.3f}' for s in scale)} (per Z) to be continuous "
            f"over {match_window_aa[0]:g}-{match_window_aa[1]:g} A at {old.age_yr[i_old][0] / 1e6:.4g} Myr."
        )
    flux = np.concatenate([young_flux * scale[:, None, None].astype(np.float32), old_flux], axis=1)
    photons, luminosity = (
        np.concatenate(
            [
                mix_metallicities(values[:, i_young], lower, fraction) * scale[:, None],
                mix_metallicities(at_ages(young.age_yr, values, old.age_yr[i_old]), lower, fraction) * scale[:, None],
            ],
            axis=1,
        )
        for values in (young.ionizing_photon_rate, young.ionizing_luminosity_lsun)
    )
    clip_note = f"Young templates clipped in Z at {', '.join(f'{z:g}' for z in clipped)}." if clipped.size else ""
    trim_note = "" if pixels.all() else f"Trimmed to the common {wave_aa[0]:.0f}-{wave_aa[-1]:.0f} A."
    notes = [
        f"{young.name} below {boundary_age_yr / 1e6:g} Myr, {old.name} above.",
        f"Ionising output of {young.name}.",
        scale_note,
        clip_note,
        trim_note,
        old.notes,
    ]
    return SSPLibrary(
        name=name,
        metallicity=old.metallicity,
        age_yr=np.concatenate([young.age_yr[i_young], old.age_yr[i_old]]),
        wave_aa=wave_aa,
        flux=flux,
        resolution_fwhm_aa=old.resolution_fwhm_aa[pixels],
        ionizing_photon_rate=photons,
        ionizing_luminosity_lsun=luminosity,
        imf=old.imf if young.imf == old.imf else f"{young.imf} (young) and {old.imf} (old)",
        source=f"{young.name} [{young.source}] + {old.name} [{old.source}]",
        licence="; ".join(dict.fromkeys([young.licence, old.licence])),
        citation="; ".join(dict.fromkeys([young.citation, old.citation])),
        notes=" ".join(note for note in notes if note),
    )


def _ages(young: SSPLibrary, old: SSPLibrary, boundary_age_yr: float) -> tuple[np.ndarray, np.ndarray]:
    i_young = np.flatnonzero(young.age_yr < boundary_age_yr * (1 - 1e-9))
    i_old = np.flatnonzero(old.age_yr >= boundary_age_yr * (1 - 1e-9))
    for library, kept, side in ((young, i_young, "below"), (old, i_old, "from")):
        if kept.size == 0:
            raise LibraryError(
                f"'{library.name}' has no ages {side} the boundary {boundary_age_yr:.4g} yr: its ages run "
                f"from {library.age_yr[0]:.4g} to {library.age_yr[-1]:.4g} yr"
            )
    return i_young, i_old


def _overlap(young: SSPLibrary, old: SSPLibrary) -> np.ndarray:
    """(n_wave,) which pixels of the old library the young one covers."""
    pixels = (old.wave_aa >= young.wave_aa[0]) & (old.wave_aa <= young.wave_aa[-1])
    if pixels.sum() < MIN_OVERLAP_PIXELS:
        raise LibraryError(
            f"wavelengths do not overlap: '{young.name}' has {young.wave_aa[0]:.1f}-{young.wave_aa[-1]:.1f} "
            f"A, '{old.name}' {old.wave_aa[0]:.1f}-{old.wave_aa[-1]:.1f} A"
        )
    return pixels


def _check_resolution(young: SSPLibrary, old: SSPLibrary) -> None:
    low, high = RESOLUTION_RANGE_AA
    wave = old.wave_aa[(old.wave_aa >= max(low, young.wave_aa[0])) & (old.wave_aa <= min(high, young.wave_aa[-1]))]
    if wave.size == 0:
        return
    fwhm_young = np.interp(wave, young.wave_aa, young.resolution_fwhm_aa)
    fwhm_old = np.interp(wave, old.wave_aa, old.resolution_fwhm_aa)
    known = (fwhm_young > 0) & (fwhm_old > 0)
    difference = np.where(known, np.abs(fwhm_young - fwhm_old) / np.where(known, fwhm_old, 1.0), 0.0)
    worst = int(np.argmax(difference))
    if difference[worst] > RESOLUTION_TOLERANCE:
        raise LibraryError(
            f"resolutions differ by {100 * difference[worst]:.0f}% at {wave[worst]:.0f} A: '{young.name}' "
            f"has FWHM {fwhm_young[worst]:.2f} A, '{old.name}' {fwhm_old[worst]:.2f} A; bring them to one "
            "resolution first"
        )


def _check_imf(young: SSPLibrary, old: SSPLibrary, allowed: bool) -> None:
    if young.imf != old.imf and not allowed:
        raise LibraryError(
            f"IMFs differ: '{young.name}' has {young.imf or 'an unknown one'}, '{old.name}' has "
            f"{old.imf or 'an unknown one'}; the light per Msun formed would jump at the boundary. Allow it "
            "with allow_imf_mismatch, best together with match_window_aa"
        )


def _continuity_scale(
    young: SSPLibrary,
    old: SSPLibrary,
    first_old_age_yr: float,
    lower: np.ndarray,
    fraction: np.ndarray,
    window_aa: tuple[float, float],
) -> np.ndarray:
    """(n_metallicity,) light in the window: first old template over the young library at its age."""
    low, high = window_aa
    for library in (young, old):
        if not (library.wave_aa[0] <= low < high <= library.wave_aa[-1]):
            raise LibraryError(
                f"match_window_aa {low:g}-{high:g} A must increase and lie inside the wavelengths of '{library.name}'"
            )
    edges_aa = np.array([low, high])
    i_old = int(np.searchsorted(old.age_yr, first_old_age_yr))
    old_light = rebin_padded(old.wave_aa, old.flux[:, i_old], edges_aa)[..., 0]
    young_light = rebin_padded(young.wave_aa, young.flux, edges_aa)[..., 0]
    at_boundary = at_ages(young.age_yr, young_light, np.array([first_old_age_yr]))
    return old_light / mix_metallicities(at_boundary, lower, fraction)[:, 0]
