"""Which records are taken, in which order: what the implementations of `sfhmodel.data.batches` have in common."""

from __future__ import annotations

from dataclasses import dataclass

from sfhmodel.data.dataset import ShardPart

SHUFFLE_WINDOW = 4096  # records that are shuffled together, and so in memory: 60 MB of MUSE spectra


@dataclass(frozen=True)
class Pass:
    """Which records a pass over a split takes, in which order, in which batches; see `batches`."""

    parts: tuple[ShardPart, ...]
    batch_size: int
    seed: int
    epoch: int
    shuffle: bool
    drop_remainder: bool
    skip: int
    endless: bool

    @property
    def n_records(self) -> int:
        return sum(part.n_records for part in self.parts)

    @property
    def n_batches(self) -> int:
        """Of a whole pass."""
        return self.n_records // self.batch_size if self.drop_remainder else -(-self.n_records // self.batch_size)
