"""What stars, gas and other sources of one galaxy emit, at native resolution: a part of the readable path."""

from __future__ import annotations

import numpy as np

from sfhsim.instrument import rebin_operator
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.linear import matmul
from sfhsim.nebular import Gas, NebularModel, SSPNebularModel, get_nebular_model
from sfhsim.nebular.base import emitted_by_ssps
from sfhsim.recipe.model import Recipe
from sfhsim.sources import ActiveSource, Surroundings
from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.galaxy_component import Component
from sfhsim.synthesis.nebular import gas_params
from sfhsim.synthesis.populations import Populations


def starlight(recipe: Recipe, library: SSPLibrary, stars: Populations, mass: float) -> dict[str, Component]:
    """Old and young stars: those out of their birth clouds, and those in them."""
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


def nebular_light(recipe: Recipe, library: SSPLibrary, draws: Draws, stars: Populations, mass: float) -> Component:
    """Lines and continuum of ionised gas."""
    model = get_nebular_model(recipe.nebular.model)
    emitted = (_of_ssps if isinstance(model, SSPNebularModel) else _of_gas)(model, recipe, library, draws, stars)
    names, line_wave, lines, node_wave, nodes = emitted
    lines = lines * _scatter(names, line_wave, draws)
    wave = _wave_aa(library)
    continuum = float(recipe.nebular.continuum) * np.interp(wave, node_wave, nodes, left=0.0, right=0.0)
    return Component("birth_and_screen", wave, mass * continuum, line_wave, mass * lines, *gas_motion(recipe))


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


def surroundings_of(found: dict[str, Component], mass: float, escape_fraction: float | None) -> Surroundings:
    """What a source is told of those before it, per Msun formed; of energies where there is an escape fraction."""
    band = rebin_operator(found["old"].wave_aa, np.array([5450.0, 5550.0]))
    starlight = band @ (found["old"].continuum + found["young"].continuum) / mass
    if escape_fraction is None:
        return Surroundings(starlight)
    before = [component for component in found.values() if not component.is_reemitted]
    energy = sum(component.energy_lsun(escape_fraction) for component in before) / mass
    return Surroundings(starlight, energy[1:2], energy[2:3])


def source_light(
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


def gas_motion(recipe: Recipe) -> tuple[str, str]:
    """The parameters that are the velocity dispersion of the gas, and its velocity against the stars."""
    own = recipe.kinematics.line_velocity_dispersion_kms is not None
    moves = recipe.kinematics.line_velocity_offset_kms is not None
    width = "line_velocity_dispersion_kms" if own else "velocity_dispersion_kms"
    return width, "line_velocity_offset_kms" if moves else ""


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
