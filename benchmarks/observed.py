"""Real galaxies beside published values: ``python -m benchmarks.observed SPECTRA [--model NAME ...] [--plots DIR]``.

SPECTRA is the folder that holds the files of `GALAXIES`, archive spectra that may not be redistributed; those that are
missing are left out with a word. Published are the mass-weighted ages and [Z/H] within the effective radius of McDermid
et al. (2015, MNRAS 448, 3484, table 4); an SDSS fibre sees the inner 3 arcsec, SAURON's spectrum is that of a centre,
so that gradients stand between them. [Z/H] is log10 Z / 0.02.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Galaxy:
    """A file, how it must be read, and what is published of it: (Gyr, error), ([Z/H], error)."""

    file: str
    name: str
    read: dict = field(default_factory=dict)
    age_gyr: tuple[float, float] | None = None
    metallicity_dex: tuple[float, float] | None = None


GALAXIES = (
    Galaxy("NGC4636_SDSS_DR12.fits", "NGC 4636", {}, (13.68, 0.68), (-0.03, 0.02)),
    Galaxy("NGC3073_SDSS_DR18.fits", "NGC 3073", {}, (4.29, 2.56), (-0.75, 0.15)),
    Galaxy("NGC4550_SAURON.fits", "NGC 4550", {}, (10.00, 0.71), (-0.37, 0.03)),
    Galaxy("NGC1796_MUSE_spec.dat", "NGC 1796", {"redshift": 0.00338}),
    Galaxy("NGC1600_VIS_dopcor.fits", "NGC 1600", {"redshift": 0.0}),
    Galaxy("NGC0897_VIS_dopcor.fits", "NGC 897", {"redshift": 0.0}),
    Galaxy("spec-0266-51602-0001.fits", "SDSS 266-51602-1", {}),
    Galaxy("manga_onedspec.fits", "MaNGA 9049-12702", {}),
    Galaxy("SHOC579_SDSS_dr18.fits", "SHOC 579", {}),
)
SUMMARIES = ("mean_log10_age_yr_mass", "mean_log10_age_yr_light", "log10_metallicity_mass", "a_v_mag")


def main() -> None:
    """Parse the command line, predict, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spectra", type=Path, help="folder of the files")
    parser.add_argument("--model", nargs="+", default=["phangs-muse-hst"], help="files, runs or presets")
    parser.add_argument("--plots", type=Path, help="folder for pictures")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for model in options.model:
        print(f"\n{model}\n{'galaxy':18s}{'log age, mass':>22s}{'published':>16s}{'log age, light':>22s}"
              f"{'[Z/H], mass':>22s}{'published':>16s}{'A_V':>20s}{'novelty':>9s}")  # fmt: skip
        for galaxy in GALAXIES:
            print(line(galaxy, model, options.spectra, options.plots))


def line(galaxy: Galaxy, model: str, folder: Path, plots: Path | None) -> str:
    """What the model says of a galaxy, or why it doesn't."""
    from sfhmodel.inference.from_files import predict_files
    from sfhmodel.spectra import ReadOptions

    path = folder / galaxy.file
    if not path.is_file():
        return f"{galaxy.name:18s} left out: {galaxy.file} is not in the folder"
    with tempfile.TemporaryDirectory() as scratch:
        found = predict_files(model, [path], Path(scratch) / "t.ecsv", plots=plots, options=ReadOptions(**galaxy.read))
    if found.prediction is None:
        return f"{galaxy.name:18s} refused: {found.problems[0][1]}"
    prediction = found.prediction
    age, light, z, a_v = (
        np.array([prediction.summary(name, level)[0] for level in (0.16, 0.5, 0.84)]) for name in SUMMARIES
    )
    published = "" if galaxy.age_gyr is None else _published(np.log10(galaxy.age_gyr[0] * 1e9), galaxy.age_gyr)
    metals = "" if galaxy.metallicity_dex is None else "{:+.2f} ± {:.2f}".format(*galaxy.metallicity_dex)
    return (
        f"{galaxy.name:18s}{_interval(age):>22s}{published:>16s}{_interval(light):>22s}"
        f"{_interval(z - np.log10(0.02)):>22s}{metals:>16s}{_interval(a_v):>20s}{prediction.novelty[0]:9.2f}"
    )


def _published(log10_age: float, age_gyr: tuple[float, float]) -> str:
    return f"{log10_age:.2f} ± {age_gyr[1] / age_gyr[0] / np.log(10.0):.2f}"


def _interval(quantiles: np.ndarray) -> str:
    """Median and 68% interval."""
    low, median, high = quantiles
    return f"{median:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
