"""What every engine needs to know: which simulator to open, which shards to make, and what was compiled."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.generation.probes import check_probes
from sfhsim.plugins import load_plugin
from sfhsim.records.plan import Plan, Shard
from sfhsim.records.schema import PLAN


@dataclass(frozen=True)
class Job:
    """The simulator of a data set: the file that holds it, opened by every worker and compiled by none.

    Attributes
    ----------
    compiled : path of the compiled recipe, in the data set's directory.
    blake3, fingerprint : its digest, and that of the simulator.
    seed : of the `Simulator`.
    probes : digests of the samples that every process makes first, of `sfhsim.generation.probes`.
    plugins : modules that every process imports first, of `sfhsim.plugins`.
    """

    compiled: str
    blake3: str
    fingerprint: str
    seed: int
    probes: dict = field(hash=False)
    plugins: tuple[str, ...] = ()

    def open(self):
        """The simulator, with its probe samples held against those of the plan.

        What the simulator has to say is in its notes, so its warnings are silenced here.

        Raises
        ------
        DatasetError
            When the file is not seen, damaged, of another version or for other code, or this process makes other
            bytes.
        """
        from sfhsim.synthesis.any_simulator import open_compiled
        from sfhsim.synthesis.compiled_recipe import read_compiled
        from sfhsim.synthesis.origin import quietly

        for plugin in self.plugins:
            load_plugin(plugin)
        path = Path(self.compiled)
        if not path.exists():
            raise DatasetError(
                f"a worker on {socket.gethostname()} does not see the data set in {path.parent}: choose a directory on "
                "a file system that every worker shares"
            )
        compiled = read_compiled(path)
        if compiled.digest != self.blake3 or compiled.document.get("fingerprint") != self.fingerprint:
            raise DatasetError(f"{path} is of another data set than {PLAN} in its directory")
        with quietly():
            simulator = open_compiled(compiled, self.seed)
        check_probes(simulator, self.probes, f"the data set in {path.parent}")
        return simulator


@dataclass(frozen=True)
class ShardTask:
    """One shard to make: of which plan, where, and, for a repair, the digest it must have."""

    plan: Plan
    shard: Shard
    folder: str
    expected_blake3: str | None = None


def describe(simulator) -> dict:
    """Plain data on a compiled simulator: all that a manifest says of it, and its fingerprint."""
    import sfhsim
    from sfhsim.generation.probes import made_with
    from sfhsim.recipe import recipe_to_dict
    from sfhsim.records.schema import SCHEMA_VERSION

    return {
        "schema_version": SCHEMA_VERSION,
        "sfhsim_version": sfhsim.__version__,
        "versions": made_with(),
        "fingerprint": simulator.fingerprint(),
        "basis_tolerance": simulator.basis_tolerance,
        "feature_lengths": simulator.feature_lengths(),
        "dimensions": simulator.dimensions(),
        "library": simulator.library_description,
        "recipe": recipe_to_dict(simulator.recipe),
        "notes": list(simulator.notes),
    }
