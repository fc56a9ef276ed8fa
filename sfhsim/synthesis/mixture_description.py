"""What the manifest of a mixture says: truths of all worlds, bands that some lack, libraries, the worlds themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sfhsim.recipe.worlds import Mixture
from sfhsim.synthesis.origin import LIBRARY_FACTS

WORLD = "world"
_FAMILY = ("history_family", "index of the history family in the recipe of the world")


class Columns:
    """The truths of a mixture: those of every world, by name, and the world.

    Parameters
    ----------
    names : of the worlds.
    truths : entries of the truths of each world.

    Attributes
    ----------
    entries : of all; ``worlds`` names those that have a truth, where not all do: it is NaN in galaxies of others.
    of_world : for each world, the columns of its truths, in their order there.
    world : the column of the world's index.
    """

    def __init__(self, names: Sequence[str], truths: Sequence[list[dict]]):
        having: dict[str, list[str]] = {}
        entries: dict[str, dict] = {}
        for name, own in zip(names, truths, strict=True):
            for entry in own:
                entries.setdefault(entry["name"], dict(entry))
                having.setdefault(entry["name"], []).append(name)
        if _FAMILY[0] in entries:
            entries[_FAMILY[0]]["description"] = _FAMILY[1]
        for truth, entry in entries.items():
            if len(having[truth]) < len(names):
                entry["worlds"] = having[truth]
        place = {truth: k for k, truth in enumerate(entries)}
        self.of_world = [np.array([place[entry["name"]] for entry in own]) for own in truths]
        self.world = len(entries)
        about = {"name": WORLD, "unit": "1", "description": f"index of the world: {', '.join(names)}"}
        self.entries = [*entries.values(), about]


def bands_of(names: Sequence[str], bands: Sequence[list[dict]]) -> list[dict]:
    """The bands of all worlds: ``missing`` where no world has one, ``missing_in_worlds`` where some have not."""
    out = []
    for of_worlds in zip(*bands, strict=True):
        without = [name for name, band in zip(names, of_worlds, strict=True) if band.get("missing")]
        band = {key: value for key, value in of_worlds[0].items() if key != "missing"}
        if len(without) == len(names):
            band["missing"] = True
        elif without:
            band["missing_in_worlds"] = without
        out.append(band)
    return out


def library_of(worlds: Sequence) -> dict[str, str]:
    """Facts on the libraries of the worlds, each named once, in order; of their checksums, the digest."""
    import hashlib

    each = [world.library_description for world in worlds]
    facts = {fact: "; ".join(dict.fromkeys(one[fact] for one in each)) for fact in LIBRARY_FACTS}
    facts["name"] = facts["name"].replace("; ", ", ")
    if len({one["checksum"] for one in each}) > 1:
        facts["checksum"] = hashlib.sha256("\n".join(one["checksum"] for one in each).encode()).hexdigest()
    return facts


def worlds_of(recipe: Mixture, worlds: Sequence) -> list[dict]:
    """The worlds as plain data: name, share, library with its checksum, fingerprint, families of histories."""
    shares = np.diff(recipe.share_edges, prepend=0.0)
    return [
        {
            "name": world.name,
            "weight": world.weight,
            "share": float(share),
            "library": simulator.library_description,
            "fingerprint": simulator.fingerprint(),
            "history_family": [history.family for history in world.recipe.histories],
        }
        for world, share, simulator in zip(recipe.worlds, shares, worlds, strict=True)
    ]


def notes_of(names: Sequence[str], worlds: Sequence) -> tuple[str, ...]:
    """Notes of the simulators of worlds; what differs in the name of the library alone is said once."""
    having: dict[str, list[tuple[str, str]]] = {}
    for name, world in zip(names, worlds, strict=True):
        for note in world.notes:
            alike = note.replace(world.library_description["name"], "their library")
            having.setdefault(alike, []).append((name, note))
    notes = []
    for alike, members in having.items():
        if len(members) == 1:
            notes.append("world {}: {}".format(*members[0]))
        else:
            more = f" and {len(members) - 2} more" if len(members) > 2 else ""
            notes.append(f"worlds {', '.join(name for name, _ in members[:2])}{more}: {alike}")
    return tuple(notes)
