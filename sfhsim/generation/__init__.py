"""Generation of data sets: the plan, the shards, the manifest; made, verified, repaired."""

from sfhsim.generation.job import describe as describe_simulator
from sfhsim.generation.repair import repair_dataset
from sfhsim.generation.run import Summary, generate_dataset
from sfhsim.generation.sizes import parse_size, parse_split
from sfhsim.generation.verify import Problem, Report, verify_dataset
from sfhsim.records.plan import id_after

__all__ = [
    "Problem",
    "Report",
    "Summary",
    "describe_simulator",
    "generate_dataset",
    "id_after",
    "parse_size",
    "parse_split",
    "repair_dataset",
    "verify_dataset",
]
