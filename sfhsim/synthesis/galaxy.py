"""One galaxy, component by component, at the library's native resolution and over all its wavelengths.

The readable path, in float64: no basis, no compiled columns. `sfhsim spectrum` draws it, energy is balanced on it, and
the tests hold the compiled `Simulator` against it.

    emitted    = old + young + nebular continuum + lines
    attenuated = T_screen [old + T_birth (young + nebular continuum + lines)]
    absorbed   = emitted - attenuated, integrated over wavelength
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.instrument import (
    broaden_operator,
    broadening_sigma_aa,
    pixel_edges,
    rebin_operator,
)
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.worlds import Mixture
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.light import DustStage
from sfhsim.synthesis.nebular import compile_nebular
from sfhsim.synthesis.populations import PopulationModel, Populations
from sfhsim.synthesis.sample_ids import world_index
from sfhsim.synthesis.spectrograph import recipe_lsf


@dataclass(frozen=True)
class Galaxy:
    """One galaxy at rest, before any instrument; luminosities for its total mass.

    Attributes
    ----------
    wave_aa : (n_wave,) the library's.
    old, young, nebular_continuum : (n_wave,) emitted, Lsun/Angstrom.
    line_wave_aa, line_luminosity_lsun : (n_line,) emitted.
    birth_transmission, screen_transmission : (n_wave,)
    line_birth_transmission, line_screen_transmission : (n_line,)
    draws, stars : parameters and populations, as batches of one.
    """

    wave_aa: np.ndarray
    old: np.ndarray
    young: np.ndarray
    nebular_continuum: np.ndarray
    line_wave_aa: np.ndarray
    line_luminosity_lsun: np.ndarray
    birth_transmission: np.ndarray
    screen_transmission: np.ndarray
    line_birth_transmission: np.ndarray
    line_screen_transmission: np.ndarray
    draws: Draws
    stars: Populations

    @property
    def stellar(self) -> np.ndarray:
        """Dust-free starlight, Lsun/Angstrom."""
        return self.old + self.young

    @property
    def attenuated_continuum(self) -> np.ndarray:
        """All light but the lines after both dust components, Lsun/Angstrom."""
        clouded = self.birth_transmission * (self.young + self.nebular_continuum)
        return self.screen_transmission * (self.old + clouded)

    @property
    def attenuated_lines_lsun(self) -> np.ndarray:
        """Lines after both dust components, Lsun."""
        return self.line_luminosity_lsun * self.line_birth_transmission * self.line_screen_transmission

    def energy_lsun(self) -> dict[str, float]:
        """Energy emitted, absorbed in the birth clouds, absorbed in the screen, and left, in Lsun.

        Absorbed energies are integrals of what each component takes out, not differences of the others.
        """
        width = np.diff(pixel_edges(self.wave_aa))
        clouded = self.young + self.nebular_continuum
        into_screen = self.old + self.birth_transmission * clouded
        lines, b, s = self.line_luminosity_lsun, self.line_birth_transmission, self.line_screen_transmission
        return {
            "emitted": float((self.old + clouded) @ width + lines.sum()),
            "absorbed_birth": float(((1 - self.birth_transmission) * clouded) @ width + ((1 - b) * lines).sum()),
            "absorbed_screen": float(
                ((1 - self.screen_transmission) * into_screen) @ width + (b * (1 - s) * lines).sum()
            ),
            "attenuated": float(self.attenuated_continuum @ width + (b * s * lines).sum()),
        }

    def observe(self, recipe: Recipe, component: str = "total") -> np.ndarray:
        """Rest-frame flux density of the recipe's pixels (n_pixel,), Lsun/Angstrom.

        Parameters
        ----------
        recipe : gives the grid, LSF and kinematics.
        component : "total", "stars", "young", "nebular_continuum", "lines" (all attenuated) or "dust_free".
        """
        b, s = self.birth_transmission, self.screen_transmission
        continuum, lines = {
            "total": (self.attenuated_continuum, self.attenuated_lines_lsun),
            "stars": (s * (self.old + b * self.young), None),
            "young": (s * b * self.young, None),
            "nebular_continuum": (s * b * self.nebular_continuum, None),
            "lines": (np.zeros_like(self.wave_aa), self.attenuated_lines_lsun),
            "dust_free": (self.old + self.young + self.nebular_continuum, self.line_luminosity_lsun),
        }[component]
        return self._pixels(recipe, continuum, lines)

    def _pixels(self, recipe: Recipe, continuum: np.ndarray, lines: np.ndarray | None) -> np.ndarray:
        from sfhsim.nebular.profiles import line_pixel_matrix

        values = {name: float(value[0]) for name, value in self.draws.values.items()}
        redshift, kms = values["redshift"], values["velocity_dispersion_kms"]
        edges = pixel_edges(recipe.spectrum.wave_aa) / (1 + redshift)
        lsf = recipe_lsf(recipe.spectrum)
        inside = slice(*np.searchsorted(self.wave_aa, [edges[0] * 0.96, edges[-1] * 1.04]))
        if recipe.kinematics.broaden_stars:
            template = self._resolution[inside] if recipe.spectrum.subtract_template_resolution else None
            sigma = broadening_sigma_aa(self.wave_aa[inside], redshift, kms, lsf, template)[0]
            operator = broaden_operator(self.wave_aa[inside], sigma, edges, preserve="continuum")
        else:
            operator = rebin_operator(self.wave_aa[inside], edges)
        pixels = operator @ continuum[inside]
        if lines is not None and lines.size:
            line_kms = values.get("line_velocity_dispersion_kms", kms)
            sigma = broadening_sigma_aa(self.line_wave_aa, redshift, line_kms, lsf)[0]
            pixels = pixels + lines @ line_pixel_matrix(edges, self.line_wave_aa, sigma)
        return pixels

    _resolution: np.ndarray = None  # type: ignore[assignment]


def synthesize_galaxy(
    recipe: Recipe | str, sample_id: int = 0, seed: int = 0, library: SSPLibrary | None = None, draws=None
) -> Galaxy:
    """One sample of a recipe, component by component.

    Parameters
    ----------
    recipe : Recipe, or Mixture, of which that of the sample's world is taken; built-in name or YAML file.
    sample_id, seed : which sample.
    library : the recipe's when absent.
    draws : parameters as a batch of one, instead of sample_id and seed.
    """
    from sfhsim.libraries import load_library
    from sfhsim.recipe import load_recipe

    recipe = recipe if isinstance(recipe, Recipe | Mixture) else load_recipe(recipe)
    if isinstance(recipe, Mixture):
        recipe = recipe.worlds[int(world_index(recipe, [sample_id], seed)[0])].recipe
    library = load_library(recipe.library) if library is None else library
    plan = ParameterPlan(recipe)
    draws = plan.draw(np.array([sample_id]), seed) if draws is None else draws
    model = PopulationModel(recipe, library.age_yr, library.age_edges_yr, library.metallicity)
    stars = model.evaluate(draws)
    mass = float(draws.values["total_mass_msun"][0])
    young = np.flatnonzero(library.age_yr <= recipe.dust.birth_cloud_age_myr * 1e6)
    n_young = int(young[-1]) + 1 if young.size else 1
    n_age = library.age_yr.size
    old_light = mass * _mix(library, stars, n_young, n_age)
    young_light = mass * _mix(library, stars, 0, n_young)
    wave = np.asarray(library.wave_aa, dtype=np.float64)
    line_wave, lines, continuum = np.zeros(0), np.zeros(0), np.zeros(wave.size)
    stage = compile_nebular(recipe.nebular, plan, library)
    if stage is not None:
        emitted, coefficients, _ = stage.emission(draws, stars)
        line_wave, lines = stage.line_wave_aa, mass * np.asarray(emitted[0], dtype=np.float64)
        shape = np.asarray(coefficients[0], dtype=np.float64) @ stage.pixel_vectors
        continuum = mass * np.interp(wave, stage.continuum_wave_aa, shape, left=0.0, right=0.0)
    dust = DustStage(recipe)
    birth, screen = (t[0] for t in dust.transmission(wave, draws, np.float64))
    line_birth, line_screen = (
        (t[0] for t in dust.transmission(line_wave, draws, np.float64)) if lines.size else (lines, lines)
    )
    return Galaxy(
        wave,
        old_light,
        young_light,
        continuum,
        line_wave,
        lines,
        birth,
        screen,
        line_birth,
        line_screen,
        draws,
        stars,
        np.asarray(library.resolution_fwhm_aa, dtype=np.float64),
    )


def _mix(library: SSPLibrary, stars: Populations, first_age: int, stop_age: int) -> np.ndarray:
    """Starlight (n_wave,) of the ages [first, stop) for a total mass of 1, in float64."""
    ages = np.arange(first_age, stop_age)
    mass, lower, share = (x[0, ages] for x in (stars.mass, stars.lower, stars.upper_share))
    weights = np.zeros((library.metallicity.size, ages.size))
    weights[lower, np.arange(ages.size)] = mass * (1 - share)
    upper = np.minimum(lower + 1, library.metallicity.size - 1)
    weights[upper, np.arange(ages.size)] += mass * share
    light = np.zeros(library.wave_aa.size)
    for z in np.flatnonzero(weights.any(axis=1)):
        used = np.flatnonzero(weights[z])
        light += weights[z, used] @ np.asarray(library.flux[z, ages[used]], dtype=np.float64)
    return light
