"""What a recipe asks of a library that it does not hold, said once when the simulator is compiled."""

from __future__ import annotations

from collections.abc import Iterator

from sfhsim.libraries.ssp_library import SSPLibrary

UNSEEN_AA = 1300.0  # a library that begins redward of it leaves out much of the light that heats dust


def notes_on(simulator, library: SSPLibrary) -> Iterator[str]:
    """What the user should know about a compiled recipe on this library."""
    yield from simulator.spectrograph.notes
    ranges = [simulator.spectrograph.rest_range_aa, *simulator.photometer.rest_ranges_aa]
    empty = {name: None for low, high in ranges for name in library.templates_without_data(low, high)}
    if empty:
        names = list(empty)
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        yield (
            f"{len(names)} templates of {library.name} hold no data in a part of {low:.0f}-{high:.0f} A that "
            f"this recipe uses, and count as zero there: {shown}"
        )
    missing = [band["name"] for band in simulator.photometer.describe() if band.get("missing")]
    if missing:
        yield f"{library.name} does not reach over {', '.join(missing)}: magnitudes there are missing (NaN)"
    low_z, high_z = _metallicity_range(simulator.recipe.metallicity)
    if low_z < library.metallicity[0] * (1 - 1e-9) or high_z > library.metallicity[-1] * (1 + 1e-9):
        yield (
            f"the recipe's metallicities span {low_z:.3g} to {high_z:.3g}, those of {library.name} "
            f"{library.metallicity[0]:.3g} to {library.metallicity[-1]:.3g}: stars outside take the "
            "nearest; the truth n_clipped_metallicity counts their age bins"
        )
    if library.age_yr[0] > simulator.recipe.dust.birth_cloud_age_myr * 1e6:
        yield (
            f"the youngest stars of {library.name} are {library.age_yr[0] / 1e6:.3g} Myr old, older than "
            f"the birth clouds ({simulator.recipe.dust.birth_cloud_age_myr:g} Myr): the clouds attenuate those"
        )
    if simulator.recipe.dust.emission.is_on and library.wave_aa[0] > UNSEEN_AA:
        yield (
            f"{library.name} begins at {library.wave_aa[0]:.0f} A: what dust absorbs of bluer light is missing in its "
            "emission; use a library that begins below 912 A, or a larger dust.emission.luminosity_factor"
        )
    if simulator.light.nebular is not None and not simulator.light.nebular.glows:
        yield (
            f"no stars of {library.name} are young enough for nebular emission: there is none; `sfhsim library splice` "
            "puts younger ones below them"
        )


def _metallicity_range(metallicity) -> tuple[float, float]:
    """Smallest and largest Z that a recipe can give to stars."""
    if not metallicity.is_builtin:  # only it knows; the truth n_clipped_metallicity counts what is outside
        return float("inf"), float("-inf")
    if metallicity.table is not None:
        return min(metallicity.table.value), max(metallicity.table.value)
    start = metallicity.z_final if metallicity.form == "constant" else metallicity.z_start
    return start.bounds()[0], metallicity.z_final.bounds()[1]
