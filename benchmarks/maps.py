"""Are maps right, fast and safe: ``python -m benchmarks.maps [PART ...] [--observed FOLDER] [--cube C --truth T]``.

Parts, all of them by default:

mock      maps of a mock cube (`sfhsim cube disc`, 100 x 100 spaxels; or --cube with --truth) against what is true:
          bias and scatter, gradient per effective radius, truths inside the 68% intervals, and whether residuals
          follow the velocity; velocities found in the cube and velocities given. With --model and --bins, which can be
          given several times, models beside each other: one for the cube alone is made of `disc_recipe.yaml`.
rate      spaxels a second, every spaxel a bin, velocities given, on a cube of 6400 spaxels (--side 80).
kill      maps killed at random, ten times or --kills, and not killed: the same file?
memory    peak memory on a sparse file of 3700 x 1231 x 999 (``--rows`` of it hold a galaxy).
ngist     velocities of nGIST's 28 bins (--observed) against pPXF's, ages and metallicities beside its own.
cubes     cubes of other instruments (--observed): maps, or why there are none.
covariance  noise of summed spaxels of a MUSE cube (--observed) against that of independent ones.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import observed_maps

MODEL = "phangs-muse-hst"
PARTS = ("mock", "rate", "kill", "memory", "ngist", "cubes", "covariance")
QUANTITIES = ("LOG_AGE_MW", "LOG_AGE_LW", "METAL_MW", "METAL_LW", "A_V", "LOG_MASS_DENSITY", "SFR_DENSITY_100MYR")
COMMAND = [sys.executable, "-c", "from sfhmodel.cli import main; main()", "map"]
# of model, cube and file: velocities are found, and there are many chunks
_PROGRAM = """
import sys
from sfhmodel.mapping import MapOptions, map_cube
from sfhmodel.spectra import ReadOptions
map_cube(*sys.argv[1:], options=MapOptions(bins="spaxel", chunk_size=128), reading=ReadOptions(redshift=0.005))
"""
_SMALL_CHUNKS = [sys.executable, "-c", _PROGRAM]
UNIT = "10**(-20)*erg/s/cm**2/Angstrom"


def compare(maps: Path, truth: Path, effective_radius_arcsec: float, furthest_re: float = 2.0) -> dict[str, dict]:
    """Maps against true maps of the same names, bin by bin; what is true of a bin is a mean by light.

    Distances are on the sky, from the brightest part. Returns rows by quantity: ``bias``, ``scatter``, ``gradient`` and
    ``true_gradient`` per effective radius, ``within``, ``velocity_correlation``; of V: ``median_error_kms``, ``pull``.
    """
    from astropy.io import fits

    with fits.open(maps) as found, fits.open(truth) as true:
        bin_id, table = found["BIN_ID"].data, found["BINS"].data
        named = {hdu.name: hdu.data for hdu in true if hdu.is_image and hdu.data is not None}
        light, pixel = named.get("FLUX_PSF", named["FLUX"]), found[0].header["PIXSCALE"]

        def of_bins(name: str) -> np.ndarray:
            image = named.get(f"{name}_PSF", named[name])
            good = (bin_id >= 0) & np.isfinite(image)
            weight = np.bincount(bin_id[good], weights=light[good], minlength=len(table))
            return np.bincount(bin_id[good], weights=(light * image)[good], minlength=len(table)) / weight

        bright = int(np.argmax(table["FLUX"] / table["NSPAX"]))
        distance = pixel * np.hypot(table["X"] - table["X"][bright], table["Y"] - table["Y"][bright])
        radius = distance / effective_radius_arcsec
        near = radius < furthest_re
        velocity = of_bins("V")
        off = table["V"] - velocity
        rows: dict[str, dict] = {"V": {"bias": float(np.nanmedian(off)), "median_error_kms": _median_abs(off)}}
        if "V_ERR" in table.names:
            rows["V"]["pull"] = float(np.nanstd(off / table["V_ERR"]))
        if "SIGMA" in table.names and "SIGMA" in named:
            rows["V"]["sigma_bias_kms"] = float(np.nanmedian(table["SIGMA"] - of_bins("SIGMA")))
        for name in QUANTITIES:
            if name not in table.names or name not in named:
                continue
            value, error, target = table[name].astype(float), table[f"{name}_ERR"].astype(float), of_bins(name)
            good = near & np.isfinite(value) & np.isfinite(target)
            residual = (value - target)[good]
            rows[name] = {
                "bias": float(np.median(residual)),
                "scatter": float(np.std(residual)),
                "gradient": float(np.polyfit(radius[good], value[good], 1)[0]),
                "true_gradient": float(np.polyfit(radius[good], target[good], 1)[0]),
                "within": float(np.mean(np.abs(residual) < error[good])),
                "velocity_correlation": float(np.corrcoef(residual, velocity[good])[0, 1]),
            }
    return rows


def _median_abs(values: np.ndarray) -> float:
    return float(np.nanmedian(np.abs(values)))


def show(rows: dict[str, dict]) -> None:
    """Print what `compare` found."""
    v = rows["V"]
    pull = f", over its error {v['pull']:.2f} rms" if "pull" in v else ""
    sigma = f"; SIGMA: bias {v['sigma_bias_kms']:+.1f} km/s" if "sigma_bias_kms" in v else ""
    print(f"  V: bias {v['bias']:+.1f} km/s, median error {v['median_error_kms']:.1f} km/s{pull}{sigma}")
    print(f"  {'':20} {'bias':>7} {'scatter':>7} {'per Re':>7} {'true':>7} {'off':>7} {'in 68%':>7} {'with V':>7}")
    for name, row in rows.items():
        if name != "V":
            numbers = [row[key] for key in ("bias", "scatter", "gradient", "true_gradient")]
            shown = " ".join(f"{number:+7.3f}" for number in [*numbers, row["gradient"] - row["true_gradient"]])
            print(f"  {name:20} {shown} {row['within']:7.0%} {row['velocity_correlation']:+7.2f}")


@dataclass(frozen=True)
class MockCube:
    """A mock cube, its true maps, and what a user would know of it."""

    cube: Path
    truth: Path
    redshift: float
    effective_radius_arcsec: float


def make_mock(folder: Path) -> MockCube:
    """The built-in one, with seed 1."""
    from sfhsim.cubes import load_cube_model, make_cube

    model = load_cube_model("disc")
    made = make_cube(model, folder / "disc.fits", seed=1, show_progress=True)
    galaxy = model.galaxy
    return MockCube(Path(made.cube), Path(made.truth), galaxy.redshift, galaxy.effective_radius_arcsec)


def mock(folder: Path, given: MockCube, models: Sequence[str], bins: Sequence[str]) -> None:
    """Mapped with every model and bins, and compared; velocities are given to the first model and bins, too."""
    from sfhmodel.mapping import MapOptions, map_cube
    from sfhmodel.spectra import ReadOptions

    for number, (model, some) in enumerate(itertools.product(models, bins)):
        velocities = {"found": "auto"} | ({"given": str(given.truth)} if number == 0 else {})
        for name, velocity in velocities.items():
            options = MapOptions(bins=some, velocity=velocity, mask=str(given.truth))
            out, reading = folder / "mock.fits", ReadOptions(redshift=given.redshift)
            wall, cpu = time.monotonic(), time.process_time()
            outcome = map_cube(model, given.cube, out, options=options, reading=reading, overwrite=True)
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
            print(
                f"mock, {model}, {outcome.n_bin} bins ({some}), velocities {name}: {wall:.0f} s, {cpu:.0f} s of a core"
            )
            show(compare(out, given.truth, given.effective_radius_arcsec))


def write_cube(path: Path, shape: tuple[int, int], wave_aa: np.ndarray, rows: range) -> Path:
    """A cube in MUSE's layout: noise about a spectrum with a rotation curve in ``rows``, holes of zeros elsewhere."""
    from astropy.io import fits

    import sfhsim

    batch = sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded", seed=1).batch(range(1))
    rest = np.arange(4800.0, 7000.1, 1.25)
    inside = (wave_aa > rest[0] * 1.004) & (wave_aa < rest[-1] * 1.006)
    spectrum = np.where(inside, np.interp(wave_aa, rest * 1.005, batch.noise_free_spectrum[0]), 0.0)
    spectrum = (1000.0 * spectrum / spectrum[inside].mean()).astype(">f4")
    header = fits.Header(
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "AWAV", "CUNIT1": "deg", "CUNIT2": "deg"}
    )
    header.update(
        {"CD1_1": -0.2 / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.2 / 3600, "CRVAL1": 24.0, "CRVAL2": 15.0}
    )
    header.update({"CRPIX1": 1.0, "CRPIX2": 1.0, "CRPIX3": 1.0, "CRVAL3": wave_aa[0], "CD3_3": wave_aa[1] - wave_aa[0]})
    header["CUNIT3"] = "Angstrom"
    n_y, n_x = shape
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        fits.PrimaryHDU().writeto(file)
        for name, unit in (("DATA", UNIT), ("STAT", UNIT + "**2")):
            own = header.copy()
            own["BUNIT"], own["EXTNAME"] = unit, name
            own = fits.Header([("XTENSION", "IMAGE"), ("BITPIX", -32), ("NAXIS", 3), ("NAXIS1", n_x), ("NAXIS2", n_y),
                               ("NAXIS3", wave_aa.size), ("PCOUNT", 0), ("GCOUNT", 1), *own.cards])  # fmt: skip
            file.write(own.tostring().encode("ascii"))
            start = file.tell()
            for k in range(wave_aa.size):
                plane = np.full((len(rows), n_x), 400.0 if name == "STAT" else spectrum[k], dtype=np.float32)
                if name == "DATA" and spectrum[k]:
                    plane += 20.0 * rng.normal(size=plane.shape)
                file.seek(start + 4 * n_x * (n_y * k + rows.start))
                file.write(plane.astype(">f4").tobytes())
            size = 4 * n_x * n_y * wave_aa.size
            file.truncate(start + size + -size % 2880)
            file.seek(0, os.SEEK_END)
    return path


