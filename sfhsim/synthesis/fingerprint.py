"""The fingerprint of a simulator: one digest of all that decides a record but seed and id, known before compiling."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from sfhsim.recipe.model import Recipe


def simulator_fingerprint(recipe: Recipe, library_checksum: str, basis_tolerance: float) -> str:
    """sha256 of the recipe, the contents of all that it names, and the code of the families that it uses.

    The contents of files count, not where they are: a moved recipe is the same, an edited table is not.

    Parameters
    ----------
    recipe : Recipe
    library_checksum : of the library that it is compiled on.
    basis_tolerance : of the `Simulator`.

    Raises
    ------
    MissingDataError, RecipeError
        When a filter, an LSF or a table that the recipe names is not there.
    """
    import sfhsim
    from sfhsim.instrument import load_filter
    from sfhsim.records.schema import SCHEMA_VERSION
    from sfhsim.synthesis.spectrograph import recipe_lsf

    content = {
        "recipe": _what_decides(recipe),
        "library": library_checksum,
        "bands": [load_filter(name).checksum() for name in recipe.photometry.filters],
        "lsf_fwhm_aa": np.round(recipe_lsf(recipe.spectrum).fwhm_aa(recipe.spectrum.wave_aa), 9).tolist(),
        "nebular": nebular_checksum(recipe),
        "dust emission": emission_checksum(recipe),
        "code": family_code(recipe),
        "basis_tolerance": basis_tolerance,
        "schema": SCHEMA_VERSION,
        "version": sfhsim.__version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _what_decides(recipe: Recipe) -> dict:
    """The recipe as plain data, without names and places of files."""
    from sfhsim.recipe import recipe_to_dict

    content = recipe_to_dict(recipe)
    for name in ("name", "description", "library"):
        del content[name]
    photometry = content["photometry"]
    if isinstance(recipe.photometry.error_mag, dict):
        photometry["error_mag"] = [photometry["error_mag"][name] for name in photometry["filters"]]
    del photometry["filters"], content["spectrum"]["lsf"]["path"]
    return content


def nebular_checksum(recipe: Recipe) -> str | None:
    """sha256 of the tables that the nebular model says it reads, None without any."""
    from sfhsim.nebular import NebularModel, get_nebular_model

    if not recipe.nebular.is_on:
        return None
    model = get_nebular_model(recipe.nebular.model)
    model = model.configured(recipe.nebular) if isinstance(model, NebularModel) else model
    read = getattr(model, "tables_file", None)
    return None if read is None else hashlib.sha256(read()).hexdigest()


def emission_checksum(recipe: Recipe) -> str | None:
    """sha256 of the tables that a dust emission model says it reads, None without any."""
    from sfhsim.dust import get_dust_emission

    if not recipe.dust.emission.is_on:
        return None
    read = getattr(get_dust_emission(recipe.dust.emission.model), "tables_file", None)
    return None if read is None else hashlib.sha256(read()).hexdigest()


def family_code(recipe: Recipe) -> dict[str, str]:
    """Digests of the code of every registered family that the recipe uses, by kind and name."""
    from sfhsim.dust import get_dust_emission, get_dust_law
    from sfhsim.histories import get_history, get_metallicity
    from sfhsim.instrument import LSF_REGISTRY, get_measurement, get_noise_model
    from sfhsim.nebular import get_nebular_model
    from sfhsim.sources import active_sources
    from sfhsim.synthesis.code_digest import code_digest

    used = {f"dust law {c.law}": get_dust_law(c.law) for c in (recipe.dust.birth, recipe.dust.screen)}
    used |= {f"history {h.family}": get_history(h.family) for h in recipe.histories}
    used |= {f"metallicity {recipe.metallicity.form}": get_metallicity(recipe.metallicity.form)}
    used |= {f"source {active.source.name}": active.source for active in active_sources(recipe)}
    if recipe.dust.emission.is_on:
        used |= {f"dust emission {recipe.dust.emission.model}": get_dust_emission(recipe.dust.emission.model)}
    if recipe.nebular.is_on:
        used |= {f"nebular model {recipe.nebular.model}": get_nebular_model(recipe.nebular.model)}
    used |= {f"noise model {recipe.noise.model}": get_noise_model(recipe.noise.model)}
    used |= {f"measurement {name}": get_measurement(name) for name in recipe.measurements}
    used |= {f"LSF {recipe.spectrum.lsf.name}": LSF_REGISTRY[recipe.spectrum.lsf.name]}
    return {name: code_digest(item) for name, item in sorted(used.items())}
