"""How much stellar libraries of different makers differ: ``python -m benchmarks.libraries [NAME ...] [--json OUT]``.

Each template of a library over the template of the reference, interpolated to its Z and age, over 4800-7000 A, both at
one resolution (4.5 A) on pixels of 2 A:

- light: mean flux per Msun formed, library over reference;
- lines: median and scatter over pixels of the ratio of the two spectra, each divided by its smooth continuum (running
  mean of 200 A); the scatter is half the width between the 16th and 84th percentiles;
- continuum: the same scatter of the ratio of the two continua, divided by its median: differences of shape.

Printed are medians over the templates of a range of ages, at each metallicity. When none is named, all installed
libraries are compared but the spliced ones, which hold young stars of the reference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from sfhsim.libraries import SSPLibrary, list_libraries, load_library
from sfhsim.libraries.broadened import broadened
from sfhsim.libraries.interpolation import at_templates

WAVE_AA = np.arange(4800.0, 7001.0, 2.0)
FWHM_AA = 4.5  # MaStar's largest below 7000 A is 3.7 A
CONTINUUM_PIXELS = 101
AGE_RANGES_MYR = ((0, 30), (30, 100), (100, 300), (300, 1000), (1000, 3000), (3000, 14100))
QUANTITIES = ("light", "line_ratio", "line_scatter", "continuum_scatter")


def main() -> None:
    """Parse the command line, measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", help="libraries; all that are installed, but spliced ones, when none is given"
    )
    parser.add_argument("--reference", default="bc03-miles")
    parser.add_argument("--json", type=Path, help="write the table here")
    arguments = parser.parse_args()
    names = arguments.names or [
        record.name
        for record in list_libraries()
        if record.status == "installed" and record.name != "bc03-miles-full" and not record.name.endswith("-spliced")
    ]
    reference = load_library(arguments.reference)
    rows = [row for name in names for row in table(load_library(name), reference)]
    print_table(rows, reference.name)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def differences(library: SSPLibrary, reference: SSPLibrary) -> dict[str, np.ndarray]:
    """Differences (n_z, n_age) of every template, by the names of `QUANTITIES`; NaN for ages beyond the reference's.

    Raises
    ------
    CoverageError
        When a library does not reach over the pixels.
    """
    own, other = (broadened(one, FWHM_AA, WAVE_AA) for one in (library, reference))
    flux, known = (np.asarray(one.flux, dtype=np.float64) for one in (own, other))
    expected = at_templates(other.metallicity, other.age_yr, known, own.metallicity, own.age_yr)
    continuum, expected_continuum = _continuum(flux), _continuum(expected)
    shape = continuum / expected_continuum
    lines = (flux / continuum) / (expected / expected_continuum)
    found = {
        "light": flux.mean(axis=-1) / expected.mean(axis=-1),
        "line_ratio": np.median(lines, axis=-1),
        "line_scatter": _scatter(lines),
        "continuum_scatter": _scatter(shape / np.median(shape, axis=-1, keepdims=True)),
    }
    known = (own.age_yr >= other.age_yr[0]) & (own.age_yr <= other.age_yr[-1])
    return {name: np.where(known, values, np.nan) for name, values in found.items()}


def table(library: SSPLibrary, reference: SSPLibrary) -> list[dict]:
    """Medians of `differences` by metallicity and range of ages, those without templates left out."""
    found = differences(library, reference)
    known = np.isfinite(found["light"][0])
    rows = []
    for i, z in enumerate(library.metallicity):
        for low, high in AGE_RANGES_MYR:
            inside = np.flatnonzero(known & (library.age_yr >= low * 1e6) & (library.age_yr < high * 1e6))
            if inside.size:
                medians = {name: float(np.median(values[i, inside])) for name, values in found.items()}
                rows.append(
                    {
                        "library": library.name,
                        "metallicity": float(z),
                        "age_myr": [low, high],
                        "n": inside.size,
                        **medians,
                    }
                )
    return rows


def print_table(rows: list[dict], reference: str) -> None:
    """The rows as text."""
    print(f"against {reference}, {WAVE_AA[0]:g}-{WAVE_AA[-1]:g} A at {FWHM_AA:g} A")
    print(f"{'library':20s}{'Z':>8s}{'age Myr':>12s}{'n':>5s}{'light':>8s}{'lines':>16s}{'continuum':>11s}")
    for row in rows:
        ages = "{:g}-{:g}".format(*row["age_myr"])
        lines = f"{row['line_ratio']:.4f} ± {row['line_scatter']:.4f}"
        print(f"{row['library']:20s}{row['metallicity']:8.4f}{ages:>12s}{row['n']:5d}{row['light']:8.3f}{lines:>16s}"
              f"{row['continuum_scatter']:11.4f}")  # fmt: skip


def _continuum(flux: np.ndarray) -> np.ndarray:
    return uniform_filter1d(flux, CONTINUUM_PIXELS, axis=-1, mode="nearest")


def _scatter(ratio: np.ndarray) -> np.ndarray:
    low, high = np.percentile(ratio, [16, 84], axis=-1)
    return (high - low) / 2


if __name__ == "__main__":
    main()