def rate(folder: Path, side: int) -> None:
    """Spaxels a second once everything is compiled, and what they cost, which does not depend on who else is there."""
    import sfhmodel
    from sfhmodel.mapping import MapOptions, map_cube
    from sfhmodel.spectra import ReadOptions

    cube = write_cube(folder / "rate.fits", (side, side), np.arange(4750.0, 7150.0, 1.25), range(side))
    model, options = sfhmodel.load(MODEL), MapOptions(bins="spaxel", velocity="25")
    for attempt in ("first", "again"):
        began = time.monotonic(), time.process_time(), time.thread_time()
        out, reading = folder / "rate-maps.fits", ReadOptions(redshift=0.005)
        n = map_cube(model, cube, out, options=options, reading=reading, overwrite=True).n_bin
        wall, cpu, main = (
            now - then
            for now, then in zip((time.monotonic(), time.process_time(), time.thread_time()), began, strict=True)
        )
        print(
            f"rate, {attempt}: {n} spaxels, {n / wall:.0f} a second; {1e6 * cpu / n:.0f} us of a core each, of which "
            f"{1e6 * main / n:.0f} in the main thread: two free cores could do {2 * n / cpu:.0f} a second"
        )


def kill(folder: Path, seed: int, kills: int) -> None:
    """SIGKILL at random moments: while the program starts, or some parts and a part of the next one later."""
    cube = write_cube(folder / "kill.fits", (48, 48), np.arange(4750.0, 7150.0, 1.25), range(48))
    killed, whole = folder / "killed.fits", folder / "whole.fits"
    began = time.monotonic()
    subprocess.run([*_SMALL_CHUNKS, MODEL, str(cube), str(whole)], check=True, capture_output=True)
    typical, count, kept, rng = time.monotonic() - began, 0, [], random.Random(seed)
    while count < kills:
        process = subprocess.Popen([*_SMALL_CHUNKS, MODEL, str(cube), str(killed)], stderr=subprocess.DEVNULL)
        before, more = len(list(folder.glob(".killed.fits.parts/*.npz"))), rng.choice((None, 0, 1, 1, 2))
        if more is None:
            time.sleep(rng.uniform(0.0, 0.5 * typical))
        else:
            while process.poll() is None and len(list(folder.glob(".killed.fits.parts/*.npz"))) < before + more:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.02 * typical))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        count += 1
        kept.append(len(list(folder.glob(".killed.fits.parts/*.npz"))))
    subprocess.run([*_SMALL_CHUNKS, MODEL, str(cube), str(killed)], check=not killed.exists(), capture_output=True)
    same = "the same" if killed.read_bytes() == whole.read_bytes() else "ANOTHER"
    left = [path.name for path in folder.glob(".killed*")]
    print(f"kill: after {count} kills the file is {same}; left behind: {left or 'nothing'}; parts at the kills: {kept}")


