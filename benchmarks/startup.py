"""Start-up, in seconds: a cold process to its first spectrum, or to the histories of one.

``python -m benchmarks.startup [--recipe NAME] [--model NAME] [--runs N]``; the first are also rows of
`benchmarks.throughput`. Every run is a new process, timed from outside, from its start to its end. What Numba compiled
is kept; the compiled recipe is found in the cache or not, `sfhmodel predict` works with the light graph or with Keras.
"""

from __future__ import annotations

import argparse
import os
import resource
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


class PredictionStart:
    """Cold processes of ``sfhmodel predict`` with one made-up spectrum, which must all say the same.

    Parameters
    ----------
    model : preset, run or .keras file with a light graph.
    folder : for spectrum and tables.
    """

    def __init__(self, model: str, folder: Path):
        self._model, self._spectrum, self._table = model, folder / "galaxy.txt", folder / "table.npz"
        wave_aa = np.arange(3600.0, 9400.0, 1.5)
        flux = 1.0 + 0.1 * np.sin(wave_aa / 90.0) + 0.01 * np.random.default_rng(0).standard_normal(wave_aa.size)
        np.savetxt(
            self._spectrum, np.stack([wave_aa, flux, np.full_like(flux, 0.01)], axis=1), header="wave flux error"
        )
        self._answer: np.ndarray | None = None

    def once(self, backend: str) -> tuple[float, float]:
        """Seconds of one process, wall and CPU; RuntimeError when it failed, or said something else than before."""
        code = "import sys; from sfhmodel.cli import main; main()"
        arguments = ["predict", self._model, str(self._spectrum), "--redshift", "0.001", "--out", str(self._table)]
        options = ["--overwrite", "--backend", backend]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, *options], capture_output=True, text=True, check=False
        )
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RuntimeError(f"{self._model} did not predict: {(done.stderr or done.stdout).strip()}")
        answer = np.load(self._table)["mass_fraction"]
        if self._answer is not None and np.abs(answer - self._answer).max() > 1e-4:
            raise RuntimeError(f"{self._model} with backend {backend} answers otherwise than before")
        self._answer = answer
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="phangs-muse-hst-embedded", help="built-in name or YAML file")
    parser.add_argument("--model", default="phangs-muse-hst", help="preset, run or .keras file, with a light graph")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = StartUp(options.recipe, Path(folder))
        start.without_cache()  # what Numba compiles is kept from now on
        pairs = [(start.without_cache()["count"], start.with_cache()["count"]) for _ in range(options.runs)]
        prediction = PredictionStart(options.model, Path(folder))
        answers = [(prediction.once("onnx"), prediction.once("keras")) for _ in range(options.runs)]
    for name, values in zip(("without cache", "with cache"), zip(*pairs, strict=True), strict=True):
        print(f"{name:14s} {np.median(values):.2f} s median of {len(values)}, {min(values):.2f}-{max(values):.2f}")
    for name, values in zip(("predict, onnx", "predict, keras"), zip(*answers, strict=True), strict=True):
        wall, cpu = np.transpose(values)
        print(
            f"{name:14s} {np.median(wall):.2f} s median, {wall.min():.2f}-{wall.max():.2f}; CPU {np.median(cpu):.2f} s"
        )


if __name__ == "__main__":
    main()
