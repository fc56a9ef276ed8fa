"""Quantities of bins with names and units, of what the model answered: what the maps and the table of bins hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.mapping.mass import LightPerMass, luminosity_per_area

Z_SUN = 0.02  # of BC03's stars; metallicities are relative to it
_SUMMARIES = {
    "mean_log10_age_yr_mass": ("LOG_AGE_MW", "dex(yr)", "mass-weighted mean log10 age"),
    "mean_log10_age_yr_light": ("LOG_AGE_LW", "dex(yr)", "light-weighted mean log10 age"),
    "log10_metallicity_mass": ("METAL_MW", "dex", "log10 of mass-weighted mean Z / 0.02"),
    "log10_metallicity_light": ("METAL_LW", "dex", "log10 of light-weighted mean Z / 0.02"),
    "a_v_mag": ("A_V", "mag", "attenuation of the stars at 5500 A"),
    "mass_fraction_100myr": ("FRAC_100MYR", "", "fraction of the mass formed in the last 100 Myr"),
}
# of the mass formed, by age: name, from, to [yr]
AGE_BANDS = (
    ("FRAC_INTERMEDIATE", 1e8, 1e9),
    ("FRAC_OLD", 1e9, 5e9),
    ("FRAC_OLDEST", 5e9, np.inf),
)


@dataclass(frozen=True, eq=False)
class Quantity:
    """Of every bin.

    Attributes
    ----------
    name : of the map; that of its error ends with ``_ERR``.
    unit : as astropy reads it; logarithms are ``dex(...)``, which FITS has no word for.
    comment : what it is.
    values : (n_bin,)
    error : (n_bin,) half the 68% interval, or None.
    """

    name: str
    unit: str
    comment: str
    values: np.ndarray
    error: np.ndarray | None = None


def half_interval(quantiles: np.ndarray, description: ModelDescription) -> np.ndarray:
    """(...,) half the distance of the 16% and 84% quantiles (..., n_level)."""
    low, high = (int(np.argmin(np.abs(np.array(description.quantile_levels) - p))) for p in (0.16, 0.84))
    return 0.5 * (quantiles[..., high] - quantiles[..., low])


def summary_quantities(quantiles: np.ndarray, description: ModelDescription) -> Iterator[Quantity]:
    """Ages, metallicities, A_V and the young fraction, of quantiles (n_bin, n_summary, n_level)."""
    middle = quantiles.shape[-1] // 2
    for k, name in enumerate(description.summary_names):
        label, unit, comment = _SUMMARIES.get(name, (name.upper(), "", name))
        values = quantiles[:, k, middle]
        if name.startswith("log10_metallicity"):
            values = values - np.float32(np.log10(Z_SUN))
        yield Quantity(label, unit, comment, values, half_interval(quantiles[:, k], description))


def formed_since(cumulative: np.ndarray, edges_yr: np.ndarray, age_yr: float) -> np.ndarray:
    """(n_bin, ...) mass fraction formed in the last ``age_yr``, of (n_bin, n_age_bin, ...) cumulative."""
    k = int(np.clip(np.searchsorted(edges_yr, age_yr, side="left"), 1, edges_yr.size - 1))
    share = float(np.clip((age_yr - edges_yr[k - 1]) / (edges_yr[k] - edges_yr[k - 1]), 0.0, 1.0))
    below = cumulative[:, k - 2] if k > 1 else np.zeros_like(cumulative[:, 0])
    return below + share * (cumulative[:, k - 1] - below)


def age_band_quantities(cumulative_quantiles: np.ndarray, description: ModelDescription) -> Iterator[Quantity]:
    """Fractions of the mass in bands of age, of quantiles (n_bin, n_age_bin, n_level); errors of both ends add."""
    middle = cumulative_quantiles.shape[-1] // 2
    edges = description.age_bin_edges_yr
    for name, low, high in AGE_BANDS:
        ends = [formed_since(cumulative_quantiles, edges, age) for age in (low, high) if age < edges[-1]]
        upper = ends[1][:, middle] if high < edges[-1] else 1.0
        lower = ends[0][:, middle]
        error = np.sqrt(sum(np.square(half_interval(end, description)) for end in ends))
        what = f"{low / 1e9:g}-{high / 1e9:g} Gyr ago" if high < edges[-1] else f"over {low / 1e9:g} Gyr ago"
        comment = f"fraction of the mass formed {what}"
        finite = np.isfinite(cumulative_quantiles[:, 0, middle])
        yield Quantity(name, "", comment, np.where(finite, np.maximum(upper - lower, 0.0), np.nan), error)


@dataclass(frozen=True, eq=False)
class Masses:
    """Masses and star formation per area, of bins whose flux has a unit and a solid angle.

    Attributes
    ----------
    light : LightPerMass
    flux_cgs : (n_bin,) of a spaxel, at 5500 A.
    pixel_sr, redshift : of the cube.
    """

    light: LightPerMass
    flux_cgs: np.ndarray
    pixel_sr: float
    redshift: float

    def quantities(
        self,
        description: ModelDescription,
        mass_fraction: np.ndarray,
        metallicity: np.ndarray,
        summary_quantiles: np.ndarray,
        cumulative_quantiles: np.ndarray,
    ) -> Iterator[Quantity]:
        """Surface densities of the mass formed and of the star formation rate of the last 10 and 100 Myr.

        The error of the mass is that of A_V and that of the history, added in quadrature: as far as both are
        anticorrelated at the same colour, it is an upper limit.
        """
        names = description.summary_names
        a_v = summary_quantiles[:, names.index("a_v_mag")]
        middle = a_v.shape[-1] // 2
        area_light = luminosity_per_area(self.flux_cgs, self.pixel_sr, self.redshift)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_mass = np.log10(area_light / self.light(mass_fraction, metallicity, a_v[:, middle]))
            of_history = _history_error(self.light, description, metallicity, cumulative_quantiles)
        error = np.hypot(0.4 * half_interval(a_v, description), of_history)
        yield Quantity("LOG_MASS_DENSITY", "dex(solMass pc-2)", "log10 mass formed per area", log_mass, error)
        per_kpc2 = 10.0**log_mass * 1e6
        for label, age_yr in (("SFR_DENSITY_10MYR", 1e7), ("SFR_DENSITY_100MYR", 1e8)):
            share = formed_since(cumulative_quantiles, description.age_bin_edges_yr, age_yr)
            rate = per_kpc2 * share[:, middle] / age_yr
            error_rate = np.hypot(per_kpc2 * half_interval(share, description) / age_yr, rate * error * np.log(10.0))
            comment = f"star formation rate per area, last {age_yr / 1e6:g} Myr"
            yield Quantity(label, "solMass yr-1 kpc-2", comment, rate, error_rate)


def _history_error(light, description: ModelDescription, metallicity, cumulative_quantiles) -> np.ndarray:
    """(n_bin,) dex, half the difference of log light per mass between early and late histories (16% and 84%)."""
    levels = np.array(description.quantile_levels)
    none = np.zeros(metallicity.shape[0])
    logs = []
    for level in (0.16, 0.84):
        k = int(np.argmin(np.abs(levels - level)))
        fraction = np.diff(cumulative_quantiles[..., k], axis=1, prepend=0.0)
        fraction = np.maximum(fraction, 0.0)
        fraction = fraction / np.maximum(fraction.sum(axis=1, keepdims=True), 1e-9)
        logs.append(np.log10(light(fraction, metallicity, none)))
    return 0.5 * np.abs(logs[1] - logs[0])
