"""Probe samples: what a process makes first, to see that it makes the bytes that a data set is made of.

Bytes are the same on every machine that computes as IEEE 754 says, with the same versions of sfhsim. Where they are not
(another architecture, a library that was changed), nothing is written.
"""

from __future__ import annotations

import platform

import numpy as np
from blake3 import blake3

from sfhsim.errors import DatasetError

PROBE_IDS = tuple(range(8))


def probe_digests(simulator) -> dict[str, str]:
    """BLAKE3 of each feature of the probe samples, by its name; of a mixture, of every world's, and its own of both."""
    from sfhsim.synthesis.any_simulator import worlds_by_name

    batch, worlds = np.array(PROBE_IDS), worlds_by_name(simulator)
    features = dict(simulator.batch(batch).features())
    for world in filter(None, worlds):
        own = worlds[world].batch(batch).features()
        features |= {f"{name} of world {world}": array for name, array in own.items()}
    as_bytes = {name: np.ascontiguousarray(array, dtype="<f4").tobytes() for name, array in features.items()}
    return {name: blake3(content).hexdigest() for name, content in as_bytes.items()}


def check_probes(simulator, expected: dict, whose: str) -> None:
    """DatasetError when the simulator makes other probe samples here; ``whose`` says where the expected are from."""
    here = probe_digests(simulator)
    differ = sorted(name for name in here if expected.get("blake3", {}).get(name) != here[name])
    if not differ:
        return
    there = expected.get("versions", {})
    pairs = [(name, there.get(name), now) for name, now in made_with().items()]
    changed = ", ".join(f"{name} {then} there, {now} here" for name, then, now in pairs if then != now)
    raise DatasetError(
        f"this process on {platform.node()} makes other bytes than {whose} is made of: {', '.join(differ)} of samples "
        f"{PROBE_IDS[0]}-{PROBE_IDS[-1]} differ ({changed or 'with the same versions on the same kind of machine'}). "
        "Nothing was written: use the versions and the kind of machine that it was made with, or make a new data set"
    )


def made_with() -> dict[str, str]:
    """Versions and kind of machine that may matter to bytes."""
    import numba
    import scipy

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
    }


def probes_of(simulator) -> dict:
    """What a plan holds of them."""
    return {"sample_id": list(PROBE_IDS), "blake3": probe_digests(simulator), "versions": made_with()}
