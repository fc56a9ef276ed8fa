"""One file a template: what the readers of such folders share."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sfhsim.air import vacuum_to_air
from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.miles_spectrum import read_spectrum

Template = tuple[float, float]  # (metallicity, age_yr)
SAME_GRID_AA = 0.01


def named_files(paths: list[Path], pattern: re.Pattern) -> list[tuple[re.Match, Path]]:
    """The files of directories whose whole names match a pattern, with their matches; nothing for other paths."""
    files = [file for path in paths if path.is_dir() for file in sorted(path.iterdir())]
    return [(match, file) for file in files if (match := pattern.fullmatch(file.name))]


def require(found: list[tuple[re.Match, Path]], paths: list[Path], example: str) -> None:
    """Raise LibraryError when nothing was found that is named like the example."""
    if not found:
        raise LibraryError(f"no file named like {example} in {', '.join(map(str, paths))}")


def by_template(files: list[tuple[Template, Path]]) -> dict[Template, Path]:
    """The file of each template; LibraryError where two files are of the same."""
    grid: dict[Template, Path] = {}
    for template, path in files:
        other = grid.setdefault(template, path)
        if other is not path:
            raise LibraryError(f"{other} and {path} are the same template: keep one")
    return grid


def common_ages(grid: dict[Template, Path]) -> tuple[list[float], list[float], str]:
    """Metallicities, the ages that all of them have, and a note on the templates that are left out.

    Raises
    ------
    LibraryError
        When no age is common to all.
    """
    metallicity = sorted({z for z, _ in grid})
    ages = {z: {age for of, age in grid if of == z} for z in metallicity}
    common = sorted(set.intersection(*ages.values()))
    if not common:
        raise LibraryError(f"no age is common to the metallicities {', '.join(f'{z:g}' for z in metallicity)}")
    left_out = {z: len(ages[z]) - len(common) for z in metallicity if len(ages[z]) > len(common)}
    listed = ", ".join(f"{n} of Z = {z:g}" for z, n in left_out.items())
    return metallicity, common, f"Ages that only some metallicities have are left out ({listed})." if listed else ""


def read_cube(
    grid: dict[Template, Path], metallicity: list[float], age_yr: list[float], read=read_spectrum
) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (n_wave,), which all files must share, and the cube (n_metallicity, n_age, n_wave) float32."""
    first_path, wave_aa, cube = None, np.empty(0), np.empty(0)
    for i, z in enumerate(metallicity):
        for j, age in enumerate(age_yr):
            path = grid[z, age]
            wave, flux = read(path)
            if first_path is None:
                first_path, wave_aa = path, wave
                cube = np.empty((len(metallicity), len(age_yr), wave.size), dtype=np.float32)
            elif wave.size != wave_aa.size or np.abs(wave - wave_aa).max() > SAME_GRID_AA:
                raise LibraryError(
                    f"wavelength grids differ: {first_path} has {wave_aa.size} pixels over {wave_aa[0]:.1f}-"
                    f"{wave_aa[-1]:.1f} A, {path} has {wave.size} over {wave[0]:.1f}-{wave[-1]:.1f} A; "
                    "import the two sets apart and splice them"
                )
            cube[i, j] = flux
    return wave_aa, cube


def trimmed(wave_aa: np.ndarray, flux: np.ndarray, valid_aa: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, str]:
    """The pixels (n,) and spectra (..., n) within two wavelengths, beyond which files run out; and a note."""
    valid = (wave_aa >= valid_aa[0]) & (wave_aa <= valid_aa[1])
    return wave_aa[valid], flux[..., valid], f"Trimmed to {valid_aa[0]:g}-{valid_aa[1]:g} A."


def on_air_pixels(vacuum_aa: np.ndarray, flux: np.ndarray, step_aa: float) -> tuple[np.ndarray, np.ndarray]:
    """Spectra on vacuum wavelengths brought to uniform pixels in air, by cubic splines.

    The simulator broadens uniform pixels as they are; of others it would have to make some, averages of averages.

    Parameters
    ----------
    vacuum_aa : (n,)
    flux : (..., n) per Angstrom in vacuum.
    step_aa : not wider than the spectra are sampled where they are narrowest.

    Returns
    -------
    air_aa : (m,) inside the given wavelengths.
    flux : (..., m) float32, per Angstrom in air.
    """
    from scipy.interpolate import make_interp_spline

    air_aa = vacuum_to_air(vacuum_aa)
    n_pixel = int((air_aa[-1] - air_aa[0]) / step_aa + 1e-6) + 1
    pixels_aa = air_aa[0] + step_aa * np.arange(n_pixel)
    spline = make_interp_spline(air_aa, flux * (vacuum_aa / air_aa), k=3, axis=-1)
    on_pixels = spline(np.minimum(pixels_aa, air_aa[-1])).astype(np.float32)
    return pixels_aa, np.maximum(on_pixels, 0.0)  # it may swing below where a noisy spectrum nearly touches 0
