"""Galaxies a second, ours and others': ``python -m benchmarks.throughput [--seconds S] [--json OUT] [--plot PNG]``.

All contestants run in one go on one machine, in turns: several rounds of short slices, so that a machine that others
use too slows all of them. Rates are medians over the rounds, ratios medians of each round's ratio. Before anything is
timed, galaxies of the timed simulators are held against `synthesize_galaxy`; after it, what was written against them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import shutil
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.contestants import CORES, Contestant, check_agreement, compile_simulators, in_memory
from benchmarks.disk import Disk
from benchmarks.peers import PROSPECT, Absent, Worker
from benchmarks.startup import StartUp
from sfhsim.errors import SfhsimWarning

EXTRA = "pip install 'sfhsim[bench]', or --peer-python a Python that has it"


def main() -> None:
    """Parse the command line, run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each contestant, over all rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", default="phangs-muse-hst-embedded", help="built-in name or YAML file")
    parser.add_argument("--batch", type=int, default=1024, help="galaxies at a time in memory")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where to write and read")
    parser.add_argument("--peer-python", default=sys.executable, help="Python with DSPS, Bagpipes and TensorFlow")
    parser.add_argument("--quick", action="store_true", help="two rounds, no peers, no picture")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plot", type=Path, help="picture of rate against batch size and number of templates")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.plot = min(options.rounds, 2), None
    summary = run(
        options.recipe,
        options.seconds,
        options.rounds,
        scratch=options.scratch,
        batch=options.batch,
        peer_python=None if options.quick else options.peer_python,
    )
    if options.json:
        options.json.write_text(json.dumps(summary, indent=1) + "\n")
    if options.plot:
        from benchmarks.growth import plot_growth

        print(f"how cost grows: {plot_growth(options.recipe, options.seconds, options.plot)}")


def run(
    recipe: str, seconds: float, rounds: int, *, scratch: Path, batch: int = 1024, peer_python: str | None = None
) -> dict:
    """Time every contestant; prints a table, returns the figures.

    Parameters
    ----------
    recipe : built-in name or YAML file.
    seconds : for each contestant, over all rounds.
    rounds : number of slices of each.
    scratch : a folder of the disk to write to; what is written there is removed.
    batch : galaxies at a time in memory.
    peer_python : a Python that has the other programs and TensorFlow; none of them runs without.

    Raises
    ------
    AssertionError
        When the timed simulators differ from the reference path by more than 5e-4 rms, or the records from them.
    """
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(dir=scratch) as folder, contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore", SfhsimWarning)
        fixed, drawn = compile_simulators(recipe)
        for simulator in (fixed, drawn):
            check_agreement(simulator)
        disk = Disk(recipe, fixed, Path(folder), stack)
        contestants = [*in_memory(fixed, drawn, batch), *processes(recipe, fixed, batch, stack)]
        contestants += [*disk.contestants(), *start_up(recipe, Path(folder))]
        contestants += peers(fixed, disk, peer_python, stack)
        for contestant in contestants:  # warm up, and find out how many galaxies fill a slice
            contestant.slice(min(1.0, seconds / rounds))
            contestant.rates.clear()
        disk.check_written()
        disk.peak_bytes = 0
        for k in range(rounds):
            print(f"round {k + 1} of {rounds} ...", file=sys.stderr)
            for contestant in contestants:
                contestant.slice(seconds / rounds)
        float16_bytes = disk.mean_record_bytes("float16")
    by_key = {contestant.key: contestant for contestant in contestants}
    print_table(contestants)
    return summarise(by_key, disk.record_bytes, float16_bytes, disk.peak_bytes / 1e6)


# -- ours, in other processes ----------------------------------------------------------------------------------------


def processes(recipe: str, simulator, batch: int, stack: contextlib.ExitStack) -> list[Contestant]:
    """In memory by one process and by two, one thread each: what more workers are worth without a disk."""
    options = {"recipe": recipe, "seed": simulator.seed, "batch": batch}
    crew = [_closed_by(stack, Worker.of("simulate", threads=1, **options)) for _ in range(2)]
    work = "in_memory's work by {} of 1 thread"
    return [
        Contestant("in_memory_1worker", work.format("1 process"), lambda s: together(crew[:1], {"seconds": s})),
        Contestant("in_memory_2workers", work.format("2 processes"), lambda s: together(crew, {"seconds": s})),
    ]


