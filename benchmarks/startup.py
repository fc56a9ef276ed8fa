"""Start-up, in seconds: a cold process to its first spectrum, with and without the cache of compiled recipes.

``python -m benchmarks.startup [--recipe NAME] [--runs N]``; also rows of `benchmarks.throughput`. Every run is a new
process, timed from outside, from its start to its end; what Numba compiled is kept in both, the compiled recipe in one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
from sfhsim import Simulator
batch = Simulator.from_recipe(sys.argv[1]).batch([0])
if not batch.spectrum.any():
    sys.exit("the first spectrum is dark")
"""


class StartUp:
    """Cold processes that make one galaxy of a recipe; the cache of the user is left alone.

    Parameters
    ----------
    recipe : built-in name or YAML file.
    folder : for a cache of its own.
    """

    def __init__(self, recipe: str, folder: Path):
        self._recipe, self._cache = recipe, folder / "cache"

    def with_cache(self, _seconds: float = 0.0) -> dict:
        """One process that finds its compiled recipe; made ready before, where it is the first."""
        if not (self._cache / "compiled").is_dir():
            self._once()
        return {"count": self._once(), "seconds": 1.0}

    def without_cache(self, _seconds: float = 0.0) -> dict:
        """One process that has to compile its recipe and look at its library."""
        with tempfile.TemporaryDirectory(dir=self._cache.parent) as empty:
            return {"count": self._once(Path(empty)), "seconds": 1.0}

    def _once(self, cache: Path | None = None) -> float:
        """Seconds of one process; RuntimeError with what it said when it failed."""
        environment = os.environ | {"SFHSIM_CACHE": str(cache or self._cache)}
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, self._recipe], env=environment, capture_output=True, text=True, check=False
        )
        elapsed = time.perf_counter() - began
        if done.returncode != 0:
            raise RuntimeError(f"the first spectrum of {self._recipe} was not made: {done.stderr.strip()}")
        return elapsed


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="phangs-muse-hst-embedded", help="built-in name or YAML file")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = StartUp(options.recipe, Path(folder))
        start.without_cache()  # what Numba compiles is kept from now on
        pairs = [(start.without_cache()["count"], start.with_cache()["count"]) for _ in range(options.runs)]
    for name, values in zip(("without cache", "with cache"), zip(*pairs, strict=True), strict=True):
        print(f"{name:14s} {np.median(values):.2f} s median of {len(values)}, {min(values):.2f}-{max(values):.2f}")


if __name__ == "__main__":
    main()
