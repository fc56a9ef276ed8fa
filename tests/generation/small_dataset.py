"""The data set that the generation tests make: its size, and what is in a folder."""

from pathlib import Path

N_SAMPLES = 150
SHARD_BYTES = 16_000  # a dozen records


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its path in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
