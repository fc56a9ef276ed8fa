"""The simulator of a data set, settled once: compiled, written beside the plan, and opened by all that comes after."""

from __future__ import annotations

from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.generation.job import Job
from sfhsim.generation.manifest import plan_document, write_plan
from sfhsim.generation.probes import probes_of
from sfhsim.plugins import loaded_plugins
from sfhsim.records.plan import Plan
from sfhsim.records.schema import COMPILED
from sfhsim.synthesis.compiled_recipe import read_compiled, write_compiled


def settle(folder: Path, plan: Plan, description: dict, simulator) -> dict:
    """Write the compiled recipe and then the plan into a new data set's directory; the plan document."""
    compiled = simulator.compiled()
    write_compiled(compiled, folder / COMPILED)
    document = plan_document(plan, description, compiled.digest, probes_of(simulator))
    write_plan(folder, document)
    return document


def job_of(folder: Path, document: dict) -> Job:
    """The job of the data set with this plan document; what was compiled is made again where it is damaged.

    Raises
    ------
    DatasetError
        When it was made by another version of sfhsim, or is damaged and comes out different here.
    MissingDataError
        When it must be compiled again and the library is not installed.
    """
    path = folder / COMPILED
    if document["sfhsim_version"] != _version() or "compiled" not in document:
        raise other_version(folder, document)
    digest = document["compiled"]["blake3"]
    try:
        sound = read_compiled(path).digest == digest
    except DatasetError:
        sound = False
    if not sound:
        compile_again(path, document)
    plan = document["plan"]
    return Job(str(path.resolve()), digest, plan["fingerprint"], plan["seed"], document["probes"], loaded_plugins())


def compile_again(path: Path, document: dict) -> None:
    """Write the compiled recipe of a plan document again; DatasetError when it would be another one."""
    from sfhsim.recipe import recipe_from_dict
    from sfhsim.synthesis.any_simulator import make_simulator
    from sfhsim.synthesis.origin import quietly

    recipe = recipe_from_dict(document["recipe"])
    with quietly():
        simulator = make_simulator(recipe, document["plan"]["seed"], document["basis_tolerance"])
    here, there = simulator.library_description, document["library"]
    if here["checksum"] != there["checksum"]:
        raise DatasetError(
            f"{path.parent} was made with another version of the library {there['name']} (sha256 "
            f"{there['checksum'][:12]}, here {here['checksum'][:12]}): install that one, then repair it"
        )
    compiled = simulator.compiled()
    if compiled.digest != document["compiled"]["blake3"]:
        raise DatasetError(
            f"{path} is damaged, and compiling its recipe again gives another one (blake3 {compiled.digest[:12]} "
            f"instead of {document['compiled']['blake3'][:12]}): other filters, families or versions are installed here"
        )
    write_compiled(compiled, path)


def recipe_simulator_fingerprint(recipe) -> str:
    """The fingerprint of a recipe's or mixture's simulator, without compiling it."""
    from sfhsim.libraries.integrity import checked_checksum
    from sfhsim.recipe import Mixture
    from sfhsim.synthesis.fingerprint import simulator_fingerprint
    from sfhsim.synthesis.mixture import mixture_fingerprint
    from sfhsim.synthesis.simulator import DEFAULT_TOLERANCE

    if isinstance(recipe, Mixture):
        return mixture_fingerprint(recipe, [recipe_simulator_fingerprint(world.recipe) for world in recipe.worlds])

    return simulator_fingerprint(recipe, checked_checksum(recipe.library), DEFAULT_TOLERANCE)


def other_version(folder: Path, document: dict) -> DatasetError:
    """What to say of a data set of another version of sfhsim."""
    made_by = document["sfhsim_version"]
    return DatasetError(
        f"{folder} was made with sfhsim {made_by}, this is {_version()}: install that one, then repair it"
    )


def _version() -> str:
    import sfhsim

    return sfhsim.__version__
