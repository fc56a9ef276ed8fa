"""How quantities are written in pictures and tables: short, with their units."""

from __future__ import annotations

# name in the description: (in a title, unit as in "scatter 0.1 dex")
_SUMMARIES = {
    "mean_log10_age_yr_mass": ("mean log age, by mass", "dex"),
    "mean_log10_age_yr_light": ("mean log age, by light", "dex"),
    "log10_metallicity_mass": ("log mean Z, by mass", "dex"),
    "log10_metallicity_light": ("log mean Z, by light", "dex"),
    "a_v_mag": ("attenuation $A_V$", "mag"),
    "mass_fraction_100myr": ("mass fraction, last 100 Myr", ""),
}
_AXES = {
    "mean_log10_age_yr_mass": "log (age / yr)",
    "mean_log10_age_yr_light": "log (age / yr)",
    "log10_metallicity_mass": "log Z",
    "log10_metallicity_light": "log Z",
    "a_v_mag": "$A_V$ [mag]",
    "mass_fraction_100myr": "mass fraction",
}
_FAMILIES = {"cumulative": "cumulative SFH", "metallicity": "metallicity per bin"}


def title(name: str) -> str:
    """Of a summary or a family of targets."""
    return _FAMILIES.get(name) or _SUMMARIES.get(name, (name.replace("_", " "), ""))[0]


def unit(name: str) -> str:
    """Of differences of a summary; empty for shares."""
    return _SUMMARIES.get(name, ("", ""))[1]


def signed(value: float, digits: int) -> str:
    """With its sign, a true minus; zero has none."""
    rounded = round(float(value), digits)
    return f"{rounded:+.{digits}f}".replace("-", "−") if rounded else f"{0:.{digits}f}"


def on_axis(name: str) -> str:
    """Of a summary, short and with its unit, to follow "true" or "recovered"."""
    return _AXES.get(name, name.replace("_", " "))
