"""Small cubes of simulated galaxies with a rotating disc, in MUSE's layout, and their truths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.io import fits

import sfhsim
from sfhsim.recipe import recipe_from_dict, recipe_to_dict

C_KMS = 299792.458
UNIT = "10**(-20)*erg/s/cm**2/Angstrom"


@dataclass
class SmallCube:
    """A cube on disk and what is in it; arrays (n_y, n_x)."""

    path: Path
    redshift: float
    velocity: np.ndarray
    sigma: np.ndarray
    sample: np.ndarray
    truth: dict[str, np.ndarray]


@lru_cache(maxsize=4)
def rest_spectra(n: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, dict]:
    """Wavelengths, noise-free spectra (n, m) of mean 1 and truths of n galaxies without lines."""
    return spectra_at(0.0, 0.0, n, seed)


def spectra_at(redshift: float, velocity_kms: float, n: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, dict]:
    """The same, observed at a redshift and a velocity, on pixels that do not move with it."""
    content = recipe_to_dict(sfhsim.load_recipe("demo"))
    content["nebular"] = {"model": "none"}
    content["spectrum"] |= {"start_aa": 4600.0, "stop_aa": 7250.0, "step_aa": 1.25, "lsf": {"name": "muse"}}
    total = (1.0 + redshift) * np.exp(velocity_kms / C_KMS) - 1.0
    content["kinematics"] |= {"velocity_dispersion_kms": 80.0, "redshift": float(total)}
    simulator = sfhsim.Simulator(recipe_from_dict(content), sfhsim.load_library("bc03-miles"), seed=seed)
    batch = simulator.batch(range(n))
    flux = np.asarray(batch.noise_free_spectrum, dtype=np.float64)
    names = [truth["name"] for truth in simulator.dimensions()["truth"]]
    truths = dict(zip(names, np.asarray(batch.truth, dtype=np.float64).T, strict=True))
    return np.asarray(simulator.dimensions()["pixel"]["wave_aa"]), flux / flux.mean(axis=1, keepdims=True), truths


def make_cube(
    path: Path,
    shape: tuple[int, int] = (6, 8),
    *,
    snr: float = 40.0,
    redshift: float = 0.005,
    v_max_kms: float = 150.0,
    n_galaxies: int = 4,
    hole: bool = True,
    seed: int = 0,
) -> SmallCube:
    """Columns hold the same galaxies whatever the velocity; the corner is without data when there is a ``hole``."""
    wave, spectra, truths = rest_spectra(n_galaxies)
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    velocity = v_max_kms * np.tanh((x - (shape[1] - 1) / 2) / (shape[1] / 4)) + 3.0 * (y - shape[0] / 2)
    sample = y % n_galaxies
    grid = np.arange(4700.0, 7140.0, 1.25)
    brightness = 1000.0 / (1.0 + np.hypot(y - shape[0] / 2, x - shape[1] / 2) / 3.0)
    flux = np.empty((grid.size, *shape))
    for j, i in np.ndindex(shape):
        factor = (1.0 + redshift) * np.exp(velocity[j, i] / C_KMS)
        # air wavelengths scale like those in vacuum to 1e-8 over such shifts of redshift and velocity
        flux[:, j, i] = brightness[j, i] * np.interp(grid, wave * factor, spectra[sample[j, i]])
    error = np.broadcast_to(brightness / snr, flux.shape)
    flux = flux + error * rng.normal(size=flux.shape)
    if hole:
        flux[:, 0, 0] = np.nan
    header = wcs_header(grid)
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(flux.astype(np.float32), header, name="DATA"),
        fits.ImageHDU(np.square(error).astype(np.float32), header, name="STAT"),
    ]
    hdus[1].header["BUNIT"] = UNIT
    hdus[2].header["BUNIT"] = UNIT + "**2"
    fits.HDUList(hdus).writeto(path)
    return SmallCube(path, redshift, velocity, np.full(shape, 80.0), sample, truths)


def wcs_header(wave_aa: np.ndarray) -> fits.Header:
    """Of a cube on the sky with spaxels of 0.2 arcsec."""
    cards = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CTYPE3": "AWAV",
        "CRVAL1": 24.17,
        "CRVAL2": 15.78,
        "CRVAL3": float(wave_aa[0]),
        "CRPIX1": 4.0,
        "CRPIX2": 3.0,
        "CRPIX3": 1.0,
        "CD1_1": -0.2 / 3600.0,
        "CD1_2": 0.0,
        "CD2_1": 0.0,
        "CD2_2": 0.2 / 3600.0,
        "CD3_3": float(wave_aa[1] - wave_aa[0]),
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CUNIT3": "Angstrom",
    }
    return fits.Header(cards.items())
