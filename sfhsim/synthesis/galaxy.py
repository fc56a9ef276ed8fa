"""One galaxy, component by component, at the library's native resolution and over all its wavelengths.

The readable path, in float64: no basis, no compiled columns, and nothing shared with those. `sfhsim spectrum` draws it,
energy is balanced on it, and the tests hold the compiled `Simulator` against it.

    emitted    = old + young + nebular continuum + lines + other sources
    attenuated = T_screen [old + T_birth (young + nebular continuum + lines)], others by where they stand
    absorbed   = emitted - attenuated, integrated over wavelength
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field

import numpy as np

from sfhsim.constants import C_KMS, LYMAN_LIMIT_AA
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
from sfhsim.linear import matmul
from sfhsim.nebular import Gas, NebularModel, SSPNebularModel, get_nebular_model
from sfhsim.nebular.base import emitted_by_ssps
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.worlds import Mixture
from sfhsim.sources import ActiveSource, Surroundings, active_sources
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.nebular import gas_params
from sfhsim.synthesis.populations import PopulationModel, Populations
from sfhsim.synthesis.sample_ids import world_index
from sfhsim.synthesis.spectrograph import recipe_lsf


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Component:
    """Light of one source, for the total mass.

    Attributes
    ----------
    dust : where it stands, one of `sfhsim.sources.DUST_PATHS`.
    wave_aa : (n_wave,) the library's, for other sources with those that they need beside them.
    continuum : (n_wave,) emitted, Lsun/Angstrom.
    line_wave_aa, line_luminosity_lsun : (n_line,) emitted.
    line_width : the parameter that is the velocity dispersion of the lines.
    line_offset : the parameter that is their velocity against the stars, "" for none.
    birth, screen, line_birth, line_screen : (n_wave,) and (n_line,) transmissions on its path, 1 where none is.
    is_reemitted : whether its energy is that which dust absorbs of the others.
    """

    dust: str
    wave_aa: np.ndarray
    continuum: np.ndarray
    line_wave_aa: np.ndarray = field(default_factory=_none)
    line_luminosity_lsun: np.ndarray = field(default_factory=_none)
    line_width: str = ""
    line_offset: str = ""
    birth: np.ndarray = field(default_factory=_none)
    screen: np.ndarray = field(default_factory=_none)
    line_birth: np.ndarray = field(default_factory=_none)
    line_screen: np.ndarray = field(default_factory=_none)
    is_reemitted: bool = False

    def behind(self, dust: TwoComponentDust, params: dict[str, np.ndarray]) -> Component:
        """The same with its transmissions."""
        found = {}
        for prefix, wave in (("", self.wave_aa), ("line_", self.line_wave_aa)):
            birth = screen = np.ones(wave.size)
            if wave.size and self.dust != "none":
                birth, screen = (part[0] for part in dust.transmission(wave, params, n=1))
            found[f"{prefix}birth"] = birth if self.dust == "birth_and_screen" else np.ones(wave.size)
            found[f"{prefix}screen"] = screen
        return dataclasses.replace(self, **found)

    @property
    def attenuated(self) -> np.ndarray:
        """(n_wave,) continuum after the dust, Lsun/Angstrom."""
        return self.continuum * self.birth * self.screen

    @property
    def attenuated_lines_lsun(self) -> np.ndarray:
        """(n_line,) after the dust."""
        return self.line_luminosity_lsun * self.line_birth * self.line_screen

    def energy_lsun(self, escape_fraction: float = 1.0) -> np.ndarray:
        """(4,) emitted, absorbed in birth clouds, absorbed in the screen, and left.

        Light below the Lyman limit counts as far as it escapes the gas.
        """
        energy, counted = np.zeros(4), np.where(self.wave_aa < LYMAN_LIMIT_AA, escape_fraction, 1.0)
        lit = (self.continuum * counted * np.diff(pixel_edges(self.wave_aa)), self.birth, self.screen)
        for emitted, birth, screen in (lit, (self.line_luminosity_lsun, self.line_birth, self.line_screen)):
            parts = np.ones(emitted.size), 1 - birth, birth * (1 - screen), birth * screen
            energy += [float(part @ emitted) for part in parts]
        return energy


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
    found = _stars(recipe, library, stars, mass)
    if recipe.nebular.model != "none":
        found["nebular"] = _nebular(recipe, library, draws, stars, mass)
    found = {name: component.behind(dust, params) for name, component in found.items()}
    escaping = 1.0 if recipe.nebular.model == "none" else float(draws.values["nebular.escape_fraction"][0])
    for active in sorted(active_sources(recipe), key=lambda active: active.source.needs_absorbed):
        surroundings = _surroundings(found, mass, escaping if active.source.needs_absorbed else None)
        component = _other(active, library, draws, surroundings, mass, _gas_motion(recipe))
        found[active.source.name] = component.behind(dust, params)
    wave_aa = functools.reduce(np.union1d, [component.wave_aa for component in found.values()])
    return Galaxy(wave_aa, found, draws, stars, library, escaping)


def _stars(recipe: Recipe, library: SSPLibrary, stars: Populations, mass: float) -> dict[str, Component]:
    young = np.flatnonzero(library.age_yr <= recipe.dust.birth_cloud_age_myr * 1e6)
    n_young = int(young[-1]) + 1 if young.size else 1
    found = {}
    for name, ages, dust in (
        ("old", np.arange(n_young, library.age_yr.size), "screen"),
        ("young", np.arange(n_young), "birth_and_screen"),
    ):
        found[name] = Component(dust, _wave_aa(library), mass * _mix(library, stars, ages))
    return found


def _wave_aa(library: SSPLibrary) -> np.ndarray:
    return np.asarray(library.wave_aa, dtype=np.float64)


def _nebular(recipe: Recipe, library: SSPLibrary, draws: Draws, stars: Populations, mass: float) -> Component:
    """Lines and continuum of ionised gas."""
    model = get_nebular_model(recipe.nebular.model)
    emitted = (_of_ssps if isinstance(model, SSPNebularModel) else _of_gas)(model, recipe, library, draws, stars)
    names, line_wave, lines, node_wave, nodes = emitted
    lines = lines * _scatter(names, line_wave, draws)
    wave = _wave_aa(library)
    continuum = float(recipe.nebular.continuum) * np.interp(wave, node_wave, nodes, left=0.0, right=0.0)
    return Component("birth_and_screen", wave, mass * continuum, line_wave, mass * lines, *_gas_motion(recipe))


def _scatter(names: np.ndarray, line_wave_aa: np.ndarray, draws: Draws) -> np.ndarray:
    """(n_line,) factors by which lines are scattered, 1 where they are not."""
    from sfhsim.nebular.scatter import line_groups

    groups = line_groups(names, line_wave_aa)
    deviates = draws.line_deviates(groups.n_group)[0].astype(np.float64)
    given = {name: float(value[0]) for name, value in draws.values.items() if name.startswith("nebular.")}
    factors = np.ones(line_wave_aa.size)
    for line, group in enumerate(groups.index):
        own = "hydrogen" if group >= groups.first_hydrogen else "line"
        dex = given.get(f"nebular.{own}_scatter_dex", 0.0) * deviates[group]
        factors[line] = 10.0 ** (dex + given.get("nebular.common_shift_dex", 0.0))
    return factors


def _of_ssps(nebula: SSPNebularModel, recipe: Recipe, library: SSPLibrary, draws: Draws, stars: Populations) -> tuple:
    """Names, wavelengths and luminosities of lines, and the continuum's nodes, for a total mass of 1."""
    model = nebula.tables()
    values = (float(draws.values[f"nebular.{name}"][0]) for name in ("log_u", "escape_fraction"))
    glowing = np.flatnonzero(library.age_yr <= 1.01 * model.age_yr[-1])
    weights = _weights(library, stars, glowing)
    ssp = (library.metallicity, library.age_yr[glowing], library.ionizing_photon_rate[:, glowing], *values)
    lines, nodes = (np.einsum("za,zak->k", weights, table(*ssp)) for table in (model.ssp_lines, model.ssp_continuum))
    wave_aa = np.asarray(model.line_wave_aa, dtype=np.float64)
    return model.line_names, wave_aa, lines, model.continuum_wave_aa, nodes


