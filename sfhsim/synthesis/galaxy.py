"""One galaxy, component by component, at the library's native resolution and over all its wavelengths.

The readable path, in float64: no basis, no compiled columns, and nothing shared with those. `sfhsim spectrum` draws it,
energy is balanced on it, and the tests hold the compiled `Simulator` against it.

    emitted    = old + young + nebular continuum + lines + other sources
    attenuated = T_screen [old + T_birth (young + nebular continuum + lines)], others by where they stand
    absorbed   = emitted - attenuated, integrated over wavelength
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from sfhsim.constants import C_KMS
from sfhsim.dust import TwoComponentDust
from sfhsim.errors import RecipeError
from sfhsim.instrument import (
    broaden_operator,
    broadening_sigma_aa,
    error_spectrum,
    get_measurement,
    pixel_edges,
    rebin_operator,
    signal_to_noise_curve,
)
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.worlds import Mixture
from sfhsim.sources import active_sources
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.galaxy_component import Component
from sfhsim.synthesis.galaxy_light import gas_motion, nebular_light, source_light, starlight, surroundings_of
from sfhsim.synthesis.populations import PopulationModel, Populations
from sfhsim.synthesis.sample_ids import world_index
from sfhsim.synthesis.spectrograph import recipe_lsf


@dataclass(frozen=True)
class Galaxy:
    """One galaxy at rest, before any instrument; luminosities for its total mass.

    Attributes
    ----------
    wave_aa : (n_wave,) of all components.
    components : by name: "old", "young", "nebular" and the recipe's other sources.
    draws, stars : parameters and populations, as batches of one.
    library : that of the stars.
    escape_fraction : of ionising light, from the gas; 1 without nebular emission.
    """

    wave_aa: np.ndarray
    components: dict[str, Component]
    draws: Draws
    stars: Populations
    library: SSPLibrary
    escape_fraction: float = 1.0

    def _resolution_fwhm_aa(self, wave_aa: np.ndarray) -> np.ndarray:
        return np.interp(wave_aa, self.library.wave_aa, np.asarray(self.library.resolution_fwhm_aa, dtype=np.float64))

    def _sum(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Spectra of components, by their names, on the wavelengths of all."""
        parts = [np.interp(self.wave_aa, self.components[name].wave_aa, value) for name, value in values.items()]
        return sum(parts, start=np.zeros(self.wave_aa.size))

    @property
    def stellar(self) -> np.ndarray:
        """(n_wave,) dust-free starlight, Lsun/Angstrom."""
        return self._sum({name: self.components[name].continuum for name in ("old", "young")})

    @property
    def nebular_continuum(self) -> np.ndarray:
        """(n_wave,) emitted, Lsun/Angstrom."""
        return self._sum({name: c.continuum for name, c in self.components.items() if name == "nebular"})

    @property
    def line_wave_aa(self) -> np.ndarray:
        """(n_line,) of all components, at rest."""
        return np.concatenate([c.line_wave_aa for c in self.components.values()])

    @property
    def moved_line_wave_aa(self) -> np.ndarray:
        """(n_line,) of all components as their stars see them: where they move, not at rest."""
        return np.concatenate([self._moved_aa(c) for c in self.components.values()])

    def _moved_aa(self, part: Component) -> np.ndarray:
        kms = float(self.draws.values[part.line_offset][0]) if part.line_offset else 0.0
        return part.line_wave_aa * (1 + kms / C_KMS)

    @property
    def line_luminosity_lsun(self) -> np.ndarray:
        """(n_line,) emitted."""
        return np.concatenate([c.line_luminosity_lsun for c in self.components.values()])

    @property
    def dust_free_continuum(self) -> np.ndarray:
        """(n_wave,) all light but the lines as it is emitted, and but that of dust, Lsun/Angstrom."""
        return self._sum({name: c.continuum for name, c in self.components.items() if not c.is_reemitted})

    @property
    def attenuated_continuum(self) -> np.ndarray:
        """(n_wave,) all light but the lines after the dust, Lsun/Angstrom."""
        return self._sum({name: c.attenuated for name, c in self.components.items()})

    @property
    def attenuated_lines_lsun(self) -> np.ndarray:
        """(n_line,) lines after the dust, Lsun."""
        return np.concatenate([c.attenuated_lines_lsun for c in self.components.values()])

    def energy_lsun(self) -> dict[str, float]:
        """Energy emitted, absorbed in the birth clouds, absorbed in the screen, and left, in Lsun; and re-emitted by
        dust, where a component does that.

        Absorbed energies are integrals of what each component takes out, not differences of the others. Where dust
        emits what it absorbs, light below the Lyman limit counts as far as it escapes the gas: the rest is in that of
        the nebulae.
        """
        names = ("emitted", "absorbed_birth", "absorbed_screen", "attenuated")
        again = [c.energy_lsun()[0] for c in self.components.values() if c.is_reemitted]
        escaping = self.escape_fraction if again else 1.0
        parts = [c.energy_lsun(escaping) for c in self.components.values() if not c.is_reemitted]
        energy = dict(zip(names, map(float, sum(parts)), strict=True))
        return energy | ({"reemitted": float(sum(again))} if again else {})

    def observe(self, recipe: Recipe, component: str = "total") -> np.ndarray:
        """Rest-frame flux density of the recipe's pixels (n_pixel,), Lsun/Angstrom.

        Parameters
        ----------
        recipe : gives the grid, LSF and kinematics.
        component : "total", "stars", "young", "nebular_continuum", "lines" (all attenuated), "dust_free", or the name
            of another source of the recipe.

        Raises
        ------
        RecipeError
            For another component.
        """
        everything = list(self.components)
        parts = {
            "total": (everything, everything),
            "stars": (["old", "young"], []),
            "young": (["young"], []),
            "nebular_continuum": ([name for name in everything if name == "nebular"], []),
            "lines": ([], everything),
            "dust_free": ([name for name in everything if not self.components[name].is_reemitted], everything),
        }
        parts |= {name: ([name], [name]) for name in everything if name not in ("old", "young", "nebular")}
        if component not in parts:
            raise RecipeError(f"no component {component!r}: this galaxy has {', '.join(parts)}")
        return self._pixels(recipe, *parts[component], with_dust=component != "dust_free")

    def measure(self, name: str) -> float:
        """What the measurement of that name (`sfhsim.instrument.measurements`) gives."""
        measurement, means = get_measurement(name), []
        for low, high in measurement.windows_aa:
            inside = (self.line_wave_aa >= low) & (self.line_wave_aa < high)
            of_lines = self.attenuated_lines_lsun[inside].sum() / (high - low)
            means.append((rebin_operator(self.wave_aa, [low, high]) @ self.attenuated_continuum)[0] + of_lines)
        return float(measurement.value(np.array([means]))[0])

    def spectrum_error(self, recipe: Recipe) -> np.ndarray:
        """Errors (n_pixel,) of the rest-frame flux density that `observe` gives, by the recipe's noise model."""
        noise, wave_aa = recipe.noise, recipe.spectrum.wave_aa
        values = {name: value for name, value in self.draws.values.items() if name.startswith("noise.")}
        params = {name.removeprefix("noise."): value for name, value in values.items()}
        curve = noise.curve and signal_to_noise_curve(wave_aa, noise.curve.wave_aa, noise.curve.relative_snr)
        snr = self.draws.values.get("snr", np.ones(1))
        return error_spectrum(self.observe(recipe)[None], snr, noise.model, curve, wave_aa, params)[0]

    def _pixels(self, recipe: Recipe, continua: list[str], lines: list[str], with_dust: bool) -> np.ndarray:
        from sfhsim.nebular.profiles import line_pixel_matrix

        values = {name: float(value[0]) for name, value in self.draws.values.items()}
        redshift, kms = values["redshift"], values["velocity_dispersion_kms"]
        edges = pixel_edges(recipe.spectrum.wave_aa) / (1 + redshift)
        lsf = recipe_lsf(recipe.spectrum)
        pixels = np.zeros(edges.size - 1)
        for part in (self.components[name] for name in continua):
            inside = slice(*np.searchsorted(part.wave_aa, [edges[0] * 0.96, edges[-1] * 1.04]))
            wave = part.wave_aa[inside]
            if recipe.kinematics.broaden_stars:
                template = self._resolution_fwhm_aa(wave) if recipe.spectrum.subtract_template_resolution else None
                sigma = broadening_sigma_aa(wave, redshift, kms, lsf, template)[0]
                operator = broaden_operator(wave, sigma, edges, preserve="continuum")
            else:
                operator = rebin_operator(wave, edges)
            pixels += operator @ (part.attenuated if with_dust else part.continuum)[inside]
        for part in (self.components[name] for name in lines):
            if part.line_wave_aa.size:
                wave = self._moved_aa(part)
                sigma = broadening_sigma_aa(wave, redshift, values[part.line_width], lsf)[0]
                luminosity = part.attenuated_lines_lsun if with_dust else part.line_luminosity_lsun
                pixels += luminosity @ line_pixel_matrix(edges, wave, sigma)
        return pixels


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
    draws = ParameterPlan(recipe).draw(np.array([sample_id]), seed) if draws is None else draws
    model = PopulationModel(recipe, library.age_yr, library.age_edges_yr, library.metallicity)
    stars = model.evaluate(draws)
    mass = float(draws.values["total_mass_msun"][0])
    dust, params = TwoComponentDust(recipe.dust.birth.law, recipe.dust.screen.law), _dust_params(draws)
    found = starlight(recipe, library, stars, mass)
    if recipe.nebular.model != "none":
        found["nebular"] = nebular_light(recipe, library, draws, stars, mass)
    found = {name: component.behind(dust, params) for name, component in found.items()}
    escaping = 1.0 if recipe.nebular.model == "none" else float(draws.values["nebular.escape_fraction"][0])
    for active in sorted(active_sources(recipe), key=lambda active: active.source.needs_absorbed):
        surroundings = surroundings_of(found, mass, escaping if active.source.needs_absorbed else None)
        component = source_light(active, library, draws, surroundings, mass, gas_motion(recipe))
        found[active.source.name] = component.behind(dust, params)
    wave_aa = functools.reduce(np.union1d, [component.wave_aa for component in found.values()])
    return Galaxy(wave_aa, found, draws, stars, library, escaping)


def _dust_params(draws: Draws) -> dict[str, np.ndarray]:
    """Parameters of the two components as `TwoComponentDust` names them: dust.birth.tau is tau_birth."""
    words = {name: name.split(".", 2) for name in draws.values if name.startswith(("dust.birth.", "dust.screen."))}
    return {f"{parameter}_{where}": draws.values[name] for name, (_, where, parameter) in words.items()}
