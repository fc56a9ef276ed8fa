"""What every engine needs to know: which simulator to compile, which shards to make, and what was compiled."""

from __future__ import annotations

import socket
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

from sfhsim.errors import DatasetError, SfhsimWarning
from sfhsim.generation.plan import Plan, Shard


@dataclass(frozen=True)
class Job:
    """The simulator of a data set, as plain data that travels to workers.

    Attributes
    ----------
    recipe : plain data, as of `recipe_to_dict`.
    seed, basis_tolerance : of the `Simulator`.
    """

    recipe: dict
    seed: int
    basis_tolerance: float

    def compile(self):
        """The simulator; what it has to say is in its notes, so its warnings are silenced here."""
        from sfhsim.recipe import recipe_from_dict
        from sfhsim.synthesis import Simulator

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SfhsimWarning)
            return Simulator.from_recipe(recipe_from_dict(self.recipe), self.seed, self.basis_tolerance)


@dataclass(frozen=True)
class ShardTask:
    """One shard to make: of which plan, where, and, for a repair, the digest it must have."""

    plan: Plan
    shard: Shard
    folder: str
    expected_blake3: str | None = None


def describe(simulator) -> dict:
    """Plain data on a compiled simulator: all that a manifest says of it, and its fingerprint."""
    import numba
    import numpy

    import sfhsim
    from sfhsim.recipe import recipe_to_dict
    from sfhsim.records.schema import SCHEMA_VERSION

    library = simulator.library
    return {
        "schema_version": SCHEMA_VERSION,
        "sfhsim_version": sfhsim.__version__,
        "versions": {"numpy": numpy.__version__, "numba": numba.__version__},
        "fingerprint": simulator.fingerprint(),
        "basis_tolerance": simulator.basis_tolerance,
        "feature_lengths": simulator.feature_lengths(),
        "dimensions": simulator.dimensions(),
        "library": {
            "name": library.name,
            "checksum": library.checksum,
            "imf": library.imf,
            "source": library.source,
            "licence": library.licence,
            "citation": library.citation,
        },
        "recipe": recipe_to_dict(simulator.recipe),
        "notes": list(simulator.notes),
    }


_process = threading.Lock()
_compiled: dict = {}


def make_one(job: Job, task: ShardTask | None) -> dict:
    """In any process: compile the job unless the last call did, make the shard; its receipt, or without a task
    the description of the simulator. One call at a time in a process."""
    from sfhsim.generation.shards import ShardMaker

    with _process:
        if _compiled.get("job") != job:
            _compiled.clear()
            _compiled.update(simulator=job.compile(), job=job)
        simulator = _compiled["simulator"]
        if task is None:
            return describe(simulator)
        check_fingerprint(simulator.fingerprint(), task.plan)
        _check_folder(task)
        with ShardMaker(simulator) as maker:
            return maker.start(task).result()


def _check_folder(task: ShardTask) -> None:
    from sfhsim.generation.manifest import PLAN

    if not (Path(task.folder) / PLAN).is_file():
        raise DatasetError(
            f"a worker on {socket.gethostname()} does not see the data set in {task.folder}: choose a directory on a "
            "file system that every worker shares"
        )


def check_fingerprint(fingerprint: str, plan: Plan) -> None:
    """DatasetError when a worker compiled something else than the plan was made for."""
    if fingerprint != plan.fingerprint:
        raise DatasetError(
            f"a worker on {socket.gethostname()} has another version of the library, the filters or sfhsim than this "
            "process: install the same on both; a library that exists only in memory needs workers=None"
        )