def _of_gas(nebula: NebularModel, recipe: Recipe, library: SSPLibrary, draws: Draws, stars: Populations) -> tuple:
    """As `_of_ssps`, where the gas is one for the whole galaxy."""
    model, emitted = nebula.configured(recipe.nebular), stars.sfr_10myr
    if model.scale != "sfr_10myr":
        weights = _weights(library, stars, np.arange(library.age_yr.size))
        emitted = np.array([(weights * emitted_by_ssps(model.scale, library)).sum()])
    gas = Gas.around(stars.metallicity[:, 0], draws.values["nebular.escape_fraction"], model.scale, emitted)
    params = gas_params(model, draws)
    lines = model.line_luminosities(params, gas)
    continuum = matmul(model.continuum_amplitudes(params, gas, lines), model.continuum_templates())
    wave_aa = np.asarray(model.line_wave_aa, dtype=np.float64)
    return model.line_names, wave_aa, lines[0], model.continuum_wave_aa, continuum[0]


def _surroundings(found: dict[str, Component], mass: float, escape_fraction: float | None) -> Surroundings:
    """What a source is told of those before it, per Msun formed; of energies where there is an escape fraction."""
    band = rebin_operator(found["old"].wave_aa, np.array([5450.0, 5550.0]))
    starlight = band @ (found["old"].continuum + found["young"].continuum) / mass
    if escape_fraction is None:
        return Surroundings(starlight)
    before = [component for component in found.values() if not component.is_reemitted]
    energy = sum(component.energy_lsun(escape_fraction) for component in before) / mass
    return Surroundings(starlight, energy[1:2], energy[2:3])