def start_up(recipe: str, folder: Path) -> list[Contestant]:
    """A cold process to its first spectrum."""
    cold = StartUp(recipe, folder)
    work = "a new process to its end: imports, recipe, one galaxy; compiled recipe {}, Numba's code from its cache"
    return [
        Contestant("first_spectrum", work.format("from the cache"), cold.with_cache, unit="s"),
        Contestant("first_spectrum_uncached", work.format("compiled"), cold.without_cache, unit="s"),
    ]


# -- others ----------------------------------------------------------------------------------------------------------


def peers(simulator, disk: Disk, python: str | None, stack: contextlib.ExitStack) -> list[Contestant]:
    """TensorFlow's reader, DSPS, Bagpipes and ProSpect, each in processes of its own."""
    wave_aa = simulator.spectrograph.wave_aa
    grid = {"start": float(wave_aa[0]), "step": float(wave_aa[1] - wave_aa[0]), "n": int(wave_aa.size)}
    bands = f"{len(simulator.photometer.filters)} bands"
    templates = disk.folder / "templates.npz"
    made = "stars with one metallicity, CF00 dust, nebular, dispersion, the same pixels"
    dsps = "starlight of tabulated SFR(t), Z(t) alone"
    bagpipes = {"wave_aa": grid, "filters": [], "folder": str(disk.folder), "python": python}
    if python is not None:
        shape = save_templates(simulator, templates)
        dsps += f", {shape[0] * shape[1]} templates x {shape[2]} pixels"
        bagpipes["filters"] = save_filters(simulator, disk.folder)

    def start(count: int, make: Callable[[int], Worker]) -> list[Worker]:
        if python is None:
            raise Absent("not asked for")
        return [_closed_by(stack, make(k)) for k in range(count)]

    def contestant(key: str, work: str, workers: Callable[[], list[Worker]], request=None) -> Contestant:
        try:
            crew = workers()
        except Absent as why:
            return Contestant(key, work, None, str(why).splitlines()[-1])
        return Contestant(key, work, lambda seconds: together(crew, request() if request else {"seconds": seconds}))

    def dsps_in(float32: bool) -> Callable[[], list[Worker]]:
        options = {"templates": str(templates), "float32": float32}
        return lambda: start(1, lambda _: Worker.of("dsps", python, **options))

    def two_bagpipes(**options) -> Callable[[], list[Worker]]:
        return lambda: start(2, lambda k: Worker.of("bagpipes", threads=1, seed=k, **bagpipes, **options))

    def prospect() -> list[Worker]:
        if not (rscript := shutil.which("Rscript")):
            raise Absent("no Rscript here; with R, install.packages of ProSpect")
        return start(1, lambda _: Worker([rscript, "-e", PROSPECT], threads=1))

    return [
        contestant(
            "read_back",
            "tf.data over what 2 workers wrote, not cached: shuffled, batched, parsed to float32 arrays",
            lambda: start(1, lambda _: Worker.of("tensorflow", python)),
            lambda: disk.files_and_features("float32"),
        ),
        contestant(
            "read_back_float16",
            "the same over records of precision float16, to the same arrays",
            lambda: start(1, lambda _: Worker.of("tensorflow", python)),
            lambda: disk.files_and_features("float16"),
        ),
        contestant("dsps", f"DSPS, {dsps}, float64 as it comes; all cores", dsps_in(False)),
        contestant("dsps_float32", f"DSPS, {dsps}, set to float32; all cores", dsps_in(True)),
        contestant("bagpipes", f"Bagpipes, {made}, {bands}; no LSF, noise, labels; 2 processes", two_bagpipes()),
        contestant(
            "bagpipes_low_z", "the same, its wavelengths laid out for z < 0.05", two_bagpipes(max_redshift=0.05)
        ),
        contestant("prospect", "ProSpect, stars, dust, lines, 5 bands, its own wavelengths; 1 core", prospect),
    ]


def _closed_by(stack: contextlib.ExitStack, worker: Worker) -> Worker:
    stack.callback(worker.close)
    return worker


def together(crew: list[Worker], request: dict) -> dict:
    """A slice of several workers at once: the sum of their rates."""
    for worker in crew:
        worker.start(**request)
    done = [worker.finish() for worker in crew]
    return {"count": sum(one["count"] / one["seconds"] for one in done), "seconds": 1.0}


