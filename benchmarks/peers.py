"""Contestants of `benchmarks.throughput` that run in processes of their own, and the pipe to them.

A worker is ``PYTHON peers.py NAME OPTIONS``. It prepares (imports, compiles, warms up), says so in one line of JSON,
then for each line it is sent does one slice of work and answers with what it did in how many seconds; between slices it
waits without using the processor. This file imports nothing but NumPy at the top, so that the peers' Python need not
have sfhsim.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Absent(Exception):
    """A contestant cannot run here; the message says why."""


class Worker:
    """A worker process, seen from the benchmark.

    Parameters
    ----------
    command : what to run.
    threads : BLAS, OpenMP and Numba threads, where they are to be limited.

    Raises
    ------
    Absent
        When it ends, or says that it cannot run, before it is ready.
    """

    def __init__(self, command: list[str], threads: int | None = None):
        environment = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
        if threads is not None:
            environment |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # lives as long as the worker
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=self._errors, text=True, env=environment
        )
        try:
            answer = self._answer()
        except RuntimeError as error:
            self.close()
            raise Absent(str(error)) from None
        if "absent" in answer:
            self.close()
            raise Absent(answer["absent"])

    @classmethod
    def of(cls, name: str, python: str = sys.executable, threads: int | None = None, **options) -> Worker:
        """A worker of this file."""
        return cls([python, "-W", "ignore", str(Path(__file__).resolve()), name, json.dumps(options)], threads)

    def start(self, **request) -> None:
        """Send a request; `finish` waits for its answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def finish(self) -> dict:
        """The answer: ``count`` and ``seconds``. RuntimeError, with what it printed, when the worker failed."""
        return self._answer()

    def run(self, **request) -> dict:
        """`start` and `finish`."""
        self.start(**request)
        return self.finish()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._errors.close()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()[-12:]
        command = " ".join(self.process.args)
        raise RuntimeError("\n".join([f"`{command:.200}` ended with status {self.process.returncode}", *said]))


# -- in the worker ---------------------------------------------------------------------------------------------------


def repeat(step: Callable[[], int], seconds: float) -> dict:
    """Take steps for this long; how many units of work they did, and in how many seconds."""
    count, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds or not count:
        count += step()
    return {"count": count, "seconds": elapsed}


def write_data_sets(recipe: str, seed: int) -> Callable[..., dict]:
    """Makes data sets with `generate_dataset`, as a user's script does; seconds are those of its summary."""
    from sfhsim import generate_dataset

    def run(n: int, folder: str, **options) -> dict:
        summary = generate_dataset(recipe, n, folder, seed=seed, **options)
        return {"count": summary.n_made, "seconds": summary.seconds}

    return run


def simulate_batches(recipe: str, seed: int, batch: int) -> Callable[..., dict]:
    """Our simulator in memory, with the threads of this process."""
    from sfhsim import Simulator

    batches = Simulator.from_recipe(recipe, seed=seed).stream(0, batch)

    def step() -> int:
        return len(next(batches))

    step()
    return lambda seconds: repeat(step, seconds)


def mix_with_dsps(templates: str, float32: bool, batch: int = 256) -> Callable[..., dict]:
    """DSPS: SED of tabulated SFR(t) and Z(t) on given templates, `vmap` over galaxies and `jit`."""
    import jax
    from dsps.sed.stellar_sed import calc_rest_sed_sfh_table_met_table as rest_sed

    jax.config.update("jax_enable_x64", not float32)  # importing DSPS turns float64 on
    kind = np.float32 if float32 else np.float64
    with np.load(templates) as stored:
        flux, lg_metallicity, lg_age_gyr = (
            jax.numpy.asarray(stored[name].astype(kind)) for name in ("flux", "lg_metallicity", "lg_age_gyr")
        )
    time_gyr = jax.numpy.asarray(np.linspace(0.1, 13.8, 100).astype(kind))
    scatter, now_gyr = kind(0.1), kind(13.7)

    @jax.jit
    @jax.vmap
    def mix(sfr, lg_z):
        made = rest_sed(time_gyr, sfr, lg_z, scatter, lg_metallicity, lg_age_gyr, flux, now_gyr)
        return made.rest_sed, made.weights

    rng = np.random.default_rng(1)
    sfr = rng.uniform(0.1, 2.0, (batch, time_gyr.size)).astype(kind)
    lg_z = (np.linspace(-3.4, 0.0, time_gyr.size) + rng.uniform(-2.6, -1.6, (batch, 1))).clip(-3.4, -1.4).astype(kind)
    spectra, weights = mix(sfr, lg_z)
    shape = np.einsum("za,zap->p", np.asarray(weights[0]).reshape(flux.shape[:2]), np.asarray(flux))
    ratio = np.asarray(spectra[0]) / shape
    if not np.allclose(ratio, ratio[0], rtol=1e-3):
        raise AssertionError("DSPS' spectrum is not the sum of its templates with its weights")

    def step() -> int:
        mix(sfr, lg_z)[0].block_until_ready()
        return batch

    return lambda seconds: repeat(step, seconds)