def _other(
    active: ActiveSource,
    library: SSPLibrary,
    draws: Draws,
    surroundings: Surroundings,
    mass: float,
    gas_motion: tuple[str, str],
) -> Component:
    """A source of `sfhsim.sources`."""
    source, params = active.source, active.params(draws.values)
    wave = np.union1d(_wave_aa(library), source.wave_aa)
    return Component(
        source.dust,
        wave,
        mass * source.spectrum(wave, params, surroundings)[0],
        np.asarray(source.line_wave_aa, dtype=np.float64),
        mass * source.line_luminosities(params, surroundings)[0],
        active.line_width(gas_motion[0]),
        active.line_offset(gas_motion[1]),
        is_reemitted=source.needs_absorbed,
    )


def _gas_motion(recipe: Recipe) -> tuple[str, str]:
    """The parameters that are the velocity dispersion of the gas, and its velocity against the stars."""
    own = recipe.kinematics.line_velocity_dispersion_kms is not None
    moves = recipe.kinematics.line_velocity_offset_kms is not None
    width = "line_velocity_dispersion_kms" if own else "velocity_dispersion_kms"
    return width, "line_velocity_offset_kms" if moves else ""


def _dust_params(draws: Draws) -> dict[str, np.ndarray]:
    """Parameters of the two components as `TwoComponentDust` names them: dust.birth.tau is tau_birth."""
    words = {name: name.split(".", 2) for name in draws.values if name.startswith(("dust.birth.", "dust.screen."))}
    return {f"{parameter}_{where}": draws.values[name] for name, (_, where, parameter) in words.items()}


def _weights(library: SSPLibrary, stars: Populations, ages: np.ndarray) -> np.ndarray:
    """(n_metallicity, n) share of the mass formed in the SSPs of these ages (n,)."""
    mass, lower, share = (x[0, ages] for x in (stars.mass, stars.lower, stars.upper_share))
    weights = np.zeros((library.metallicity.size, ages.size))
    weights[lower, np.arange(ages.size)] = mass * (1 - share)
    upper = np.minimum(lower + 1, library.metallicity.size - 1)
    weights[upper, np.arange(ages.size)] += mass * share
    return weights


def _mix(library: SSPLibrary, stars: Populations, ages: np.ndarray) -> np.ndarray:
    """Starlight (n_wave,) of these ages for a total mass of 1, in float64."""
    weights = _weights(library, stars, ages)
    light = np.zeros(library.wave_aa.size)
    for z in np.flatnonzero(weights.any(axis=1)):
        used = np.flatnonzero(weights[z])
        light += weights[z, used] @ np.asarray(library.flux[z, ages[used]], dtype=np.float64)
    return light