def save_templates(simulator, path: Path) -> tuple[int, ...]:
    """The library on the recipe's pixels, at most 60 of its ages, for DSPS; returns the shape."""
    from sfhsim.instrument import pixel_edges, rebin

    library = simulator.library
    ages = np.unique(np.linspace(0, library.age_yr.size - 1, 60).round().astype(int))
    edges_aa = pixel_edges(simulator.spectrograph.wave_aa)
    flux = np.stack([rebin(library.wave_aa, of_z, edges_aa) for of_z in library.flux[:, ages]]).astype(np.float32)
    lg_age_gyr = np.log10(library.age_yr[ages] / 1e9)
    np.savez(path, flux=flux, lg_metallicity=np.log10(library.metallicity), lg_age_gyr=lg_age_gyr)
    return flux.shape


def save_filters(simulator, folder: Path) -> list[str]:
    """The recipe's filter curves as text files."""
    files = []
    for k, band in enumerate(simulator.photometer.filters):
        files.append(str(folder / f"filter{k}.txt"))
        np.savetxt(files[-1], np.column_stack([band.wave_aa, band.throughput]))
    return files


# -- what is said ----------------------------------------------------------------------------------------------------


def print_table(contestants: list[Contestant]) -> None:
    """Rate, spread over the rounds, and what was done."""
    print(f"{CORES} cores, {cpu_name()}\n{'':23s}{'median':>12s}{'lowest':>12s}{'highest':>12s}")
    for each in contestants:
        if each.rates:
            figures = "".join(f"{value:12.4g}" for value in (each.rate, min(each.rates), max(each.rates)))
        else:
            figures = f"{'-':>12s}{'-':>12s}{'-':>12s}"
        print(f"{each.key:23s}{figures}  {each.unit}")
        print(textwrap.fill(each.work, 110, initial_indent=" " * 4, subsequent_indent=" " * 4))
        if each.absent:
            hint = "" if each.key == "prospect" or each.absent == "not asked for" else f" ({EXTRA})"
            print(f"    not run: {each.absent}{hint}")


def summarise(by_key: dict[str, Contestant], record_bytes: int, float16_bytes: float, peak_rss_mb: float) -> dict:
    """The figures, plain data; ``float16_bytes`` are those of a mean record of precision float16."""

    def ratio(above: str, below: str) -> float | None:
        lists = [by_key[name].rates for name in (above, below)]
        if not all(lists):
            return None
        return float(np.median([a / b for a, b in zip(*lists, strict=True)]))

    limits = [
        min(memory, raw / record_bytes)
        for memory, raw in zip(by_key["in_memory"].rates, by_key["raw_disk"].rates, strict=True)
    ]
    to_disk = by_key["to_disk"].rates
    summary = {
        f"{key}_per_s": by_key[key].rate
        for key in ("in_memory", "in_memory_1core", "per_galaxy_kinematics", "to_disk", "to_disk_float16")
    }
    summary |= {"record_bytes_float16": float16_bytes, "read_back_float16_per_s": by_key["read_back_float16"].rate}
    summary |= {"raw_disk_bytes_per_s": by_key["raw_disk"].rate, "record_bytes": record_bytes}
    summary |= {f"{key}_per_s": by_key[key].rate for key in ("gemm", "dsps", "bagpipes", "prospect")}
    summary |= {"peak_rss_mb": peak_rss_mb, "read_back_per_s": by_key["read_back"].rate}
    summary |= {f"{key}_s": by_key[key].rate for key in ("first_spectrum", "first_spectrum_uncached")}
    summary["ratios"] = {
        "in_memory_over_gemm": ratio("in_memory", "gemm"),
        "per_galaxy_kinematics_over_gemm": ratio("per_galaxy_kinematics", "gemm"),
        "in_memory_over_dsps": ratio("in_memory", "dsps"),
        "in_memory_over_bagpipes": ratio("in_memory", "bagpipes"),
        "to_disk_over_limit": float(np.median([a / b for a, b in zip(to_disk, limits, strict=True)])),
        "two_workers_over_one": ratio("to_disk", "to_disk_1worker"),
        "two_workers_over_one_in_memory": ratio("in_memory_2workers", "in_memory_1worker"),
        "read_back_over_to_disk": ratio("read_back", "to_disk"),
        "to_disk_float16_over_to_disk": ratio("to_disk_float16", "to_disk"),
        "read_back_float16_over_read_back": ratio("read_back_float16", "read_back"),
    }
    summary["machine"] = {"cores": CORES, "cpu": cpu_name()}
    print(json.dumps(summary, indent=1))
    return summary


def cpu_name() -> str:
    """The processor's name, as well as it is known."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
