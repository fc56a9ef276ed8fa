"""Spectra of a recipe's age bins, as its spectrograph sees them: what a history in bins is made of.

    f(lambda) = sum_b m_b [old_b(Z_b) + T_birth young_b(Z_b)] T_screen

m_b is the mass formed in age bin b, at a constant rate, Z_b its metallicity; ``young`` holds the stars that are still
in their birth clouds and the nebular continuum. Between metallicities spectra are linear in log10 Z, as everywhere
here, and between dispersions linear in the variance of the broadening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.constants import C_KMS, FWHM_PER_SIGMA, UNIVERSE_AGE_YR
from sfhsim.dust import get_dust_law
from sfhsim.errors import RecipeError
from sfhsim.instrument import broaden_operator, broadening_sigma_aa, pixel_edges, rebin_operator
from sfhsim.libraries.interpolation import metallicity_weights
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.worlds import Mixture
from sfhsim.synthesis.spectrograph import recipe_lsf

HIGHEST_KMS = 450.0
_VARIANCE_STEP = 1.3  # of two neighbouring dispersions, the instrument's with them: linear to 0.1% of a line's depth
_MARGIN_SIGMA = 7.0
_LOG_U = -3.0  # of the nebular continuum, which hardly depends on it
_BRIGHT = 0.02  # of Hbeta, in the nebula where a line is brightest


@dataclass(frozen=True, eq=False)
class AgeBinTemplates:
    """Spectra of single age bins; `age_bin_templates` makes it.

    Attributes
    ----------
    wave_aa : (n_pixel,) of the recipe's pixels, observed, air.
    age_bin_edges_yr : (n_bin + 1,) of the recipe's labels.
    metallicity : (n_metallicity,) of the library.
    dispersion_kms : (n_dispersion,) of the stars, increasing from 0; one alone where the recipe does not broaden stars.
    old, young : (n_dispersion, n_metallicity, n_bin, n_pixel) float32, Lsun/Angstrom at rest per Msun formed.
    screen_curve : (n_pixel,) optical depth of the recipe's screen over that at 5500 A, its parameters at their middle.
    lsf_sigma_aa : (n_pixel,) Gaussian sigma of the line-spread function, observed.
    line_wave_aa : (n_line,) observed wavelengths of the emission lines that may be bright, on the grid.
    library : name of the stellar library.
    """

    wave_aa: np.ndarray
    age_bin_edges_yr: np.ndarray
    metallicity: np.ndarray
    dispersion_kms: np.ndarray
    old: np.ndarray
    young: np.ndarray
    screen_curve: np.ndarray
    lsf_sigma_aa: np.ndarray
    line_wave_aa: np.ndarray
    library: str

    def weights(self, mass, metallicity) -> np.ndarray:
        """Weights (n, n_metallicity, n_bin) of the templates for masses and metallicities (n, n_bin) of the bins.

        Metallicities beyond the library's count as its lowest or highest.
        """
        mass, wanted = np.asarray(mass, dtype=np.float64), np.asarray(metallicity, dtype=np.float64)
        wanted = np.clip(wanted, self.metallicity[0], self.metallicity[-1])
        lower, share, _ = metallicity_weights(self.metallicity, wanted.ravel())
        lower, share = lower.reshape(mass.shape), share.reshape(mass.shape)
        weights = np.zeros((len(mass), self.metallicity.size, mass.shape[1]))
        row, age_bin = np.indices(mass.shape)
        weights[row, lower, age_bin] += mass * (1.0 - share)
        weights[row, np.minimum(lower + 1, self.metallicity.size - 1), age_bin] += mass * share
        return weights


def age_bin_templates(recipe: Recipe | str, library: SSPLibrary | None = None) -> AgeBinTemplates:
    """Templates of a recipe's age bins on its grid, broadened by its line-spread function.

    Parameters
    ----------
    recipe : object, built-in name or YAML file; its redshift has to be one number.
    library : of the stars; the recipe's when absent.

    Raises
    ------
    RecipeError
        For a mixture of worlds, or a redshift that is drawn.
    CoverageError
        The library does not reach as far as the grid.
    """
    from sfhsim.libraries import load_library
    from sfhsim.recipe import load_recipe

    loaded = recipe if isinstance(recipe, Recipe | Mixture) else load_recipe(recipe)
    if isinstance(loaded, Mixture):
        raise RecipeError(f"{loaded.name} is a mixture of worlds: give the recipe of one of them")
    recipe = loaded
    redshift, highest = recipe.kinematics.redshift.bounds()
    if redshift != highest:
        raise RecipeError(f"templates are at one redshift; that of {recipe.name} is drawn: give it one value")
    library = load_library(recipe.library) if library is None else library
    edges_yr = np.asarray(recipe.labels.age_bin_edges_myr) * 1e6
    window, operators, dispersion_kms = _operators(recipe, library, redshift)
    parts = np.stack(_binned(recipe, library, edges_yr, window))  # (2, n_metallicity, n_bin, n_native)
    flat = parts.reshape(-1, parts.shape[-1]).T
    seen = np.stack([(operator @ flat).T.reshape(*parts.shape[:-1], -1) for operator in operators], axis=1)
    wave_aa, lsf = recipe.spectrum.wave_aa, recipe_lsf(recipe.spectrum)
    return AgeBinTemplates(
        wave_aa=wave_aa,
        age_bin_edges_yr=edges_yr,
        metallicity=np.asarray(library.metallicity),
        dispersion_kms=dispersion_kms,
        old=seen[0].astype(np.float32),
        young=seen[1].astype(np.float32),
        screen_curve=_screen_curve(recipe, wave_aa / (1 + redshift)),
        lsf_sigma_aa=lsf.fwhm_aa(wave_aa) / FWHM_PER_SIGMA,
        line_wave_aa=_bright_lines_aa(wave_aa, redshift),
        library=library.name,
    )


def _operators(recipe: Recipe, library: SSPLibrary, redshift: float) -> tuple[slice, list, np.ndarray]:
    """The native pixels that are needed, and the matrices that broaden and resample them, one a dispersion."""
    edges_aa = pixel_edges(recipe.spectrum.wave_aa) / (1 + redshift)
    lsf, wave_aa = recipe_lsf(recipe.spectrum), np.asarray(library.wave_aa, dtype=np.float64)
    ends_aa = edges_aa[[0, -1]]
    lsf_aa = lsf.fwhm_aa(ends_aa * (1 + redshift)) / FWHM_PER_SIGMA / (1 + redshift)
    reach_aa = _MARGIN_SIGMA * np.hypot(HIGHEST_KMS / C_KMS * ends_aa, lsf_aa)
    low, high = np.searchsorted(wave_aa, [ends_aa[0] - reach_aa[0], ends_aa[1] + reach_aa[1]])
    window = slice(max(int(low) - 3, 0), min(int(high) + 3, wave_aa.size))
    native_aa = wave_aa[window]
    if not recipe.kinematics.broaden_stars:
        return window, [rebin_operator(native_aa, edges_aa)], np.zeros(1)
    template_aa = library.resolution_fwhm_aa[window] if recipe.spectrum.subtract_template_resolution else None
    middle_aa = 0.5 * (ends_aa[0] + ends_aa[1])
    instrument_kms = C_KMS / middle_aa * np.hypot(lsf_aa.mean(), np.diff(edges_aa).mean() / 3.5)
    n_step = int(np.ceil(np.log((HIGHEST_KMS / instrument_kms) ** 2 + 1) / np.log(_VARIANCE_STEP)))
    variance = (HIGHEST_KMS**2 + instrument_kms**2) ** (np.arange(n_step + 1) / n_step)
    variance *= instrument_kms ** (2 * (1 - np.arange(n_step + 1) / n_step))
    dispersion_kms = np.sqrt(np.maximum(variance - instrument_kms**2, 0.0))
    sigma_aa = broadening_sigma_aa(native_aa, redshift, dispersion_kms, lsf, template_aa)[0]
    operators = [broaden_operator(native_aa, sigma, edges_aa, preserve="continuum") for sigma in sigma_aa]
    return window, operators, dispersion_kms


def _binned(recipe: Recipe, library: SSPLibrary, edges_yr: np.ndarray, window: slice) -> tuple[np.ndarray, np.ndarray]:
    """Old and young light (n_metallicity, n_bin, n_native) of each age bin, per Msun formed in it."""
    flux = np.asarray(library.flux[:, :, window], dtype=np.float64)
    share = _shares(np.asarray(library.age_edges_yr), edges_yr)
    in_clouds = np.asarray(library.age_yr) <= recipe.dust.birth_cloud_age_myr * 1e6
    in_clouds[0] = True  # as in the simulator
    old, young = (np.einsum("ba,zaw->zbw", share * of, flux, optimize=True) for of in (~in_clouds, in_clouds))
    if recipe.nebular.model != "none" and recipe.nebular.continuum:
        young += _nebular_continuum(recipe, library, share, np.asarray(library.wave_aa[window], dtype=np.float64))
    return old, young


def _shares(library_edges_yr: np.ndarray, edges_yr: np.ndarray) -> np.ndarray:
    """(n_bin, n_age) of the mass that forms at a constant rate in each bin, by age of the library."""
    edges = [np.array(edges, dtype=np.float64) for edges in (library_edges_yr, edges_yr)]
    for of in edges:
        of[-1] = max(of[-1], UNIVERSE_AGE_YR)
    ages, bins = edges
    overlap = np.minimum(bins[1:, None], ages[None, 1:]) - np.maximum(bins[:-1, None], ages[None, :-1])
    overlap = np.maximum(overlap, 0.0)
    return overlap / overlap.sum(axis=1, keepdims=True)


def _nebular_continuum(recipe: Recipe, library: SSPLibrary, share: np.ndarray, wave_aa: np.ndarray) -> np.ndarray:
    """(n_metallicity, n_bin, n_native) of Cloudy's tables; what escapes is the middle of the recipe's."""
    from sfhsim.nebular.cloudy import load_cloudy

    model, escape = load_cloudy(), float(np.mean(recipe.nebular.escape_fraction.bounds()))
    rate = library.ionizing_photon_rate
    nodes = model.ssp_continuum(library.metallicity, library.age_yr, rate, _LOG_U, escape)
    nodes = np.einsum("ba,zak->zbk", share, nodes, optimize=True)
    rows = nodes.reshape(-1, nodes.shape[-1])
    seen = [np.interp(wave_aa, model.continuum_wave_aa, row, left=0.0, right=0.0) for row in rows]
    return np.array(seen).reshape(*nodes.shape[:2], -1)


def _screen_curve(recipe: Recipe, rest_aa: np.ndarray) -> np.ndarray:
    """(n_pixel,)"""
    screen = recipe.dust.screen
    law = get_dust_law(screen.law)
    given = {name: float(np.mean(distribution.bounds())) for name, distribution in screen.parameters.items()}
    params = {p.name: np.array([given.get(p.name, p.default)]) for p in law.parameters}
    curve = np.asarray(law.curve(np.append(rest_aa, 5500.0), params), dtype=np.float64)[0]
    return curve[:-1] / curve[-1]


def _bright_lines_aa(wave_aa: np.ndarray, redshift: float) -> np.ndarray:
    """Observed wavelengths (n_line,) of the lines that shine in some nebula of Cloudy's tables, on the grid."""
    from sfhsim.nebular.cloudy import load_cloudy

    model = load_cloudy()
    lines = np.asarray(model.line_erg_per_photon, dtype=np.float64)
    hbeta = lines[..., int(np.argmin(np.abs(model.line_wave_aa - 4861.32)))]
    shining = hbeta > 1e-3 * hbeta.max()
    bright = (lines[shining] / hbeta[shining][:, None]).max(axis=0) > _BRIGHT
    observed_aa = np.asarray(model.line_wave_aa)[bright] * (1 + redshift)
    return observed_aa[(observed_aa > wave_aa[0]) & (observed_aa < wave_aa[-1])]
