"""What `benchmarks.throughput` times in its own process: our simulators, held against the reference path, and the
bare matrix product of the problem's shape."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.peers import repeat

N_TEMPLATES = 420  # of the bare matrix product: 7 metallicities x 60 ages
N_CHECKED, TOLERANCE_RMS = 8, 5e-4
CORES = len(os.sched_getaffinity(0))


@dataclass
class Contestant:
    """One row of the table: what it does, and a function that does it for some seconds."""

    key: str
    work: str
    run: Callable[[float], dict] | None
    absent: str = ""
    unit: str = "galaxies/s"
    rates: list[float] = field(default_factory=list)

    def slice(self, seconds: float) -> None:
        """Work for about this long and note the rate."""
        if self.run is not None:
            done = self.run(seconds)
            self.rates.append(done["count"] / done["seconds"])

    @property
    def rate(self) -> float | None:
        """Median over the rounds."""
        return float(np.median(self.rates)) if self.rates else None


def compile_simulators(recipe: str) -> tuple:
    """The recipe's simulator, and one of the same with dispersion and redshift drawn for each galaxy."""
    from sfhsim import Simulator, load_recipe
    from sfhsim.recipe import recipe_to_dict
    from sfhsim.recipe.loading import recipe_from_dict

    fixed = Simulator.from_recipe(recipe, seed=1)
    content = recipe_to_dict(load_recipe(recipe))
    content["kinematics"] |= {
        "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
        "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.02},
    }
    return fixed, Simulator(recipe_from_dict(content), fixed.library, seed=1)


def check_agreement(simulator) -> None:
    """AssertionError when spectra differ from those of the component-by-component path in float64."""
    from sfhsim import synthesize_galaxy

    batch = simulator.batch(np.arange(N_CHECKED))
    scale = simulator.flux_scale(batch.draws) / batch.draws.values["total_mass_msun"]
    for i in range(N_CHECKED):
        galaxy = synthesize_galaxy(simulator.recipe, i, simulator.seed, library=simulator.library)
        expected = galaxy.observe(simulator.recipe) * scale[i]
        rms = float(np.sqrt(np.mean((batch.noise_free_spectrum[i] / expected - 1) ** 2)))
        if not rms <= TOLERANCE_RMS:
            raise AssertionError(
                f"galaxy {i} of {simulator.recipe.name} differs from the reference path by {rms:.1e} rms, more than "
                f"{TOLERANCE_RMS:g}: its speed means nothing"
            )


def in_memory(fixed, drawn, batch: int) -> list[Contestant]:
    """Our simulator and the matrix product."""
    import numba

    threads = min(CORES, numba.config.NUMBA_NUM_THREADS)
    whole = (
        "stars, two dust screens, nebular lines and continuum, dispersion and LSF, photometry, noise, labels, truths"
    )
    weights = np.random.default_rng(1).random((batch, N_TEMPLATES), dtype=np.float32)
    templates = np.random.default_rng(2).random((N_TEMPLATES, fixed.spectrograph.wave_aa.size), dtype=np.float32)
    made = np.empty((batch, templates.shape[1]), dtype=np.float32)

    def multiply() -> int:
        np.matmul(weights, templates, out=made)
        return batch

    def timed(step: Callable[[], int], threads: int) -> Callable[[float], dict]:
        def work(seconds: float) -> dict:
            with thread_limit(threads):
                return repeat(step, seconds)

        return work

    return [
        Contestant("in_memory", f"{whole}; {threads} threads", timed(consecutive(fixed, batch), threads)),
        Contestant(
            "gemm", f"(batch, {N_TEMPLATES}) @ {templates.shape} float32; {threads} threads", timed(multiply, threads)
        ),
        Contestant("in_memory_1core", f"{whole}; 1 thread", timed(consecutive(fixed, batch), 1)),
        Contestant(
            "per_galaxy_kinematics",
            f"the same with dispersion and redshift drawn for each galaxy; {threads} threads",
            timed(consecutive(drawn, batch), threads),
        ),
    ]


def consecutive(simulator, batch: int) -> Callable[[], int]:
    """A function that simulates the next batch."""
    batches = simulator.stream(0, batch)
    return lambda: len(next(batches))


@contextlib.contextmanager
def thread_limit(threads: int) -> Iterator[None]:
    """Numba and BLAS on this many threads."""
    import numba
    from threadpoolctl import threadpool_limits

    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        with threadpool_limits(threads, user_api="blas"):
            yield
    finally:
        numba.set_num_threads(before)