def memory(folder: Path, n_row: int, n_y: int) -> None:
    """Peak resident memory of the command on a PHANGS-sized file, most of which is a hole."""
    first = n_y // 2
    wave = 4750.0 + 1.25 * np.arange(3700)
    cube = write_cube(folder / "mosaic.fits", (n_y, 999), wave, range(first, first + n_row))
    words = [MODEL, str(cube), "--redshift", "0.005", "--bins", "spaxel", "--velocity", "0"]
    began = time.monotonic()
    command = [*COMMAND, *words, "--out", str(folder / "mosaic-maps.fits"), "--overwrite"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    shown = f"{cube.stat().st_size / 2**30:.0f} GiB, {n_row} rows with data"
    print(f"memory: {peak:.2f} GiB at most, {time.monotonic() - began:.0f} s ({shown})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--observed", type=Path, help="folder with resolved/ and cubes/")
    parser.add_argument("--cube", type=Path, help="a mock cube, with --truth")
    parser.add_argument("--truth", type=Path, help="its true maps")
    parser.add_argument("--redshift", type=float, default=0.004, help="of --cube")
    parser.add_argument("--effective-radius", type=float, default=5.0, help="arcsec, of --cube")
    parser.add_argument("--bins", action="append", help="of the mock; sn:30")
    parser.add_argument("--model", action="append", help=f"for the mock, one or more; {MODEL}")
    parser.add_argument("--side", type=int, default=80, help="spaxels, of the cube of the rate")
    parser.add_argument("--rows", type=int, default=40, help="with data, of the mosaic")
    parser.add_argument("--mosaic-rows", type=int, default=1231, help="of the mosaic")
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    parser.add_argument("--kills", type=int, default=10)
    arguments = parser.parse_args()
    if odd := set(arguments.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(odd))}: there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = None
        if arguments.cube is not None and arguments.truth is not None:
            given = MockCube(arguments.cube, arguments.truth, arguments.redshift, arguments.effective_radius)
        models, bins = arguments.model or [MODEL], arguments.bins or ["sn:30"]
        runs = {
            "mock": lambda: mock(folder, given or make_mock(folder), models, bins),
            "rate": lambda: rate(folder, arguments.side),
            "kill": lambda: kill(folder, arguments.seed, arguments.kills),
            "memory": lambda: memory(folder, arguments.rows, arguments.mosaic_rows),
        }
        if arguments.observed is not None:
            runs |= {
                "ngist": lambda: observed_maps.ngist(MODEL, arguments.observed),
                "cubes": lambda: observed_maps.cubes(MODEL, folder, arguments.observed),
                "covariance": lambda: observed_maps.covariance(arguments.observed),
            }
        for part in arguments.parts:
            if part in runs:
                runs[part]()
            else:
                print(f"{part}: left out, give --observed")


if __name__ == "__main__":
    main()