def galaxies_of_bagpipes(
    wave_aa: dict, filters: list[str], folder: str, seed: int, max_redshift: float | None = None
) -> Callable[..., dict]:
    """Bagpipes: `model_galaxy.update` with other parameters for each galaxy."""
    os.chdir(folder)  # Bagpipes makes folders where it is
    import bagpipes

    if max_redshift is not None:
        bagpipes.config.max_redshift = max_redshift
    from bagpipes.models.model_galaxy import model_galaxy

    rng = np.random.default_rng(seed)

    def draw() -> dict:
        age_gyr, tau_gyr, metallicity, burst_gyr, a_v, log_u = rng.uniform(
            [1.0, 0.3, 0.1, 0.01, 0.0, -3.5], [12.0, 5.0, 1.5, 0.4, 1.0, -2.0]
        )
        return {
            "redshift": 0.001,
            "veldisp": 150.0,
            "t_bc": 0.01,
            "delayed": {"age": age_gyr, "tau": tau_gyr, "massformed": 9.0, "metallicity": metallicity},
            "burst": {"age": burst_gyr, "massformed": 7.0, "metallicity": metallicity},
            "dust": {"type": "CF00", "Av": a_v, "n": 0.7, "eta": 2.0},
            "nebular": {"logU": log_u},
        }

    grid_aa = wave_aa["start"] + wave_aa["step"] * np.arange(wave_aa["n"])
    model = model_galaxy(draw(), filt_list=filters or None, spec_wavs=grid_aa)

    def step() -> int:
        model.update(draw())
        return 1

    step()
    if not np.all(model.spectrum[:, 1] > 0):
        raise AssertionError("Bagpipes made no light")
    return lambda seconds: repeat(step, seconds)


def read_with_tensorflow(batch: int = 256, shuffle: int = 2048) -> Callable[..., dict]:
    """tf.data: one pass over the files, shuffled, parsed and decoded in batches; from the disk, not from its cache."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    def run(files: list[str], features: dict[str, int], precision: str) -> dict:
        for file in files:
            with open(file, "rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        halves = ["spectrum", "spectrum_error"] if precision == "float16" else []
        extra = ["spectrum_scale", "spectrum_correction_index", "spectrum_correction"] if halves else []
        schema = {name: tf.io.FixedLenFeature([], tf.string) for name in (*features, *extra)}

        def parse(messages):
            raw = tf.io.parse_example(messages, schema)
            arrays = {
                name: tf.ensure_shape(tf.io.decode_raw(raw[name], tf.float32), (None, n))
                for name, n in features.items()
                if name not in halves
            }
            if halves:
                arrays["spectrum"], arrays["spectrum_error"] = restored(raw)
            return arrays

        def restored(raw):
            scale = tf.repeat(tf.io.decode_raw(raw["spectrum_scale"], tf.float32), features["spectrum"], axis=1)
            both = tf.io.decode_raw(raw["spectrum"] + raw["spectrum_error"], tf.float16)
            longest = tf.maximum(tf.reduce_max(tf.strings.length(raw["spectrum_correction"])), 4)
            index = tf.io.decode_raw(raw["spectrum_correction_index"], tf.int32, fixed_length=longest)
            added = tf.io.decode_raw(raw["spectrum_correction"], tf.float32, fixed_length=longest)
            rows = tf.broadcast_to(tf.range(tf.shape(index)[0])[:, None], tf.shape(index))
            both = tf.tensor_scatter_nd_add(tf.cast(both, tf.float32) * scale, tf.stack([rows, index], -1), added)
            return tf.split(tf.ensure_shape(both, (None, 2 * features["spectrum"])), 2, axis=1)

        records = tf.data.TFRecordDataset(files, num_parallel_reads=tf.data.AUTOTUNE).shuffle(shuffle)
        records = records.batch(batch).map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
        began = time.perf_counter()
        count = sum(int(got["spectrum"].shape[0]) for got in records)
        return {"count": count, "seconds": time.perf_counter() - began}

    return run


WORKERS = {
    "simulate": simulate_batches,
    "write": write_data_sets,
    "dsps": mix_with_dsps,
    "bagpipes": galaxies_of_bagpipes,
    "tensorflow": read_with_tensorflow,
}

# Runs under Rscript: the same protocol, one galaxy with other parameters at a time
PROSPECT = """
suppressPackageStartupMessages(library(ProSpect))
galaxy = function() SFHfunc(
  massfunc = massfunc_snorm_burst, forcemass = 1e9, mSFR = 1, mpeak = runif(1, 0, 13), mperiod = runif(1, 0.3, 5),
  mskew = runif(1, -0.5, 1), mburst = runif(1, 0, 3), mburstage = runif(1, 0.01, 0.4),
  Z = Zfunc_massmap_box, Zstart = 4e-4, Zfinal = runif(1, 0.002, 0.03), yield = 0.03,
  tau_birth = runif(1, 0, 2), tau_screen = runif(1), pow_birth = -0.7, pow_screen = -0.7,
  filters = c("u_VST", "g_VST", "r_VST", "i_VST", "Z_VISTA"), emission = TRUE, emission_scale = "SFR",
  veldisp = 150, disp_stars = TRUE, z = 0.001, sparse = 1)
invisible(galaxy())
now = function() as.numeric(Sys.time())
cat("{}\\n"); flush(stdout())
pipe = file("stdin", "r")
while (length(line <- readLines(pipe, 1)) > 0) {
  limit = as.numeric(gsub("[^0-9.]", "", line)); began = now(); count = 0
  while (count == 0 || now() - began < limit) { galaxy(); count = count + 1 }
  cat(sprintf('{"count": %d, "seconds": %.6f}\\n', count, now() - began)); flush(stdout())
}
"""


def main() -> None:
    """Prepare, then answer requests until the pipe closes."""
    name, options = sys.argv[1], json.loads(sys.argv[2])
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what libraries print goes with the errors

        def say(message: dict) -> None:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

        try:
            run = WORKERS[name](**options)
        except ModuleNotFoundError as error:
            say({"absent": f"{sys.executable} has no module {error.name}"})
            return
        say({})
        for line in sys.stdin:
            say(run(**json.loads(line)))


if __name__ == "__main__":
    main()
