"""Steps that are done chunk after chunk, and the engine that does them in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sfhmodel.mapping.sums import Chunks

if TYPE_CHECKING:
    from sfhmodel.mapping.work import Work

Made = Iterator[tuple[int, dict[str, np.ndarray]]]  # number and columns of chunks


@dataclass(frozen=True, eq=False)
class Stage:
    """A step that is done chunk after chunk.

    Attributes
    ----------
    name : under which its chunks are kept.
    title : for the user.
    chunks : Chunks
    make : gives the chunks that are not in a set of those that are done.
    """

    name: str
    title: str
    chunks: Chunks
    make: Callable[[set[int]], Made]


class Engine(Protocol):
    """What `Work` asks of an engine."""

    def run(self, stage: Stage, done: set[int], work: Work) -> Made:
        """The chunks of a stage that are not done, in any order."""


class Here:
    """Makes chunks in this process; the cube is read once for all of them."""

    def run(self, stage: Stage, done: set[int], work: Work) -> Made:
        """See `Engine`."""
        return stage.make(done)
