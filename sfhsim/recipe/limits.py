"""What the numbers of a recipe may be, so that every galaxy that it can draw comes out finite.

The faintest galaxy is estimated from below: an old population of 1 Msun gives 1e-5 Lsun/Angstrom at 5500 A; to the red
it falls as l^-4, to the blue as a black body of 4500 K (old templates lie above both, their hot stars far above).
"""

from __future__ import annotations

import itertools

import numpy as np

from sfhsim.constants import LSUN_ERG_S, UNIVERSE_AGE_YR
from sfhsim.errors import RecipeError
from sfhsim.recipe.distributions import EXTREMES, MOST_SIGMA, Choice, Uniform, _Distribution
from sfhsim.recipe.galaxy_sections import DustComponent
from sfhsim.recipe.model import Recipe

# key: smallest, largest, unit
LIMITS = {
    "total_mass_msun": (1.0, 1.0e15, "Msun"),
    "metallicity.z_start": (1.0e-12, 0.2, "mass fraction"),
    "metallicity.z_final": (1.0e-12, 0.2, "mass fraction"),
    "metallicity.yield_": (1.0e-6, 1.0, ""),
    "dust.birth.tau": (0.0, 1.0e3, ""),
    "dust.screen.tau": (0.0, 1.0e3, ""),
    "dust.emission.luminosity_factor": (0.0, 1.0e3, ""),
    "nebular.log_u": (-4.0, 0.0, "dex"),
    "nebular.ionization_q_cm_s": (1.0, 1.0e12, "cm/s"),
    "kinematics.velocity_dispersion_kms": (0.0, 5.0e3, "km/s"),
    "kinematics.line_velocity_dispersion_kms": (0.0, 5.0e3, "km/s"),
    "kinematics.line_velocity_offset_kms": (-3.0e3, 3.0e3, "km/s"),
    "nebular.line_scatter_dex": (0.0, 1.0, "dex"),
    "nebular.hydrogen_scatter_dex": (0.0, 1.0, "dex"),
    "nebular.common_scatter_dex": (0.0, 1.0, "dex"),
    "noise.snr": (1.0e-6, 1.0e9, ""),
}
_ERROR_MAG = (0.0, 10.0, "mag")
_FAINTEST_LOG10 = -36.0  # erg/s/cm2/Angstrom; the full precision of float32 ends at -37.9
_BRIGHTEST_LSUN_AA = 100.0  # per Msun: young stars have 1, and lines rise above them
_BRIGHTEST_LOG10 = 37.0  # float32 ends at 38.5
_PROBABILITIES = np.geomspace(*EXTREMES, 300)
_HIGHEST_CORNERS = 12  # parameters that are tried at both ends in all combinations


def check_limits(recipe: Recipe, origin: str = "recipe") -> None:
    """Raise RecipeError, naming the key, where a recipe can draw a number that cannot be simulated."""
    for key, limits in LIMITS.items():
        value = recipe
        for name in key.split("."):
            value = getattr(value, name)
        if value is not None:
            _check_within(value, limits, f"{origin}: {key.rstrip('_')}")
    errors = recipe.photometry.error_mag
    for band, value in errors.items() if isinstance(errors, dict) else [("", errors)]:
        _check_within(value, _ERROR_MAG, f"{origin}: photometry.error_mag{'.' * bool(band)}{band}")
    _check_redshift(recipe, origin)


def _check_within(value: _Distribution, limits: tuple[float, float, str], where: str) -> None:
    (low, high), (smallest, largest, unit) = value.bounds(), limits
    if not (low >= smallest and high <= largest):
        raise RecipeError(
            f"{where} spans {low:g} to {high:g}: it must stay within {smallest:g} and {largest:g} {unit}".rstrip()
            + "; give its distribution a min or max"
        )


def _check_redshift(recipe: Recipe, origin: str) -> None:
    try:
        oldest_yr(recipe)
    except RecipeError as error:
        raise RecipeError(f"{origin}: kinematics.redshift with cosmology: {error}") from error


def oldest_yr(recipe: Recipe) -> tuple[float, float]:
    """Oldest possible ages of stars at the lowest and the highest redshift of a recipe."""
    from sfhsim.cosmology import FlatLCDM

    cosmology = FlatLCDM(recipe.cosmology.h0_kms_mpc, recipe.cosmology.omega_m)
    low, high = (float(age) for age in cosmology.age_max_yr(np.array(recipe.kinematics.redshift.bounds())))
    return min(low, UNIVERSE_AGE_YR), high


