"""Generation of data sets: the plan, the shards, the manifest."""

from sfhsim.generation.run import Summary, generate_dataset, parse_size

__all__ = ["Summary", "generate_dataset", "parse_size"]
