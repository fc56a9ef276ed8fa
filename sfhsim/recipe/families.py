"""What a recipe can name, and whether it names it right.

Histories, metallicity forms, dust laws, dust emission and nebular models, sources, noise models, LSFs and
measurements.
"""

from __future__ import annotations

import numpy as np

from sfhsim.errors import RecipeError
from sfhsim.recipe.galaxy_sections import DustComponent, History
from sfhsim.recipe.instrument_sections import BUILTIN_LSFS
from sfhsim.recipe.limits import corners, oldest_yr
from sfhsim.recipe.model import Recipe

MOST_ELEMENTS = 1000
_OF_TABLE = ("age_yr", "sfr")  # of tabulated: the recipe's own key `table` gives them


def check_families(recipe: Recipe, origin: str = "recipe") -> None:
    """Raise RecipeError where a family is unknown, or has an unknown, missing or impossible parameter."""
    from sfhsim.dust import get_dust_emission, get_dust_law
    from sfhsim.histories import get_history, get_metallicity
    from sfhsim.instrument import get_measurement, get_noise_model, make_lsf
    from sfhsim.nebular import get_nebular_model
    from sfhsim.sources import get_source

    for k, history in enumerate(recipe.histories):
        where = f"{origin}: histories.{k}"
        family = _named(get_history, history.family, where)
        _check_parameters(family, history.parameters, where, _given_otherwise(family))
        _check_vectors(family, history, where)
        _check_own_keys(history, where)
        _check_together(family, history, oldest_yr(recipe), where)
    if not recipe.metallicity.is_builtin:
        where = f"{origin}: metallicity"
        form = _named(get_metallicity, recipe.metallicity.form, where)
        _check_parameters(form, recipe.metallicity.parameters, where, ())
    for name, given in recipe.sources.items():
        where = f"{origin}: sources.{name}"
        _check_parameters(_named(get_source, name, where), given, where, ())
    if recipe.nebular.is_on:
        where = f"{origin}: nebular"
        model = _named(get_nebular_model, recipe.nebular.model, where)
        declared = {parameter.name for parameter in model.parameters}
        own = {name: value for name, value in recipe.nebular.own.items() if name in declared}
        _check_parameters(model, own | recipe.nebular.parameters, where, ())
    where = f"{origin}: noise"
    _check_parameters(_named(get_noise_model, recipe.noise.model, where), recipe.noise.parameters, where, ())
    for name in recipe.measurements:
        _named(get_measurement, name, f"{origin}: measurements")
    lsf = recipe.spectrum.lsf
    if lsf.name not in BUILTIN_LSFS:
        _named(lambda name: make_lsf(name, **lsf.options), lsf.name, f"{origin}: spectrum.lsf")
    for name in ("birth", "screen"):
        component: DustComponent = getattr(recipe.dust, name)
        where = f"{origin}: dust.{name}"
        _check_parameters(_named(get_dust_law, component.law, where), component.parameters, where, ())
    emission = recipe.dust.emission
    if emission.is_on:
        where = f"{origin}: dust.emission"
        _check_parameters(_named(get_dust_emission, emission.model, where), emission.given, where, ())


def _named(getter, name: str, where: str):
    try:
        return getter(name)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error


def _check_parameters(family, given: dict, where: str, own_keys: tuple[str, ...]) -> None:
    known = {p.name: p for p in family.parameters if p.name not in own_keys}
    for name, distribution in given.items():
        if name not in known:
            takes = ", ".join(sorted(known)) or "none"
            raise RecipeError(f"{where}: unknown key {name!r} in parameters: {family.name} takes {takes}")
        low, high = distribution.bounds()
        if low < known[name].minimum or high > known[name].maximum:
            raise RecipeError(
                f"{where}: {name} spans {low:g} to {high:g}, outside what {family.name} allows: "
                f"{known[name].minimum:g} to {known[name].maximum:g} {known[name].unit}"
            )
    missing = [name for name, p in known.items() if p.default is None and name not in given]
    if missing:
        raise RecipeError(f"{where}: {family.name} needs {', '.join(missing)} under parameters")


def _given_otherwise(family) -> tuple[str, ...]:
    """Parameters that are not given under `parameters`: those of the table, and vectors that the family draws."""
    return (*(_OF_TABLE if family.name == "tabulated" else ()), *getattr(family, "vector_parameters", {}))


def _check_vectors(family, history: History, where: str) -> None:
    from sfhsim.histories import vector_sizes

    for name, size in vector_sizes(history).items():
        if not 1 <= size <= MOST_ELEMENTS:
            raise RecipeError(f"{where}: {family.name} asks for {size} values of {name}: from 1 to {MOST_ELEMENTS}")


def _check_own_keys(history: History, where: str) -> None:
    if (history.family == "tabulated") != (history.table is not None):
        raise RecipeError(f"{where}: `table` goes with family tabulated, and only with it")
    if history.table is not None and min(history.table.value) < 0:
        raise RecipeError(f"{where}: the SFR in the table must not be negative")


def _check_together(family, history: History, oldest_yr: tuple[float, float], where: str) -> None:
    """A family that has a ``check`` is asked about all combinations of the ends of its parameters' ranges."""
    if not hasattr(family, "check"):
        return
    table = history.table
    own = {} if table is None else {"age_yr": np.array(table.age_yr), "sfr": np.array(table.value)}
    for age_max_yr in oldest_yr:
        try:
            family.check({**corners(history.parameters), **own}, age_max_yr)
        except RecipeError as error:
            raise RecipeError(f"{where}: {error}") from error


def describe_families() -> str:
    """Every family that can be named, with its parameters, for people."""
    from sfhsim.dust import DUST_EMISSIONS, DUST_LAWS
    from sfhsim.histories import HISTORIES
    from sfhsim.histories.metallicity import METALLICITIES
    from sfhsim.instrument import LSF_REGISTRY, MEASUREMENTS, NOISE_MODELS
    from sfhsim.nebular import NEBULAR_MODELS
    from sfhsim.sources import SOURCES

    lines = []
    registries = {
        "histories": HISTORIES,
        "metallicity forms": METALLICITIES,
        "dust laws": DUST_LAWS,
        "dust emission models": DUST_EMISSIONS,
        "nebular models": NEBULAR_MODELS,
        "sources": SOURCES,
        "noise models": NOISE_MODELS,
        "measurements": MEASUREMENTS,
    }
    for title, registry in registries.items():
        lines.append(title)
        for family in registry:
            lines.append(f"  {family.name}")
            for p in family.parameters:
                if p.name in _given_otherwise(family):
                    continue
                default = "required" if p.default is None else f"default {p.nan_means or format(p.default, 'g')}"
                unit = f" [{p.unit}]" if p.unit else ""
                lines.append(f"    {p.name + unit:28s} {p.description} ({default})")
    return "\n".join([*lines, "LSFs", f"  {', '.join(LSF_REGISTRY)}"])