def corners(parameters: dict[str, _Distribution]) -> dict[str, np.ndarray]:
    """Every combination of the smallest and largest value of each parameter, (n,) each."""
    ends = {name: sorted(set(value.bounds())) for name, value in list(parameters.items())[:_HIGHEST_CORNERS]}
    rows = np.array(list(itertools.product(*ends.values())), dtype=np.float64)
    return dict(zip(ends, rows.T, strict=True))


def check_light(recipe: Recipe, origin: str = "recipe") -> None:
    """Raise RecipeError unless float32 holds the light of the faintest galaxy, in more than half of its pixels, and
    the noise of the brightest."""
    from sfhsim.cosmology import FlatLCDM

    cosmology = FlatLCDM(recipe.cosmology.h0_kms_mpc, recipe.cosmology.omega_m)
    _check_brightest(recipe, cosmology, origin)
    wave_aa = recipe.spectrum.wave_aa[:: max(1, recipe.spectrum.wave_aa.size // 500)]
    mass = recipe.total_mass_msun.bounds()[0]
    faintest = []
    for redshift in recipe.kinematics.redshift.bounds():
        rest_aa = wave_aa / (1 + redshift)
        log10 = np.log10(mass * LSUN_ERG_S / (1 + redshift)) + _old_light_log10(rest_aa)
        log10 -= np.log10(4 * np.pi) + 2 * np.log10(float(cosmology.luminosity_distance_cm(redshift)))
        for component in (recipe.dust.birth, recipe.dust.screen):
            log10 = log10 - np.log10(np.e) * _deepest(component, rest_aa)
        faintest.append(float(np.median(log10)))
    if not min(faintest) > _FAINTEST_LOG10:
        raise RecipeError(
            f"{origin}: the faintest galaxies would have about 1e{min(faintest):.0f} erg/s/cm2/A in their median "
            "pixel, too little to be held: raise total_mass_msun, lower dust.screen.tau, dust.birth.tau or "
            "kinematics.redshift, or move spectrum.start_aa and stop_aa to where there is light"
        )


def _check_brightest(recipe: Recipe, cosmology, origin: str) -> None:
    nearest_cm = min(float(cosmology.luminosity_distance_cm(z)) for z in _lowest(recipe.kinematics.redshift))
    log10 = np.log10(recipe.total_mass_msun.bounds()[1] * _BRIGHTEST_LSUN_AA * LSUN_ERG_S / (4 * np.pi))
    log10 -= 2 * np.log10(max(nearest_cm, 1e-300))
    log10 += MOST_SIGMA * sum(scatter.bounds()[1] for scatter in recipe.nebular.scatters.values())
    if recipe.noise.model != "none":
        log10 += max(0.0, -np.log10(recipe.noise.snr.bounds()[0]))
        if recipe.noise.curve is not None:
            relative = recipe.noise.curve.relative_snr
            log10 += np.log10(max(relative) / min(relative))
    if not log10 < _BRIGHTEST_LOG10:
        raise RecipeError(
            f"{origin}: the brightest galaxies, or their noise, would reach about 1e{log10:.0f} erg/s/cm2/A, too much "
            "to be held: lower total_mass_msun, raise kinematics.redshift (0 means 10 pc), noise.snr or the smallest "
            "relative_snr of noise.curve"
        )


def _lowest(redshift: _Distribution) -> list[float]:
    """The smallest values, 0 and above 0: the distance is not continuous there."""
    if isinstance(redshift, Choice):
        values = redshift.values
    elif isinstance(redshift, Uniform):
        values = redshift.quantile(EXTREMES)
    else:
        values = redshift.quantile(_PROBABILITIES) if redshift.bounds()[0] == 0 else redshift.bounds()
    positive = [float(z) for z in values if z > 0]
    return [redshift.bounds()[0], *([min(positive)] if positive else [])]


def _old_light_log10(rest_aa: np.ndarray) -> np.ndarray:
    """log10 of Lsun/Angstrom per Msun; see the module."""
    blue = np.log10(np.e) * 1.4388e8 / 4500.0 * (1 / 5500.0 - 1 / np.minimum(rest_aa, 5500.0))
    return -5.0 + blue - 4.0 * np.log10(np.maximum(rest_aa, 5500.0) / 5500.0)


def _deepest(component: DustComponent, rest_aa: np.ndarray) -> np.ndarray:
    """(n_wave,) largest optical depth."""
    from sfhsim.dust import get_dust_law

    law = get_dust_law(component.law)
    defaults = {p.name: np.array([p.default]) for p in law.parameters if p.name not in component.parameters}
    given = corners(component.parameters)
    n = len(next(iter(given.values()))) if given else 1
    with np.errstate(over="ignore"):
        curve = law.curve(rest_aa, {name: np.resize(value, n) for name, value in {**defaults, **given}.items()})
        return component.tau.bounds()[1] * np.max(curve, axis=0)
