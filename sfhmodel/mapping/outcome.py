"""What came of a cube."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MapOutcome:
    """What came of a cube.

    Attributes
    ----------
    cube : path.
    maps : path of the file that was written; None when there is a problem.
    n_bin, n_spaxel : in the maps.
    n_unlike : bins unlike the training data.
    n_not_reproduced : bins whose prediction does not make their spectrum; None when that was not checked.
    pictures : paths written.
    notes : what was assumed or done.
    problem : why there are no maps, or ''.
    """

    cube: Path
    maps: Path | None
    n_bin: int = 0
    n_spaxel: int = 0
    n_unlike: int = 0
    n_not_reproduced: int | None = None
    pictures: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem

    def __str__(self) -> str:
        lines = [f"note: {self.cube}: {note}" for note in self.notes]
        if self.problem:
            return "\n".join([*lines, f"error: {self.problem}"])
        words = f"{self.n_bin} bins of {self.n_spaxel} spaxels, {self.n_unlike} unlike training"
        if self.n_not_reproduced is not None:
            words += f", {self.n_not_reproduced} not reproduced by what was predicted"
        lines.append(f"maps: {self.maps} ({words})")
        return "\n".join(lines + [f"picture: {path}" for path in self.pictures])
